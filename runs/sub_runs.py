"""Runs that do the work of a task: which workflow, and what that begins as, in memory or as a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from errors import SkepError
from run_contract.errors import InvalidInput
from run_contract.policy import RunPolicy
from run_contract.records import InnerRun, Run, RunTask
from runs import within, workflow_file
from runs.compiling import run_of
from runs.policy_file import read_policies
from runs.request import StartRunRequest, of_workflow
from runs.workflow import SubRun, Workflow


def workflow_of(wanted: SubRun, folder: Path | None) -> Workflow:
    """The workflow of a run, from the request itself or from a file of the home.

    Raises `InvalidInput`, `InvalidFile`, `OSError`.
    """
    if wanted.file is not None:
        if folder is None:
            raise InvalidInput("no files of workflows can be named here")
        path = folder / wanted.file
        if path.is_symlink() or not path.is_file():
            raise InvalidInput(f"there is no file {wanted.file!r} in workflows/ of the home")
        found = workflow_file.read_workflow(path)
    else:
        assert wanted.workflow is not None  # noqa: S101  the schema asks for one of both
        found = wanted.workflow
        problem = next(workflow_file.problems(found), None)
        if problem is not None:
            where = ".".join(map(str, ("workflow", *problem.path)))
            raise InvalidInput(f"{where}: {problem.message}")
    if wanted.output is not None and wanted.output not in {step.id for step in found.steps}:
        raise InvalidInput(f"output: the workflow has no step {wanted.output!r}")
    return found


def request_of(
    wanted: SubRun, run_id: str, policies: Path, inputs: Mapping[str, str] | None = None
) -> StartRunRequest:
    """The request that starts it; `inputs` are its own with their references filled in.

    Raises `InvalidInput`, `InvalidSetting`.
    """
    workflow = wanted.workflow
    assert workflow is not None  # noqa: S101  it was read when the task was asked for
    policy = _policy_of(workflow, policies)
    run = run_of(workflow, policy, wanted.inputs if inputs is None else inputs, run_id)
    return of_workflow(workflow, run_id, [*run.tasks.values()], policy)


def _policy_of(workflow: Workflow, policies: Path) -> RunPolicy:
    policy = workflow.policy
    return policy if isinstance(policy, RunPolicy) else read_policies(policies).named(policy)


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where the runs within a run in memory are read from."""

    #: ``config/policies.toml``
    policies_file: Path
    #: where the files of workflows are that a step may name; none: nowhere
    workflows: Path | None = None
    #: how many more may be read
    left: list[int] = field(default_factory=lambda: [within.MOST_NESTED])


def with_inner(run: Run, workflow: Workflow, shelf: Shelf) -> Run:
    """The run of a workflow, its steps with the runs that do them, as they are now.

    Raises `InvalidInput` that names the step.
    """
    _fill(run.tasks, workflow, run.policy, shelf, 0)
    return run


def _fill(
    tasks: Mapping[str, RunTask], workflow: Workflow, policy: RunPolicy, shelf: Shelf, depth: int
) -> None:
    for step in workflow.steps:
        if step.run is None:
            continue
        try:
            within.check_depth(policy, depth)
            shelf.left[0] -= 1
            if shelf.left[0] < 0:
                raise InvalidInput(f"there are more than {within.MOST_NESTED} runs within the run")
            tasks[step.id].inner = _inner(step.run, shelf, depth + 1)
        except (SkepError, OSError) as error:
            told = error.message if isinstance(error, SkepError) else str(error.strerror)
            field = str(error.details.get("path") or "") if isinstance(error, SkepError) else ""
            path = f"{step.id}.run"
            if field and told.startswith(f"{field}: "):
                told, path = told.removeprefix(f"{field}: "), f"{path}.{field}"
            raise InvalidInput(f"{path}: {told}", path=path) from error


def _inner(wanted: SubRun, shelf: Shelf, depth: int) -> InnerRun:
    workflow = workflow_of(wanted, shelf.workflows)
    policy = _policy_of(workflow, shelf.policies_file)
    run = run_of(workflow, policy, wanted.inputs)
    _fill(run.tasks, workflow, policy, shelf, depth)
    tasks = tuple(run.tasks.values())
    return InnerRun(tasks, policy, dict(wanted.inputs), dict(run.memory), wanted.output)
