"""Brings a task's answers to those that wait for it, and finds what references in their prompts stand for.

What is routed stands apart from the inputs a person gave: a dependency whose id is the key of an input takes
nothing away.
"""

from __future__ import annotations

from collections.abc import Iterable

from context import template
from context.memory_manager import memory_of
from run_contract.errors import InvalidInput, TaskNotFound
from run_contract.records import Run, RunTask, TaskResult, TaskState


class ContextRouter:
    """Routes answers within a run. Keeps nothing itself."""

    def route(self, run: Run | None, source: str, target: str, result: TaskResult | None) -> None:
        """Give `target` what `source` answered. Raises `InvalidInput`, `TaskNotFound`."""
        if run is None:
            raise InvalidInput("no run to route in")
        tasks = run.tasks
        if source not in tasks or target not in tasks:
            raise TaskNotFound(f"{source if source not in tasks else target} is no task of the run")
        tasks[target].routed[source] = "" if result is None else result.output

    def values(self, run: Run, task: RunTask, texts: Iterable[str]) -> dict[str, str]:
        """What the references of `texts` stand for, as far as anything does.

        Only the answers of tasks that it waits for, directly, can be named; where any of them will do, one
        that did not complete stands for nothing, which is an empty text.
        """
        found: dict[str, str] = {}
        for name in (name for text in texts for name in template.references(text)):
            value = self._value(run, task, name)
            if value is not None:
                found[name] = value
        return found

    def _value(self, run: Run, task: RunTask, name: str) -> str | None:
        dependency = template.dependency_of(name)
        if dependency is not None:
            return self._answer(run, task, *dependency)
        if name == "previous":
            return task.previous
        where, _, key = name.partition(".")
        given = task.inputs
        if where == "inputs" and given is not None:
            return given.inputs.get(key)
        if where == "memory":
            return memory_of(run, task.parent).get(key)
        return given.inputs.get(name) if given is not None and name in {"item", "index"} else None

    @staticmethod
    def _answer(run: Run, task: RunTask, dependency: str, output: str | None) -> str | None:
        source = run.answering(dependency)
        if dependency not in task.deps or source is None:
            return None
        if source.state is not TaskState.COMPLETED:
            return "" if task.needs == "any" else None
        if source.outputs is None:
            return ""
        return source.outputs.output if output is None else source.outputs.outputs.get(output)
