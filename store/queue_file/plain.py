"""The quick way in for plain tasks: what most files hold, known to be good at a glance.

`runtime_contract.normalize_task` is the judge. This module only recognises entries that it would pass
unchanged, a few microseconds each, so that ten thousand of them do not take a second; everything else is
left to it. A property test holds the two together: `read` says none, or what `normalize_task` says.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from runtime_contract import ENDED, ID_PATTERN, PARENT_PATTERN, STATUS_READINGS, Limits, Task
from statuses import DONE_ELSEWHERE
from store.records import NewTask
from unseen import is_blank, program_of

Check = Callable[[Any, Limits], bool]

_OPEN_READINGS: Final = frozenset(
    word for word, status in STATUS_READINGS.items() if status not in ENDED and word not in DONE_ELSEWHERE
)


def _is_texts(value: object, most: int, longest: int) -> bool:
    if type(value) is not list or len(value) > most:
        return False
    try:
        joined = "".join(value)
    except TypeError:
        return False
    return not value or (max(map(len, value)) <= longest and (joined.isascii() or _is_unicode(joined)))


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_words(value: object, most: int) -> bool:
    """Whether a value is a text that is not blank and not too long."""
    return (
        type(value) is str
        and 0 < len(value) <= most
        and not value.isspace()
        and (value.isascii() or _is_unicode(value))
    )


def _is_name(value: object, limits: Limits) -> bool:
    return type(value) is str and len(value) <= limits.name_chars and _is_unicode(value)


#: What makes the value of a key plain. A key that is not here makes the entry one for the judge.
_CHECKS: Final[dict[str, Check]] = {
    "id": lambda value, _: type(value) is str and ID_PATTERN.fullmatch(value) is not None,
    "type": lambda value, _: value == "cycle" and type(value) is str,
    "prompt": lambda value, limits: _is_words(value, limits.prompt_chars) and not is_blank(value),
    "command": lambda value, limits: (
        _is_words(value, limits.command_chars) and (value.isascii() or not is_blank(program_of(value)))
    ),
    "mode": lambda value, _: type(value) is str,
    "depends_on": lambda value, limits: (
        _is_texts(value, limits.depends_on_items, 257) and all(map(PARENT_PATTERN.fullmatch, value))
    ),
    "parallel_safe": lambda value, _: type(value) is bool,
    "status": lambda value, _: type(value) is str and value in _OPEN_READINGS,
    "priority": lambda value, limits: type(value) is int and -limits.priority <= value <= limits.priority,
    "model": _is_name,
    "identity_id": _is_name,
    "run_id": _is_name,
    "max_attempts": lambda value, limits: type(value) is int and 1 <= value <= limits.max_attempts,
    "max_tokens": lambda value, limits: type(value) is int and 1 <= value <= limits.max_tokens,
    "timeout_s": lambda value, limits: type(value) in {int, float} and 0 < value <= limits.timeout_s,
    "tags": lambda value, limits: _is_texts(value, limits.tags_items, limits.name_chars),
}

#: every field of a task that nothing was said about
_DEFAULTS: Final = Task.model_construct(id="", mode="llm").__dict__


class _Shape(NamedTuple):
    """What all entries with the same keys in the same order have in common."""

    checks: tuple[Check, ...]
    mode: str
    has_id: bool
    given: set[str]


@functools.lru_cache(maxsize=256)
def _shape_of(keys: tuple[str, ...]) -> _Shape | None:
    """How to look at entries with these keys; none where the contract must be asked."""
    if not _CHECKS.keys() >= set(keys) or ("prompt" in keys) == ("command" in keys):
        return None
    mode = "local" if "command" in keys else "llm"
    checks = tuple(_MODES[mode] if key == "mode" else _CHECKS[key] for key in keys)
    return _Shape(checks, mode, "id" in keys, {"id", "mode", *keys})


_MODES: Final[dict[str, Check]] = {
    "llm": lambda value, _: type(value) is str and value == "llm",
    "local": lambda value, _: type(value) is str and value == "local",
}


def read(raw: dict[str, Any], task_id: str, limits: Limits) -> NewTask | None:
    """The task of a plain entry, or none where the contract must be asked. `raw` becomes its document."""
    shape = _shape_of(tuple(raw))
    if shape is None:
        return None
    for check, value in zip(shape.checks, raw.values(), strict=True):
        if not check(value, limits):
            return None
    doc = raw if shape.has_id else {"id": task_id, **raw}
    return NewTask(_as_task(doc, shape), doc)


def _as_task(doc: dict[str, Any], shape: _Shape) -> Task:
    """The model of values that were checked; pydantic's own way to make one is slower than to check it."""
    task = Task.__new__(Task)
    fields = _DEFAULTS | doc
    fields["mode"] = shape.mode
    fill = object.__setattr__
    fill(task, "__dict__", fields)
    fill(task, "__pydantic_fields_set__", shape.given)
    fill(task, "__pydantic_extra__", {})
    fill(task, "__pydantic_private__", None)
    return task
