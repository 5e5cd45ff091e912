"""Runs that do the work of a task: which workflow, and the request it is started with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from run_contract.errors import InvalidInput
from run_contract.policy import RunPolicy
from runs import workflow_file
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
    policy = workflow.policy
    if not isinstance(policy, RunPolicy):
        policy = read_policies(policies).named(policy)
    run = run_of(workflow, policy, wanted.inputs if inputs is None else inputs, run_id)
    return of_workflow(workflow, run_id, [*run.tasks.values()], policy)
