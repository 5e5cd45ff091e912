"""From a workflow to a run: every step a task, with its prompt, its model, its limits and its inputs."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping

from money import dollars_to_micros
from run_contract.errors import InvalidInput
from run_contract.policy import RunPolicy
from run_contract.records import ID, Condition, Repeat, Run, RunTask, TaskInput
from runs.factory import new_run
from runs.spec_default import ROLE_PROMPTS
from runs.workflow import Rounds, Step, When, Workflow


def run_of(
    workflow: Workflow,
    policy: RunPolicy,
    inputs: Mapping[str, str] | None = None,
    run_id: str | None = None,
) -> Run:
    """A run of the workflow, under an id of its own unless one is given.

    Raises `InvalidInput` for an input that is missing or that the workflow does not know.
    """
    given = _inputs(workflow, inputs or {})
    name = run_id or f"{_as_id(workflow.name)}-{secrets.token_hex(4)}"
    if not ID.fullmatch(name):
        raise InvalidInput(f"{ascii(name)[:80]} is no id of a run")
    run = new_run(name, [_task(workflow, step, given) for step in workflow.steps], policy)
    run.memory = dict(workflow.memory)
    return run


def _inputs(workflow: Workflow, given: Mapping[str, str]) -> dict[str, str]:
    unknown = sorted(set(given) - set(workflow.inputs))
    if unknown:
        known = ", ".join(sorted(workflow.inputs)) or "none"
        raise InvalidInput(f"{workflow.name} has no input {unknown[0]!r}; it has: {known}")
    merged = {**workflow.inputs, **given}
    missing = sorted(name for name, text in merged.items() if text is None)
    if missing:
        raise InvalidInput(f"{workflow.name} needs the input {missing[0]!r}: give it with --input")
    return {name: text for name, text in merged.items() if text is not None}


def _task(workflow: Workflow, step: Step, inputs: Mapping[str, str]) -> RunTask:
    metadata = {} if step.role is None else {"role": step.role}
    if step.outputs:
        metadata["outputs"] = json.dumps(step.outputs, ensure_ascii=False)
    by_role = workflow.models.get(step.role, "") if step.role is not None else ""
    return RunTask(
        id=step.id,
        inputs=TaskInput(_prompt(step), inputs, metadata),
        deps=list(step.depends_on),
        model=step.model or ("" if step.model_role else by_role),
        role=step.model_role,
        priority=step.priority,
        max_tokens=step.max_tokens or 0,
        needs=step.needs,
        required=step.required,
        when=_condition(step.when),
        for_each=step.for_each,
        repeat=_repeat(step.repeat),
        budget_micros=None if step.budget is None else dollars_to_micros(step.budget),
        subtree_micros=None if step.subtree_budget is None else dollars_to_micros(step.subtree_budget),
        timeout_ms=step.timeout_ms,
        context=step.context,
        may_add=step.may_add,
        named=tuple(step.outputs),
        is_run=step.run is not None,
        choices=None if step.ask is None else tuple(step.choices),
        cache=step.cache,
    )


def _condition(when: When | None) -> Condition | None:
    return None if when is None else Condition(when.of, when.test, str(when.value))


def _repeat(rounds: Rounds | None) -> Repeat | None:
    if rounds is None:
        return None
    until = Condition(rounds.until.of, rounds.until.test, str(rounds.until.value))
    return Repeat(until, rounds.most, rounds.first, rounds.otherwise)


def _prompt(step: Step) -> str:
    if step.ask is not None or step.run is not None:
        return step.ask or ""
    prompt = step.prompt or ROLE_PROMPTS.get(step.role or "", "")
    if not prompt:
        raise InvalidInput(
            f"step {step.id} has the role {step.role!r}, which has no prompt of its own: give one"
        )
    if step.outputs:
        prompt += f"\n\nGive: {', '.join(step.outputs)}."
    return prompt


def _as_id(name: str) -> str:
    kept = "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "-" for letter in name
    )
    return (kept.strip("._-") or "run")[:100]
