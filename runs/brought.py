"""A run as a person brings it: a document that holds a workflow, or a run as programs ask for it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from config_files.documents import Document
from run_contract.errors import InvalidInput
from run_contract.policy import RunPolicy
from runs.compiling import run_of
from runs.policy_file import read_policies
from runs.request import StartRunRequest, of_workflow, read_start
from runs.workflow_file import workflow_of


def is_request(document: Document) -> bool:
    """Whether it is a run as programs ask for it, and no workflow."""
    found = document.value
    return isinstance(found, dict) and "workflow" not in found and "tasks" in found


def request_of(
    document: Document,
    policies_file: Path,
    inputs: Mapping[str, str] | None = None,
    policy: str | None = None,
    run_id: str | None = None,
) -> StartRunRequest:
    """The request that a document makes.

    Parameters:
        inputs: texts for the inputs of a workflow.
        policy: name of one in ``config/policies.toml``, in place of the document's.
        run_id: id of the run; none: that of the document, or one that is made.

    Raises `InvalidWorkflow` with all that is wrong, `InvalidInput`, `InvalidSetting`.
    """
    if is_request(document):
        if inputs:
            raise InvalidInput(
                "inputs: are for workflows; a run's tasks have inputs of their own", path="inputs"
            )
        given = {name: text for name, text in (("id", run_id), ("policy", policy)) if text is not None}
        return read_start(document.value | given)
    workflow = workflow_of(document)
    chosen = workflow.policy if policy is None else policy
    if not isinstance(chosen, RunPolicy):
        chosen = read_policies(policies_file).named(chosen)
    run = run_of(workflow, chosen, inputs, run_id)
    return of_workflow(workflow, run.id, list(run.tasks.values()), run.policy)
