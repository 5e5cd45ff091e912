"""What references of a task can stand for: those that never will are refused before a run is started."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from context import template
from run_contract.errors import InvalidInput
from runs.request import TaskRequest

#: Where the inputs of a task's own run stand.
_INPUTS: Final = ".".join(("run", "inputs"))


def check(
    task: TaskRequest,
    memory: Collection[str],
    path: str,
    repeated: Collection[str] = (),
    outputs: Mapping[str, Collection[str]] | None = None,
) -> None:
    """Raise `InvalidInput` for a reference that can stand for nothing when the task's turn comes.

    Parameters:
        repeated: ids of the tasks that are part of rounds.
        outputs: names of outputs by the tasks that name some; of a task that is not there nothing is known.
    """
    of_items = {"item", "index"} if task.for_each is not None else set[str]()
    for text in [task.command or "", *(task.argv or ())]:
        for name in template.references(text):
            if name in of_items and text != task.command:
                continue
            told = f"{{{{{name}}}}} is not filled in: a command is told nothing of other tasks"
            raise InvalidInput(f"{path}.command: {told}", path=f"{path}.command")
    for field, text in _texts(task):
        for name in template.references(text):
            if not _is_fine(task, field, name, memory, repeated, outputs or {}):
                told = f"{{{{{name}}}}} stands for nothing: only deps.ID.output, inputs and memory do"
                raise InvalidInput(f"{path}.{field}: {told}", path=f"{path}.{field}")


def _texts(task: TaskRequest) -> Iterator[tuple[str, str]]:
    yield "prompt", task.prompt or ""
    yield "ask", task.ask or ""
    for text in task.run.inputs.values() if task.run is not None else ():
        yield _INPUTS, text
    yield "when.of", task.when.of if task.when is not None else ""
    yield "for_each", task.for_each if isinstance(task.for_each, str) else ""
    yield "repeat.until.of", task.repeat.until.of if task.repeat is not None else ""


def _is_fine(
    task: TaskRequest,
    field: str,
    name: str,
    memory: Collection[str],
    repeated: Collection[str],
    outputs: Mapping[str, Collection[str]],
) -> bool:
    dependency = template.dependency_of(name)
    if dependency is not None:
        source, output = dependency
        return source in task.deps and (output is None or output in outputs.get(source, (output,)))
    is_prompt = field in {"prompt", "ask", _INPUTS}
    if name == "previous":
        return is_prompt and task.id in repeated
    if name == "output":
        return field == "repeat.until.of"
    if name in {"item", "index"}:
        return is_prompt and task.for_each is not None
    where, _, key = name.partition(".")
    return (where == "inputs" and key in task.inputs) or (where == "memory" and key in memory)
