"""What a queue file breaks, all of it: the judgement of `skep validate`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from errors import InvalidFile
from runtime_contract import Limits, Task
from store.intake import find_cycles
from store.queue_file import entries, strict_json
from store.records import EndedTask, NewTask, RefusedTask

Finding = dict[str, Any]


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
        report.problems.append({"rule": error.message, **error.details})
        return report
    for name, rule, value in found.refused_keys:
        report.problems.append(_finding(name, f"{rule}, got {value}"))
    report.problems += [_finding(each.path, _without(each.path, each.reason)) for each in found.refused]
    for each in found.twins:
        rule = f"the id {each.id!r} stands already at {found.named[each.id].path}"
        report.problems.append(_finding(f"{each.path}.id", rule))
    report.tasks = len(found.refused) + len(found.twins)
    _check_entries(found.entries, limits, known, report)
    report.problems.sort(key=_place_in_file)
    return report


def _check_entries(
    given: list[entries.FileEntry], limits: Limits, known: Collection[str], report: Report
) -> None:
    report.tasks += len(given)
    tasks: dict[str, tuple[str, Task]] = {}
    ended: set[str] = set()
    for entry in given:
        judged = entries.admit(entry, limits)
        if isinstance(judged, RefusedTask):
            report.problems.append(_finding(judged.path, _without(judged.path, judged.reason)))
        elif isinstance(judged, EndedTask):
            ended.add(entry.id)
        elif isinstance(judged, NewTask):
            tasks[judged.task.id] = (entry.path, judged.task)
    report.problems += _cycles(tasks)
    report.warnings += _missing(tasks, {*known, *ended, *(entry.id for entry in given)})


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


def _finding(path: str, rule: str) -> Finding:
    return {"path": path, "rule": rule}


def _without(path: str, reason: str) -> str:
    """A reason that begins with the field's path, without it."""
    return reason.removeprefix(f"{path}: ")
