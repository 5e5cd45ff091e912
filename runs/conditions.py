"""Whether a task runs at all, and over what: conditions on what went before, and lists of items. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

from context import template
from run_contract.errors import InvalidInput, NoNumber
from run_contract.records import Condition, RunTask, TaskInput
from runs import fenced_json

#: A number, not one inside a word.
_PLAIN: Final = r"(?:[0-9]{1,3}(?:,[0-9]{3}){1,4}|[0-9]{1,15})(?:\.[0-9]{1,15})?(?!\w)"
#: What a score is of, with the marks that may stand between: ``/100``, ``of 100``, ``(out of 100)``.
_SCALE: Final = rf"[*`]{{0,3}}[ \t]{{0,3}}\(?(?:/|(?:out[ \t]{{1,3}})?of[ \t])[ \t]{{0,3}}[*`]{{0,3}}{_PLAIN}"
_NUMBER: Final = re.compile(rf"(?<![\w.])(-?{_PLAIN})(?:{_SCALE})?", re.IGNORECASE)
_BULLET: Final = "-*•"


def holds(condition: Condition, values: Mapping[str, str]) -> bool:
    """Whether a condition is met. Raises `NoNumber`, and `InvalidInput` for an empty reference.

    Texts are compared without the white space around them, whatever their case; of numbers the last counts
    that stands in a text. What a score is of is none: ``60/100`` and ``60 out of 100`` are 60.
    """
    found = template.render(condition.of, values).strip()
    if condition.test in {"at_least", "at_most"}:
        have, want = _number(found), _number(condition.value)
        return have >= want if condition.test == "at_least" else have <= want
    have_text, want_text = found.casefold(), condition.value.strip().casefold()
    is_there = want_text in have_text if condition.test.endswith("contains") else have_text == want_text
    return is_there is not condition.test.startswith("not_")


#: What is told of a condition that is not met.
_UNMET: Final = {
    "equals": "is not",
    "not_equals": "is",
    "contains": "does not contain",
    "not_contains": "contains",
    "at_least": "is not at least",
    "at_most": "is not at most",
}


def unmet(condition: Condition) -> str:
    """That a condition is not met, for a person."""
    return f"{condition.of} {_UNMET[condition.test]} {condition.value}"


def _number(text: str) -> float:
    """The last number in a text, without the scale behind it. Raises `NoNumber`."""
    found = _NUMBER.findall(text)
    if not found:
        raise NoNumber(f"there is no number to compare in {ascii(text)[:60]}")
    return float(found[-1].replace(",", ""))


def items_of(task: RunTask, values: Mapping[str, str], most: int) -> list[str]:
    """The items a task is run over: a JSON array, also one in a fence, or the lines of a text.

    Lines are taken without bullets; blank ones and the marks of fences are no items.

    Raises `InvalidInput` for more than `most`.
    """
    given = task.for_each
    items = list(given) if isinstance(given, list) else _read(template.render(given or "", values))
    if len(items) > most:
        raise InvalidInput(f"{len(items):,} items are too many; max_items of the policy allows {most:,}")
    return items


def _read(text: str) -> list[str]:
    found = fenced_json.find(text, list)
    if found is not None:
        return [each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in found]
    lines = (line.strip().lstrip(_BULLET).strip() for line in text.splitlines())
    return [line for line in lines if line and not fenced_json.is_mark(line)]


def item_tasks(task: RunTask, items: list[str]) -> list[RunTask]:
    """A task for each item, as the task itself is but for ``{{item}}`` and ``{{index}}``.

    An answer that the list came from is told item by item, and not whole to every one of them.
    """
    given = task.inputs or TaskInput("")
    listed = set[str]() if isinstance(task.for_each, list) else _sources(task.for_each or "")
    told = [dep for dep in task.deps if dep not in listed or dep in _sources(given.prompt)]
    found = []
    for number, item in enumerate(items, 1):
        inputs = {**given.inputs, "item": item, "index": str(number)}
        own = fresh(task, f"{task.id}.{number}", told)
        own.inputs = TaskInput(given.prompt, inputs, given.metadata)
        own.for_each, own.when, own.subtree_micros = None, None, None
        found.append(own)
    return found


def fresh(task: RunTask, name: str, deps: list[str]) -> RunTask:
    """A new task with another id and other dependencies that is to do the same."""
    return RunTask(
        id=name,
        inputs=task.inputs,
        deps=list(deps),
        model=task.model,
        role=task.role,
        priority=task.priority,
        max_tokens=task.max_tokens,
        needs=task.needs,
        required=task.required,
        when=task.when,
        for_each=task.for_each,
        repeat=task.repeat,
        budget_micros=task.budget_micros,
        subtree_micros=task.subtree_micros,
        timeout_ms=task.timeout_ms,
        context=task.context,
        is_run=task.is_run,
        inner=task.inner,
        choices=task.choices,
        may_add=task.may_add,
        named=task.named,
        cache=task.cache,
    )


def _sources(text: str) -> set[str]:
    """The tasks whose answers a text refers to."""
    found = (template.dependency_of(name) for name in template.references(text))
    return {each[0] for each in found if each is not None}
