"""Fills the slots of a tool's command from a request: exactly, or not at all.

A slot is a whole word of the command, and what is put there is a whole word too: nothing is ever put
together, quoted or read again. Its value comes from the first of: an example that the request says word by
word (``count the lines of {file}``), the only word of the request that `input_schema` allows for it by a
pattern, a list or a number, and its default. `input_schema` has the last word on all of them together.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from toolbox.tool import PROMPT, SLOT, TEXT, Tool

#: Characters of a request that is read for values; a longer one is for a model.
MOST_CHARS: Final = 2_000
#: Characters of one value.
MOST_VALUE_CHARS: Final = 400
#: What stands before the words that matter.
_POLITE: Final = re.compile(
    r"(?:please|pls|kindly|hey|hi|hello|can you|could you|would you|will you|i want you to|i need you to|"
    r"i'd like you to|let's|just|now)[\s,]+",
    re.IGNORECASE,
)
_VALUE: Final = r"(\"[^\"\n]{1,400}\"|'[^'\n]{1,400}'|`[^`\n]{1,400}`|[^\s\"'`]{1,400}?)"
_WORDS: Final = re.compile(r"\"([^\"\n]{1,400})\"|'([^'\n]{1,400})'|`([^`\n]{1,400})`|([^\s\"'`,;:!?()]+)")


@dataclass(frozen=True, slots=True)
class Filled:
    """A command that is ready, or why there is none."""

    argv: tuple[str, ...] = ()
    #: the profile that is given the request, in place of argv
    profile: str | None = None
    reason: str = ""

    @property
    def is_ready(self) -> bool:
        """Whether there is something to run."""
        return bool(self.argv or self.profile)


#: What is run where nothing is.
NOTHING: Final = Filled()


def fill(tool: Tool, request: str) -> Filled:
    """The tool's command for a request."""
    if not tool.runs:
        return Filled(reason="it has no command")
    needed = tool.slots - {PROMPT, TEXT}
    if needed and len(request) > MOST_CHARS:
        return Filled(reason=f"a request of over {MOST_CHARS:,} characters is not read for values")
    values = _values(tool, request, needed)
    missing = sorted(needed - values.keys())
    if missing:
        return Filled(reason=f"the request does not say {', '.join(missing)} in a way that is certain")
    if fault := _fault(tool, values, request):
        return Filled(reason=fault)
    if tool.profile is not None:
        return Filled(profile=tool.profile)
    words = {name: _word(value) for name, value in values.items()} | {PROMPT: request, TEXT: tool.text}
    return Filled(tuple(words[word[1:-1]] if SLOT.fullmatch(word) else word for word in tool.argv))


def _values(tool: Tool, request: str, needed: set[str]) -> dict[str, Any]:
    said = _by_example(tool, request) if needed else {}
    found = {name: _typed(tool, name, text) for name, text in said.items() if name in needed}
    for name in sorted(needed - found.keys()):
        told = tool.properties.get(name, {})
        only = _only_word(tool, name, told, request)
        if only is not None:
            found[name] = only
        elif "default" in told:
            found[name] = told["default"]
    return found


def is_said(tool: Tool, request: str) -> bool:
    """Whether a request says one of the tool's examples word by word, whatever stands in its slots."""
    text = _bare(request) if len(request) <= MOST_CHARS else ""
    return any(_pattern(example).fullmatch(text) for example in tool.examples if _is_clear(example))


def _by_example(tool: Tool, request: str) -> dict[str, str]:
    """The values of the first example that the request says word by word."""
    text = _bare(request)
    for example in tool.examples:
        names = SLOT.findall(example)
        is_form = bool(names) and len(set(names)) == len(names) and _is_clear(example)
        found = _pattern(example).fullmatch(text) if is_form else None
        if found is not None:
            return dict(zip(names, map(_unquoted, found.groups()), strict=True))
    return {}


def _is_clear(example: str) -> bool:
    """Whether a blank parts any two slots: where one value ends is certain then, and quickly found."""
    between = SLOT.split(example)[2:-1:2]
    return all(any(map(str.isspace, piece)) for piece in between)


def _bare(request: str) -> str:
    """A request without the politeness in front of it and the stop behind."""
    text = request.strip().rstrip(".!?").rstrip()
    while (polite := _POLITE.match(text)) is not None:
        text = text[polite.end() :]
    return text


@functools.lru_cache(maxsize=4_096)
def _pattern(example: str) -> re.Pattern[str]:
    pieces = SLOT.split(example.strip().rstrip(".!?").rstrip())
    told = (
        _VALUE if at % 2 else r"\s+".join(re.escape(word) for word in re.split(r"\s+", piece))
        for at, piece in enumerate(pieces)
    )
    return re.compile("".join(told), re.IGNORECASE)


def _only_word(tool: Tool, name: str, told: dict[str, Any], request: str) -> Any:
    """The one word of the request that a slot allows which is not just any text; none where two are."""
    if not (told.keys() & {"pattern", "enum", "const"} or told.get("type") in {"integer", "number"}):
        return None
    fitting = {
        repr(value): value
        for word in itertools.islice(_candidates(request), 200)
        if _error((value := _typed(tool, name, word)), told) is None
    }
    return next(iter(fitting.values())) if len(fitting) == 1 else None


def _candidates(request: str) -> Iterator[str]:
    for found in _WORDS.finditer(request):
        word = next(group for group in found.groups() if group is not None)
        yield word.rstrip(".") if found[4] else word


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] in "\"'`" and value[0] == value[-1] else value


def _typed(tool: Tool, name: str, text: str) -> Any:
    """A word as the type its slot has; as text where it is none."""
    kind = tool.properties.get(name, {}).get("type")
    if kind == "integer" and re.fullmatch(r"-?\d{1,18}", text):
        return int(text)
    if kind == "number" and re.fullmatch(r"-?\d{1,18}(\.\d{1,18})?", text):
        return float(text)
    return text


def _word(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)


def _fault(tool: Tool, values: dict[str, Any], request: str) -> str:
    """Why the values may not be put into the command; empty where they may."""
    for name, value in values.items():
        if isinstance(value, str) and (value.startswith("-") or not value or len(value) > MOST_VALUE_CHARS):
            return f"{name} must be 1 to {MOST_VALUE_CHARS} characters and not begin with - as options do"
    if PROMPT in tool.slots and request.startswith("-"):
        return "the request begins with -, as an option does"
    told = values | ({PROMPT: request} if PROMPT in tool.properties else {})
    error = _error(told, tool.input_schema)
    return "" if error is None else f"input_schema does not allow it: {error}"


def _error(value: Any, schema: dict[str, Any]) -> str | None:
    # With a registry of its own a validator fetches nothing: a $ref must not reach the network or a file.
    import jsonschema  # noqa: PLC0415  large, and few tools have slots
    import referencing.jsonschema  # noqa: PLC0415

    validator = jsonschema.Draft202012Validator(schema, registry=referencing.jsonschema.EMPTY_REGISTRY)
    try:
        found = next(iter(validator.iter_errors(value)), None)
    except Exception as error:  # whatever a schema of a file can do, nothing runs then
        return f"the schema itself is wrong: {error}"
    return None if found is None else found.message[:200]
