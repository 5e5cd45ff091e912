"""Ids of traces and spans, derived from what they tell of, so that every process finds the same.

No id has to be handed about or kept: the span of an attempt is known before it begins, and after the
process that ran it has died. A home's own salt keeps the ids of two homes apart. Contexts travel as W3C
traceparent (w3.org/TR/trace-context-1).
"""

from __future__ import annotations

import hashlib
import re
from typing import Final, NamedTuple, Self

from store.asking import Asks

#: The header, in HTTP.
HEADER: Final = "traceparent"

_FORM: Final = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?"
)
_LONGEST: Final = 512


class Context(NamedTuple):
    """A span that others are children of."""

    #: 32 and 16 hexadecimal digits
    trace_id: str
    span_id: str

    @classmethod
    def read(cls, text: str | None) -> Self | None:
        """What a header says; none where it cannot be understood, and then a trace begins anew."""
        match = _FORM.fullmatch(text.strip()) if text and len(text) <= _LONGEST else None
        if match is None or (match[1] == "00" and match[5]):
            return None
        return cls(match[2], match[3])

    def __str__(self) -> str:
        """As the header says it; what Skep tells is always kept, so it counts as sampled."""
        return f"00-{self.trace_id}-{self.span_id}-01"


class TraceIds:
    """The ids of one home.

    Parameters:
        salt: the home's own.
    """

    def __init__(self, salt: str) -> None:
        self._salt = salt

    @classmethod
    def of_home(cls, asks: Asks) -> Self:
        """The ids of the home that is read."""
        row = asks.one("get_trace_salt")
        return cls("" if row is None else row["salt"])

    def trace(self, task_id: str | None, run_id: str | None, given: Context | None) -> str:
        """The trace of a run, and of a task of none; of a run that was started from a span, that span's."""
        if given is not None:
            return given.trace_id
        return self._digest("trace", run_id or "", "" if run_id else task_id or "")[:32]

    def run(self, run_id: str) -> str:
        """The span of a run."""
        return self._digest("run", run_id)[:16]

    def task(self, task_id: str) -> str:
        """The span of a task."""
        return self._digest("task", task_id)[:16]

    def attempt(self, task_id: str, lease: int) -> str:
        """The span of an attempt."""
        return self._digest("attempt", task_id, str(lease))[:16]

    def command(self, task_id: str, lease: int) -> str:
        """The span of the command of an attempt."""
        return self._digest("command", task_id, str(lease))[:16]

    def check(self, task_id: str, lease: int, check: str) -> str:
        """The span of a command that checked the result of an attempt."""
        return self._digest("check", task_id, str(lease), check)[:16]

    def call(self, call: str) -> str:
        """The span of a model call."""
        return self._digest("call", call)[:16]

    def _digest(self, *parts: str) -> str:
        text = "\0".join((self._salt, *parts))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
