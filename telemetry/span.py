"""A span that has ended, as it is written and sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from redaction import clean

Value = str | int | float | bool | list[str]

#: Characters of a value; texts of prompts and answers have more.
LONGEST: Final = 200
LONGEST_TEXT: Final = 8_000
_NANOS: Final = 1_000_000_000
#: By opentelemetry/proto/trace/v1/trace.proto.
_KINDS: Final = {"internal": 1, "client": 3}
_ERROR: Final = 2


@dataclass(frozen=True, slots=True)
class Span:
    """Something that was done, from its beginning to its end."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str | None
    #: Unix seconds
    start: float
    end: float
    attributes: dict[str, Value] = field(default_factory=dict)
    kind: Literal["internal", "client"] = "internal"
    #: why it failed, as a stable word; none: it did not
    error: str | None = None

    @property
    def start_nanos(self) -> int:
        """When it began, Unix nanoseconds."""
        return int(self.start * _NANOS)

    @property
    def end_nanos(self) -> int:
        """When it ended; never before it began, whatever the clock did."""
        return int(max(self.start, self.end) * _NANOS)

    def as_otlp(self) -> dict[str, Any]:
        """As OTLP says it in JSON (opentelemetry.io/docs/specs/otlp, JSON Protobuf encoding)."""
        told: dict[str, Any] = {"traceId": self.trace_id, "spanId": self.span_id}
        if self.parent_id is not None:
            told["parentSpanId"] = self.parent_id
        told |= {
            "name": self.name,
            "kind": _KINDS[self.kind],
            "startTimeUnixNano": str(self.start_nanos),
            "endTimeUnixNano": str(self.end_nanos),
            "attributes": otlp_attributes(self.attributes),
        }
        return told if self.error is None else told | {"status": {"code": _ERROR}}


def otlp_attributes(attributes: dict[str, Value]) -> list[dict[str, Any]]:
    """Attributes as OTLP says them in JSON."""
    return [{"key": name, "value": _otlp_value(value)} for name, value in attributes.items()]


def _otlp_value(value: Value) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [{"stringValue": each} for each in value]}}
    return {"stringValue": value}


def known(attributes: dict[str, Any], longest: int = LONGEST) -> dict[str, Value]:
    """Attributes that are known, without secrets and not too long: what is not known is not told."""
    found: dict[str, Value] = {}
    for name, value in attributes.items():
        if isinstance(value, list):
            found[name] = [clean(str(each))[:longest] for each in value]
        elif isinstance(value, str):
            found[name] = clean(value)[:longest]
        elif value is not None:
            found[name] = value
    return found
