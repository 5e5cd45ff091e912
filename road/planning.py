"""The planning step: a claimed ask that falls into parts goes back to the queue as its parts.

Nothing here is looked up for a task that is neither split nor a part of one: the gut check reads the words of
a prompt, and that is all it costs.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Sequence

from context.context_builder import NO_SURROUNDINGS, Surroundings
from context.envelope import Source
from errors import InvalidTask, NotFound
from faults import fault_point
from planning import synthesis
from planning.answers import shorten
from planning.intent import Intent
from planning.plan import Decision, PlanRules, consider
from planning.subtasks import id_candidates, make_subtasks
from runtime_contract import normalize_task
from safety.gateway import SafetyGateway
from settings import Settings
from store import ending, planning
from store.records import Claim, NewTask, task_of
from store.sqlite_store import SqliteStore

logger = logging.getLogger(__name__)

_NO_ANSWER = "(no answer was recorded)"


def rules_of(settings: Settings) -> PlanRules:
    """The bounds of plans, as a home sets them."""
    return PlanRules(**{name: getattr(settings, name) for name in PlanRules.__slots__})


class Planner:
    """Splits tasks of one home, and tells their parts what they must know of the whole."""

    def __init__(
        self,
        store: SqliteStore,
        gateway: SafetyGateway,
        read_output: Callable[[str], bytes],
        settings: Settings,
    ) -> None:
        self._store = store
        self._gateway = gateway
        self._read_output = read_output
        self._rules = rules_of(settings)
        self._limits = settings.limits
        self._answer_chars = settings.plan_answer_chars

    # -- splitting -----------------------------------------------------------------------------------------

    def split(self, claim: Claim) -> bool:
        """Split a claimed task where it should be; true where there is nothing left to walk for it."""
        if claim.is_planned or claim.task.mode != "llm" or claim.task.decompose == "never":
            return False
        depth = 1 + (0 if claim.plan_parent is None else planning.depth_of(self._store.reader, claim.id))
        decision = consider(claim.task, self._rules, depth)
        plan = self._plan(claim, decision, depth)
        if plan is None:
            return False
        self._store.write(lambda tx: planning.enter_plan(tx, claim, plan, self._store.limits))
        fault_point("plan.committed")
        return True

    def _plan(self, claim: Claim, decision: Decision, depth: int) -> planning.NewPlan | None:
        """What is to be entered; none where the task runs as one, or is not to run at all."""
        split, intent = decision.split, decision.intent
        if split is None or intent is None or not self._gateway.pre_execute_safety_check(claim.task)[0]:
            return None
        may_split = depth < self._rules.plan_max_depth

        def make(ids: Sequence[str]) -> list[NewTask]:
            documents = make_subtasks(claim.task, split, ids, may_split=may_split).documents
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

    # -- what parts are told -------------------------------------------------------------------------------

    def surroundings(self, claim: Claim) -> Surroundings:
        """What is put around the prompt of a part, or of the step that puts the parts together."""
        if not claim.is_planned and claim.plan_parent is None:
            return NO_SURROUNDINGS
        told = planning.intent_of(
            self._store.reader, claim.id if claim.is_planned else claim.plan_parent or ""
        )
        intent = "" if told is None else Intent.from_json(told).block()
        answers = self._answers(self._needed(claim))
        return Surroundings(intent, answers, synthesis.INSTRUCTION if claim.is_planned else "")

    def synthesis_budget(self, claim: Claim) -> float | None:
        """Dollars that are left for putting the answers together; none where there is no bound."""
        most = claim.task.max_budget_micros
        if most is None:
            return None
        parts = self._store.reader.all("subtasks_of", parent=claim.id)
        given = sum(task_of(row["doc"], row["id"]).max_budget_micros or 0 for row in parts)
        return max(0, most - given) / 1_000_000

    def _needed(self, claim: Claim) -> list[sqlite3.Row]:
        """The parts whose answers a task builds on: its own, or those it waited for; its parents' too."""
        reader = self._store.reader
        found = list(reader.all("subtasks_of", parent=claim.id)) if claim.is_planned else []
        seq, parent = claim.seq, claim.plan_parent
        while parent is not None:
            waited = reader.all("parents_of", child=seq)
            rows = [reader.task(each["id"]) for each in waited if each["plan_parent"] == parent]
            found += [row for row in rows if row is not None]
            above = reader.task(parent)
            if above is None:
                break
            seq, parent = above["seq"], above["plan_parent"]
        return sorted(found, key=lambda row: row["seq"])

    def _answers(self, rows: Sequence[sqlite3.Row]) -> tuple[Source, ...]:
        texts = shorten([self._answer(row) for row in rows], self._answer_chars)
        return tuple(Source(row["id"], text) for row, text in zip(rows, texts, strict=True))

    def _answer(self, row: sqlite3.Row) -> str:
        result = ending.read_result(row)
        try:
            if result.get("output_ref"):
                return self._read_output(result["output_ref"]).decode("utf-8", errors="replace")
        except (NotFound, OSError) as error:
            logger.warning("the answer of %s cannot be read: %s", row["id"], error)
        return str(result.get("output") or result.get("result") or _NO_ANSWER)
