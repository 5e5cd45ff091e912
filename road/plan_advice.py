"""A model's word on a plan, asked of swarm within the task's own budget; where there is none, words decide.

Whatever goes wrong, from a server that is gone to an answer that is no plan, is told in one event and is no
reason to hold the task up: its plan is then the one that is read from its words.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any, Final

import pydantic

import errors
from planning.plan import Decision, PlanRules, is_worth_asking, with_proposal
from planning.proposal import BadProposal, Proposal
from road.cycle_client import SWARM_ENDS, CycleClient, SwarmGone
from runtime_contract import Task
from settings import Settings
from store.records import Claim
from store.sqlite_store import SqliteStore

logger = logging.getLogger(__name__)

#: Seconds between looks for a swarm that is gone.
LOOK_AGAIN_S: Final = 0.2


class PlanAdvice:
    """Asks for the tasks of one home.

    Parameters:
        store: where it is told that an answer was not used.
        swarm: asks the model; none: no model is ever asked.
        settings: whether one is, and what its answer may change.
    """

    def __init__(self, store: SqliteStore, swarm: CycleClient | None, settings: Settings) -> None:
        self._store = store
        self._swarm = swarm
        self._rules = PlanRules.of_settings(settings)
        self._mode = settings.plan_model
        self._is_reviewed = settings.plan_review
        self._uses_unreviewed = settings.plan_unreviewed == "proposal"
        self._timeout_s = settings.llm_timeout_s
        self._never = threading.Event()

    def is_wanted(self, claim: Claim, decision: Decision) -> bool:
        """Whether a model is asked about this task."""
        mode = claim.task.plan_model or self._mode
        if self._swarm is None or mode == "off" or not is_worth_asking(claim.task, decision):
            return False
        return decision.split is not None or self._takes_split(claim)

    def advised(
        self, claim: Claim, decision: Decision, is_over: Callable[[], bool], left: Callable[[], Task]
    ) -> Decision:
        """The decision with what a model says of it; as it was where that cannot be used.

        `left` is the task with what is left of its budget once the model is paid. Raises `KillSwitchOn`,
        `LeaseLost`.
        """
        proposal = self._ask(claim, is_over)
        if proposal is None:
            return decision
        takes_split = self._takes_split(claim)
        try:
            return with_proposal(left(), decision, proposal, self._rules, takes_split=takes_split)
        except BadProposal as error:
            self._tell_refused(claim, f"The model's plan cannot be used: {error}.", "bad_plan")
        additions = Proposal(intent=proposal.intent)
        return with_proposal(claim.task, decision, additions, self._rules, takes_split=False)

    def _takes_split(self, claim: Claim) -> bool:
        is_split = (claim.task.plan_model or self._mode) == "split"
        return is_split and (self._is_reviewed or claim.task.plan_review or self._uses_unreviewed)

    def _ask(self, claim: Claim, is_over: Callable[[], bool]) -> Proposal | None:
        limit = float(claim.task.timeout_s or self._timeout_s)
        body: dict[str, Any] = {"task_id": claim.id, "lease": claim.ref.lease, "timeout": limit}
        ends = 0
        while self._swarm is not None and not is_over():
            try:
                return Proposal.model_validate_json(self._swarm.plan(body, limit))
            except (SwarmGone, errors.DaemonStopping, errors.CycleRunning) as error:
                ends += isinstance(error, SwarmGone) and error.is_amid
                if ends >= SWARM_ENDS:
                    told = f"swarm ended {ends} times while a model was asked for the plan"
                    self._tell_refused(claim, told, "swarm_lost")
                    return None
                self._never.wait(LOOK_AGAIN_S)
            except (errors.KillSwitchOn, errors.LeaseLost):
                raise
            except errors.SkepError as error:
                self._tell_refused(claim, error.message, error.code)
                return None
            except pydantic.ValidationError as error:
                self._tell_refused(claim, f"swarm answered with no plan: {error.title}", "bad_plan")
                return None
        return None

    def _tell_refused(self, claim: Claim, reason: str, code: str) -> None:
        logger.info("task %s: its words alone decide its plan: %s", claim.id, reason)
        self._store.write(
            lambda tx: tx.emit(
                "task.proposal_refused",
                task_id=claim.id,
                status="in_progress",
                attempt=claim.attempt,
                lease=claim.ref.lease,
                reason=reason,
                code=code,
            )
        )
