"""The workflow type ``spec-default``: four roles in their order, each once, and optional ones after them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Final

from runs.workflow import Workflow
from runs.workflow_problem import Problem

#: In the order in which they work.
REQUIRED_ROLES: Final = ("spec-analyst", "spec-architect", "spec-developer", "spec-validator")
#: Where a workflow names no others.
OPTIONAL_ROLES: Final = ("spec-tester", "spec-reviewer")

#: What is asked of a role where its step says nothing else.
ROLE_PROMPTS: Final = {
    "spec-analyst": "Write the requirements for this goal: functional and others, each testable "
    "and numbered, what is out of scope, and open questions.\n\nGoal: {{inputs.goal}}",
    "spec-architect": "Design what the requirements ask for: components and their interfaces, data, error "
    "handling, and the decisions with their reasons. Refer to the numbers of the requirements.",
    "spec-developer": "Implement the design. Give every file whole, with its path, and the tests beside it.",
    "spec-validator": "Check the implementation against the requirements one by one. For each say met or "
    "not met, with the evidence. End with a line `score: N` from 0 to 100.",
    "spec-tester": "Write the tests that are missing for the requirements and the edge cases that the "
    "validation names.",
    "spec-reviewer": "Review the result for correctness, safety and clarity. Give findings with their "
    "severity and what to change.",
}


def problems(workflow: Workflow) -> Iterator[Problem]:
    """What breaks the type's rules, in the order in which the rules are checked."""
    allowed = _allowed_optional(workflow)
    if isinstance(allowed, Problem):
        yield allowed
        return
    yield from _unknown_roles(workflow, allowed)
    places = {role: _places(workflow, role) for role in REQUIRED_ROLES}
    yield from _counts(workflow, places)
    if all(len(found) == 1 for found in places.values()):
        yield from _order(workflow, [places[role][0] for role in REQUIRED_ROLES])
        yield from _placement(workflow, places["spec-validator"][0])


def _allowed_optional(workflow: Workflow) -> set[str] | Problem:
    effective = set(OPTIONAL_ROLES if workflow.optional_roles is None else workflow.optional_roles)
    if workflow.optional_enabled is None:
        return effective
    for number, role in enumerate(workflow.optional_enabled):
        if role not in effective:
            known = ", ".join(sorted(effective)) or "none"
            told = f"{role!r} is none of the optional roles ({known})"
            return Problem("optional_not_allowed", ("optional_enabled", number), told)
    return set(workflow.optional_enabled)


def _unknown_roles(workflow: Workflow, optional: set[str]) -> Iterator[Problem]:
    for number, step in enumerate(workflow.steps):
        if step.role not in optional and step.role not in REQUIRED_ROLES:
            known = ", ".join([*REQUIRED_ROLES, *sorted(optional)])
            yield Problem("unknown_role", ("steps", number, "role"), f"{step.role!r} is none of {known}")


def _places(workflow: Workflow, role: str) -> list[int]:
    return [number for number, step in enumerate(workflow.steps) if step.role == role]


def _counts(workflow: Workflow, places: dict[str, list[int]]) -> Iterator[Problem]:
    for role, found in places.items():
        if not found:
            yield Problem("required_role_missing", ("steps",), f"no step has the role {role}")
        elif len(found) > 1:
            path = ("steps", found[1], "role")
            yield Problem("required_role_duplicate", path, f"a second step has the role {role}")


def _order(workflow: Workflow, places: list[int]) -> Iterator[Problem]:
    for before, after in itertools.pairwise(places):
        if after < before:
            told = f"{workflow.steps[after].role} must come after {workflow.steps[before].role}"
            yield Problem("required_role_order", ("steps", after, "role"), told)
            return
    for before, after in itertools.pairwise(places):
        name = workflow.steps[before].id
        if name not in workflow.steps[after].depends_on:
            told = f"it must depend on {name}, the required step before it"
            yield Problem("invalid_dependency_chain", ("steps", after, "depends_on"), told)


def _placement(workflow: Workflow, validator: int) -> Iterator[Problem]:
    name = workflow.steps[validator].id
    for number, step in enumerate(workflow.steps):
        if step.role not in REQUIRED_ROLES and name not in step.depends_on:
            told = f"an optional step must depend on {name}, the validator's"
            yield Problem("optional_role_placement", ("steps", number, "depends_on"), told)
