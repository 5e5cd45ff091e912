"""What a queue file breaks, all of it: the judgement of `skep validate`."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from errors import InvalidFile
from runtime_contract import MACHINE_KEYS, Limits, Task
from store.intake import find_cycles
from store.queue_file import entries, strict_json
from store.records import EndedTask, NewTask, RefusedTask

Finding = dict[str, Any]
_LONGEST_VALUE: Final = 200
#: A reason begins with the path of the field, as ``tasks[3].priority: must be a whole number``.
_REASON: Final = re.compile(
    r"(?P<entry>(?:tasks|completed|failed)\[\d+\]|task)(?P<field>[\w.\[\]-]*): (?P<rule>.+)", re.DOTALL
)


@dataclass(slots=True)
class Report:
    """What was found in a file."""

    tasks: int = 0
    #: what costs a task or the file
    problems: list[Finding] = field(default_factory=list)
    #: what is taken in and may not be meant
    warnings: list[Finding] = field(default_factory=list)

    @property
    def is_ok(self) -> bool:
        """Whether everything would be taken in."""
        return not self.problems

    def to_json(self) -> dict[str, Any]:
        """The report as JSON tells it."""
        return {"ok": self.is_ok, "tasks": self.tasks, "problems": self.problems, "warnings": self.warnings}


def check(data: bytes, limits: Limits, known: Collection[str] = ()) -> Report:
    """Judge a file's content; `known` are ids that exist beside it."""
    report = Report()
    try:
        found = entries.read(strict_json.parse(data, limits))
    except InvalidFile as error:
        return refused(error)
    for name, rule, value in found.refused_keys:
        report.problems.append(_finding(name, f"{rule}, got {_cut(value)}"))
    report.problems += [_finding(each.path, _without(each.path, each.reason)) for each in found.refused]
    for each in found.twins:
        rule = f"the id {each.id!r} stands already at {found.named[each.id].path}"
        report.problems.append(_finding(f"{each.path}.id", rule))
    report.tasks = len(found.refused) + len(found.twins)
    _check_entries(found.entries, limits, known, report)
    report.problems.sort(key=_place_in_file)
    return report


def refused(error: InvalidFile) -> Report:
    """The report of a file of which nothing can be taken in."""
    report = Report()
    report.problems.append({"rule": error.message, **error.details})
    return report


def _check_entries(
    given: list[entries.FileEntry], limits: Limits, known: Collection[str], report: Report
) -> None:
    report.tasks += len(given)
    tasks: dict[str, tuple[str, Task]] = {}
    ended: set[str] = set()
    for entry in given:
        kept = _kept_refusal(entry, limits)
        if kept is not None:
            report.problems.append(kept)
            continue
        judged = entries.admit(_as_written(entry), limits)
        if isinstance(judged, RefusedTask):
            report.problems.append(_finding(judged.path, _without(judged.path, judged.reason)))
        elif isinstance(judged, EndedTask):
            ended.add(entry.id)
        elif isinstance(judged, NewTask):
            tasks[judged.task.id] = (entry.path, judged.task)
    report.problems += _cycles(tasks)
    report.warnings += _missing(tasks, {*known, *ended, *(entry.id for entry in given)})


def split_reason(reason: str) -> tuple[str, str, str] | None:
    """The entry that a reason names, the field in it, and the rule; none where it names none."""
    found = _REASON.fullmatch(reason)
    return None if found is None else (found["entry"], found["field"], found["rule"])


def _is_kept(entry: entries.FileEntry) -> bool:
    """Whether it is an entry that was refused before, as Skep writes it: what was written stands in `raw`."""
    return entry.raw.keys() - MACHINE_KEYS == {"id", "raw"} and isinstance(entry.raw["raw"], str)


def _as_written(entry: entries.FileEntry) -> entries.FileEntry:
    """A refused entry with what was written in it; any other as it is."""
    written = _written(entry) if _is_kept(entry) else None
    return entry if written is None else entry._replace(section="tasks", raw=written | {"id": entry.id})


def _written(entry: entries.FileEntry) -> dict[str, Any] | None:
    try:
        found = json.loads(entry.raw["raw"])
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _kept_refusal(entry: entries.FileEntry, limits: Limits) -> Finding | None:
    """Why an entry stays refused, in the words it was refused with; none where it was corrected in its `raw`.

    An id that was refused is no longer in what was written, so that alone its reason tells.
    """
    if not _is_kept(entry):
        return None
    reason = entry.raw.get("reason")
    _, field_path, rule = split_reason(reason if isinstance(reason, str) else "") or ("", "", reason)
    is_wrong = _written(entry) is None or isinstance(entries.admit(_as_written(entry), limits), RefusedTask)
    if not is_wrong and field_path != ".id":
        return None
    return _finding(f"{entry.path}{field_path}", str(rule or "was refused, and its reason is gone"))


def _cycles(tasks: dict[str, tuple[str, Task]]) -> Iterator[Finding]:
    graph = {name: set(task.depends_on) & tasks.keys() for name, (_, task) in tasks.items()}
    for cycle in find_cycles(graph):
        yield _finding(f"{tasks[cycle[0]][0]}.depends_on", f"depends on itself: {' -> '.join(cycle)}")


def _missing(tasks: dict[str, tuple[str, Task]], known: Collection[str]) -> Iterator[Finding]:
    for path, task in tasks.values():
        missing = [parent for parent in task.depends_on if parent not in known]
        if missing:
            rule = f"waits for {', '.join(missing)}, which does not exist (yet)"
            yield _finding(f"{path}.depends_on", rule)


def _place_in_file(finding: Finding) -> tuple[str, int]:
    section, _, rest = finding["path"].partition("[")
    return section, int(rest.partition("]")[0] or 0)


def _cut(text: str) -> str:
    """A value of any length, as far as a person reads on."""
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."


def _finding(path: str, rule: str) -> Finding:
    return {"path": path, "rule": rule}


def _without(path: str, reason: str) -> str:
    """A reason that begins with the field's path, without it."""
    return reason.removeprefix(f"{path}: ")
