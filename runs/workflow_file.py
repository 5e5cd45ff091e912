"""Reads a workflow file and says everything that is wrong with it, each with its line and column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pydantic

from config_files import wrong
from config_files.documents import Document, parse_document, read_document
from config_files.wrong import Wrong
from context import template
from errors import InvalidFile
from run_contract import kept_ids
from run_contract.errors import DagCycle
from run_contract.records import ID, RunTask
from run_contract.shapes import Shape
from runs import run_names, spec_default
from runs.dependency_resolver import DependencyResolver
from runs.spec_default import ROLE_PROMPTS
from runs.workflow import Workflow, WorkflowFile
from runs.workflow_problem import Problem
from task_errors import shorten


class InvalidWorkflow(InvalidFile):
    """The workflow breaks its rules."""

    code = "invalid_workflow"


def read_workflow(path: Path) -> Workflow:
    """The workflow in a file. Raises `InvalidFile`, `InvalidWorkflow` with all that is wrong, `OSError`."""
    return workflow_of(read_document(path))


def parse_workflow(text: str, name: str = "workflow.yaml") -> Workflow:
    """The workflow in a text; its name says whether that is JSON. Raises as `read_workflow`."""
    return workflow_of(parse_document(text, name, is_json=name.endswith(".json")))


def workflow_of(document: Document) -> Workflow:
    """The workflow of a document. Raises `InvalidWorkflow`."""
    if document.value is None:
        raise InvalidWorkflow(f"{document.name}: the file is empty", problems=[])
    try:
        workflow = WorkflowFile.model_validate(document.value).workflow
    except pydantic.ValidationError as error:
        raise _refusal(document, wrong.found_by(error)) from error
    found = list(problems(workflow))
    if found:
        raise _refusal(document, [Wrong(("workflow", *each.path), each.rule, each.message) for each in found])
    return workflow


def problems(workflow: Workflow) -> Iterator[Problem]:
    """What is wrong with a workflow whose shape is right, the first rule that is broken first."""
    refused = run_names.refusal(workflow.name)
    if refused is not None:
        rule = "workflow_name_control" if workflow.name.strip() else "workflow_name_empty"
        yield Problem(rule, ("name",), refused)
    if not workflow.steps:
        yield Problem("no_steps", ("steps",), "there must be at least one step")
    yield from _step_problems(workflow)
    unknown = list(_unknown_dependencies(workflow))
    yield from unknown
    if not unknown:
        yield from _circles(workflow)
        yield from _round_problems(workflow)
        yield from _kept_ids(workflow)
    yield from _reference_problems(workflow)
    if workflow.type == "spec-default":
        yield from spec_default.problems(workflow)


def _step_problems(workflow: Workflow) -> Iterator[Problem]:
    seen: set[str] = set()
    for number, step in enumerate(workflow.steps):
        path = ("steps", number)
        if not step.id:
            yield Problem("step_id_empty", (*path, "id"), "must not be empty")
        elif not ID.fullmatch(step.id):
            told = "only letters, digits, dots, underlines and hyphens, at most 128, a letter or digit first"
            yield Problem("step_id_invalid", (*path, "id"), f"{shorten(step.id)} is no id: {told}")
        elif step.id in seen:
            yield Problem("step_id_duplicate", (*path, "id"), f"a step before it has the id {step.id} too")
        seen.add(step.id)
        if step.role is not None and not step.role:
            yield Problem("step_role_empty", (*path, "role"), "must not be empty")
        if workflow.type == "custom" and step.prompt is None and step.ask is None and step.run is None:
            yield Problem("prompt_missing", path, "a step of a custom workflow needs a prompt, or ask")


def _unknown_dependencies(workflow: Workflow) -> Iterator[Problem]:
    known = {step.id for step in workflow.steps}
    for number, step in enumerate(workflow.steps):
        for place, name in enumerate(step.depends_on):
            if name not in known:
                path = ("steps", number, "depends_on", place)
                yield Problem("dependency_not_found", path, f"there is no step {shorten(name)}")


def _kept_ids(workflow: Workflow) -> Iterator[Problem]:
    """Steps whose ids lists or rounds need for what they become, and rounds that need the same."""
    shapes = {
        step.id: Shape(
            step.depends_on,
            step.for_each is not None,
            None if step.repeat is None else step.repeat.first or step.id,
        )
        for step in workflow.steps
    }
    kept = kept_ids.of(shapes)
    for number, step in enumerate(workflow.steps):
        owner = kept.owner(step.id)
        if owner is not None:
            yield Problem("step_id_kept", ("steps", number, "id"), kept_ids.told(step.id, owner))
    numbers = {step.id: number for number, step in enumerate(workflow.steps)}
    for crossing in kept_ids.crossings(shapes):
        where = f"workflow.steps[{numbers[crossing.other]}].repeat"
        path = ("steps", numbers[crossing.name], "repeat")
        yield Problem("rounds_cross", path, crossing.told(where))


def _circles(workflow: Workflow) -> Iterator[Problem]:
    steps = {step.id: step for step in workflow.steps if ID.fullmatch(step.id)}
    tasks = [
        RunTask(name, deps=[dep for dep in step.depends_on if dep in steps]) for name, step in steps.items()
    ]
    resolver = DependencyResolver()
    try:
        resolver.validate(resolver.build_dag(tasks))
    except DagCycle as error:
        first = error.message.rpartition(": ")[2].split(" -> ")[0]
        number = next(place for place, step in enumerate(workflow.steps) if step.id == first)
        yield Problem("cycle_detected", ("steps", number, "depends_on"), error.message)


def _reference_problems(workflow: Workflow) -> Iterator[Problem]:
    """References that can stand for nothing when the step's turn comes."""
    for number, step in enumerate(workflow.steps):
        prompt = step.prompt or (ROLE_PROMPTS.get(step.role or "", "") if workflow.type != "custom" else "")
        yield from _bad_references(workflow, number, "prompt", prompt)
        yield from _bad_references(workflow, number, "ask", step.ask or "")
        for text in step.run.inputs.values() if step.run is not None else ():
            yield from _bad_references(workflow, number, "run", text)
        if step.when is not None:
            yield from _bad_references(workflow, number, "when", step.when.of)
        if step.repeat is not None:
            yield from _bad_references(workflow, number, "repeat", step.repeat.until.of)
        if isinstance(step.for_each, str):
            yield from _bad_references(workflow, number, "for_each", step.for_each)


def _bad_references(workflow: Workflow, number: int, field: str, text: str) -> Iterator[Problem]:
    step = workflow.steps[number]
    for name in template.references(text):
        where, _, key = name.partition(".")
        dependency = template.dependency_of(name)
        if dependency is not None:
            fine = dependency[0] in step.depends_on
        elif name == "output":
            fine = field == "repeat"
        elif name == "previous":
            fine = _is_repeated(workflow, number) and field in {"prompt", "ask", "run"}
        elif name in {"item", "index"}:
            fine = step.for_each is not None and field in {"prompt", "ask", "run"}
        else:
            fine = where == "memory" or (where == "inputs" and key in workflow.inputs)
        if not fine:
            yield Problem("unknown_reference", ("steps", number, field), _hint(name, dependency))


def _round_problems(workflow: Workflow) -> Iterator[Problem]:
    """Rounds that are none: of a list, or beginning with a step that is not waited for."""
    for number, step in enumerate(workflow.steps):
        if step.repeat is None:
            continue
        path = ("steps", number, "repeat")
        if step.for_each is not None:
            yield Problem("rounds_of_a_list", path, "a step with for_each cannot be repeated")
        first = step.repeat.first
        if first is not None and first not in _waited_for(workflow, step.id):
            yield Problem("rounds_begin_nowhere", (*path, "first"), f"{step.id} does not wait for {first}")
        inner = [each.id for each in workflow.steps if each.repeat and each is not step
                 and first is not None and _is_between(workflow, first, each.id, step.id)]  # fmt: skip
        if inner:
            told = f"{inner[0]} has rounds of its own within these"
            yield Problem("rounds_within_rounds", path, told)


def _waited_for(workflow: Workflow, name: str) -> set[str]:
    """A step, and all that it waits for in the end."""
    deps = {step.id: step.depends_on for step in workflow.steps}
    found = [name]
    for each in found:  # grows while it is read
        found += [dep for dep in deps.get(each, ()) if dep not in found]
    return set(found)


def _is_repeated(workflow: Workflow, number: int) -> bool:
    """Whether a step is part of some rounds."""
    name = workflow.steps[number].id
    return any(
        step.repeat is not None and _is_between(workflow, step.repeat.first or step.id, name, step.id)
        for step in workflow.steps
    )


def _is_between(workflow: Workflow, first: str, name: str, last: str) -> bool:
    """Whether a step is one of those from the first to the last of a round."""
    return first in _waited_for(workflow, name) and name in _waited_for(workflow, last)


def _hint(name: str, dependency: tuple[str, str | None] | None) -> str:
    if dependency is not None:
        return f"{{{{{name}}}}} stands for nothing: add {dependency[0]} to depends_on"
    return (
        f"{{{{{name}}}}} stands for nothing: only inputs of the workflow, memory, answers of depends_on, "
        "item and index where there is for_each, and previous in a step that is repeated"
    )


# -- telling -----------------------------------------------------------------------------------------------


def _refusal(document: Document, found: Sequence[Wrong]) -> InvalidWorkflow:
    message, problems = wrong.told(document, found)
    return InvalidWorkflow(message, problems=problems)
