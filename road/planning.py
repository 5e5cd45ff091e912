"""The planning step: a claimed ask that falls into parts goes back to the queue as its parts.

Nothing here is looked up for a task that is neither split nor a part of one: the gut check reads the words of
a prompt, and that is all it costs. Where a setting or the task asks for it, a model may add to what the words
say, and a person sees the plan before it is entered.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from context.context_builder import Surroundings
from errors import InvalidTask, LeaseLost
from faults import fault_point
from planning.plan import Decision, PlanRules, consider
from planning.subtasks import id_candidates, is_divisible, make_subtasks
from road.cycle_client import CycleClient
from road.part_prompts import PartPrompts
from road.plan_advice import PlanAdvice
from road.plan_question import question
from runtime_contract import MICROS_PER_DOLLAR, Task, normalize_task
from safety.gateway import SafetyGateway
from settings import Settings
from store import budgets, plan_review, planning
from store.records import Claim, NewTask, digest_of_ask
from store.sqlite_store import SqliteStore
from store.transaction import dump

logger = logging.getLogger(__name__)


class Planner:
    """Splits tasks of one home, and tells their parts what they must know of the whole.

    Parameters:
        store: where plans are entered.
        gateway: a task that may not run is not split.
        read_output: a stored output by its hash.
        settings: the bounds of plans.
        swarm: asks a model, where that is wanted; none: no model is asked.
    """

    def __init__(
        self,
        store: SqliteStore,
        gateway: SafetyGateway,
        read_output: Callable[[str], bytes],
        settings: Settings,
        swarm: CycleClient | None = None,
    ) -> None:
        self._store = store
        self._gateway = gateway
        self._rules = PlanRules.of_settings(settings)
        self._limits = settings.limits
        self._is_reviewed = settings.plan_review
        self._advice = PlanAdvice(store, swarm, settings)
        self._parts = PartPrompts(store.reader, read_output, settings.plan_answer_chars)

    def split(self, claim: Claim, is_over: Callable[[], bool] = lambda: False) -> bool:
        """Split a claimed task where it should be; true where there is nothing left to walk for it.

        `is_over`: whether nobody waits for it any more. Raises `KillSwitchOn`, `GivenUp`.
        """
        if claim.is_planned or claim.task.mode != "llm" or claim.task.decompose == "never":
            return False
        depth = 1 + (0 if claim.plan_parent is None else planning.depth_of(self._store.reader, claim.id))
        decision = consider(claim.task, self._rules, depth)
        is_asked = self._advice.is_wanted(claim, decision)
        if decision.split is None and not is_asked:
            return False
        if plan_review.is_whole(self._store.reader, claim.seq, digest_of_ask(claim.task)):
            return False
        if not self._gateway.pre_execute_safety_check(claim.task, is_over=is_over)[0]:
            return False
        if is_asked:
            try:
                decision = self._advice.advised(claim, decision, is_over, lambda: self._left(claim))
            except LeaseLost as error:
                logger.warning("task %s: %s", claim.id, error)
                return True
        return not is_over() and self._enter(claim, decision, may_split=depth < self._rules.plan_max_depth)

    def surroundings(self, claim: Claim) -> Surroundings:
        """What is put around the prompt of a part, or of the step that puts the parts together."""
        return self._parts.surroundings(claim)

    def synthesis_budget(self, claim: Claim) -> float | None:
        """Dollars that are left for putting the answers together; none where there is no bound."""
        return self._parts.synthesis_budget(claim)

    def _left(self, claim: Claim) -> Task:
        """The task with what is left of its budget: a model may have been paid for the plan already."""
        most = claim.task.max_budget_micros
        if not most:
            return claim.task
        spent = budgets.balance_of(self._store.reader, budgets.Account("task", claim.id)).spent
        return claim.task.model_copy(update={"max_budget": max(0, most - spent) / MICROS_PER_DOLLAR})

    def _enter(self, claim: Claim, decision: Decision, *, may_split: bool) -> bool:
        """Enter a plan or put it before a person; false where the task runs as one after all."""
        plan = self._plan(claim, decision, may_split=may_split)
        if plan is None or decision.split is None:
            return False
        if self._is_reviewed or claim.task.plan_review:
            self._ask(claim, plan, [part.text for part in decision.split.parts])
            return True
        self._store.write(lambda tx: planning.enter_plan(tx, claim, plan, self._store.limits))
        fault_point("plan.committed")
        return True

    def _plan(self, claim: Claim, decision: Decision, *, may_split: bool) -> planning.NewPlan | None:
        """What is to be entered; none where the task runs as one."""
        split, intent, parent = decision.split, decision.intent, self._left(claim)
        if split is None or intent is None or (parent.max_budget == 0 and claim.task.max_budget):
            return None
        if not is_divisible(parent, split):
            return None

        def make(ids: Sequence[str]) -> list[NewTask]:
            documents = make_subtasks(parent, split, ids, may_split=may_split).documents
            return [NewTask(*normalize_task(document, self._limits)) for document in documents]

        count = len(split.parts)
        try:
            make(next(id_candidates(claim.id, count)))
        except InvalidTask as error:
            logger.warning("task %s runs as one, a subtask would break the contract: %s", claim.id, error)
            return None
        known = (
            None if claim.plan_parent is None else planning.intent_of(self._store.reader, claim.plan_parent)
        )
        return planning.NewPlan(
            make=make,
            ids=id_candidates(claim.id, count),
            intent=intent.as_json() if known is None else known,
            score=decision.check.score,
            features=decision.check.features,
            reason=decision.reason,
        )

    def _ask(self, claim: Claim, plan: planning.NewPlan, words: Sequence[str]) -> None:
        """Put a plan before a person, with the very subtasks that a yes enters."""
        reader = self._store.reader
        ids = next(each for each in plan.ids if not reader.all("states_of", ids=dump(each)))
        told: dict[str, Any] = {
            "intent": plan.intent,
            "score": plan.score,
            "features": list(plan.features),
            "reason": plan.reason,
        }
        asked = question(claim, told, [new.doc for new in plan.make(ids)], words)
        self._store.write(lambda tx: plan_review.hold(tx, claim.ref, asked))
        fault_point("plan.committed")
