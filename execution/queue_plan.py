"""``/plan`` with a goal or a directory: tasks for the queue, read from words or files, shown to a person.

Nothing is added from here. The tasks stand in a decision, whole; what a person says yes to is added, and what
is in the queue already is left as it is. The files are other people's words: they become prompts and nothing
else, and go through the same gate as every prompt.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from cost.budget_enforcer import Payer
from errors import InvalidRequest, SkepError
from execution.contract import PlanRequest, ProposedTasksAnswer
from execution.proposing import MOST_TOKENS, Proposer
from execution.scan import read_texts
from path_names import real_path
from planning.plan import PlanRules
from planning.proposal import BadProposal, Proposal
from planning.queue_tasks import read_goal, read_project
from redaction import clean_value
from runtime_contract import Task, normalize_task
from safety.model_call import Wishes
from settings import Home, Settings
from store import proposals
from store.records import TaskRef
from store.sqlite_store import SqliteStore


class QueuePlanner:
    """Reads and asks for one home."""

    def __init__(self, home: Home, settings: Settings, store: SqliteStore, proposer: Proposer) -> None:
        self._workspace = home.workspace
        self._limits = settings.limits
        self._rules = PlanRules.of_settings(settings)
        self._asks_model = settings.plan_model == "split"
        self._store = store
        self._proposer = proposer

    def propose(self, request: PlanRequest) -> ProposedTasksAnswer:
        """Put the tasks of a goal or a directory before a person.

        Raises `InvalidRequest` for a directory outside the workspace or none, `InvalidTask` where a task
        would break the contract.
        """
        if request.goal is not None:
            documents = self._of_goal(request.goal, request)
            origin = "a goal"
        else:
            directory = request.directory or ""
            files = [(file.path, file.text) for file in read_texts(self._inside(directory))]
            documents = read_project(directory, files, request.max_budget).documents
            origin = f"{directory} in the workspace"
        for document in documents:
            normalize_task(document, self._limits)
        decision = self._store.write(lambda tx: proposals.ask(tx, origin, documents)) if documents else None
        return ProposedTasksAnswer(decision=decision, tasks=clean_value(documents))

    def _of_goal(self, goal: str, request: PlanRequest) -> list[dict[str, Any]]:
        """The tasks of a goal; a model's where it is asked and answers with some that can be used."""
        if self._asks_model:
            try:
                return read_goal(goal, request.max_budget, self._rules, self._ask(goal, request))
            except (BadProposal, SkepError):
                pass  # the words alone decide; a model that cannot help is no reason to refuse
        return read_goal(goal, request.max_budget, self._rules)

    def _ask(self, goal: str, request: PlanRequest) -> Proposal:
        name = f"plan-{secrets.token_hex(4)}"
        wishes = Wishes(request.model, MOST_TOKENS, None, request.timeout)
        task = Task(id=name, mode="llm", prompt=goal)
        return self._proposer.ask(TaskRef(f"plan:{name}", 0), task, wishes, Payer()).proposal

    def _inside(self, directory: str) -> Path:
        """A directory of the workspace, reached by no link. Raises `InvalidRequest`."""
        root = real_path(self._workspace)
        try:
            wanted = root.joinpath(directory)
            found = wanted.resolve(strict=True)
        except (OSError, ValueError, RuntimeError):  # a loop of links is the last of them before Python 3.13
            raise InvalidRequest(
                f"There is no directory {directory!r} in the workspace.", path="directory"
            ) from None
        is_plain = ".." not in Path(directory).parts and found == Path(*wanted.parts)
        if not is_plain or not found.is_relative_to(root) or not found.is_dir():
            raise InvalidRequest(
                f"{directory!r} must be a directory of the workspace, named without links and '..'.",
                path="directory",
            )
        return found
