"""The end of the road: critics, what follows from their verdict, and the reward, in one transaction.

`completed`, `pending_review` and what comes of it are durable together, so no crash can leave a task that
ran and was never judged; before that, its outcome is safe with swarm's word in the store.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from attempts import AttemptPolicy
from errors import NotFound
from faults import fault_point
from outcome import CriticVerdict, Failure, Outcome, Verdict
from review import critics
from review.lifecycle import Next, decide, with_new_words
from road import receipts, run_turns
from road.rewarding import Rewarding
from road.run_turns import Follows
from run_contract.errors import TaskTimeout
from runtime_contract import Task
from store import (
    claims,
    planning,
    recording,
    reviewed_output,
    run_cache,
    run_growth,
    run_steering,
    sampling,
)
from store.edits import is_asked_anew
from store.records import Claim, Question, TaskRef, digest_of_ask, task_of
from store.recovery.settling import guess_effect
from store.run_ends import run_of
from store.transaction import Transaction
from tool_router import Route

#: So many workers may end while they judge a result, before a person is asked.
JUDGE_ENDS: Final = 3
#: Seconds; a server that names a shorter wait, or a moment that is past, would be asked without a pause.
SOONEST_S: Final = 1.0
#: What a person is told beside the question whether a result is good, where it is none of today's words.
OLD_WORDS: Final = (
    " Its words were changed while it ran: this is the result of those before, and the new ones have not run."
    " Approving counts it as done; rejecting runs the new ones."
)


class Judge:
    """Concludes attempts.

    Parameters:
        conclude: does the last write of a claimed task (`store.contracts.Engine.conclude`).
        read_output: a stored output by its hash.
        workspace: where the files are that a task must leave.
        policy: how often a task is tried.
        sample: of so many results that the critics approve, one goes to a person; 0: none.
        rewarding: what an approved task earns.
        intent_of: the intent of the whole that a claimed task is a part of; none where it is no part.
        effect_of: what running it again means: idempotent or unsafe.
        ends_amid: how many workers have ended since a result was there, which each of them was to judge.
    """

    def __init__(
        self,
        conclude: Callable[[TaskRef, Callable[[Transaction], None]], None],
        read_output: Callable[[str], bytes],
        workspace: Path,
        policy: AttemptPolicy,
        sample: int = 0,
        rewarding: Rewarding | None = None,
        intent_of: Callable[[Claim], dict[str, Any] | None] = lambda _: None,
        effect_of: Callable[[Task], str] = guess_effect,
        *,
        ends_amid: Callable[[Claim, Outcome], int] = lambda _claim, _outcome: 0,
    ) -> None:
        self._conclude = conclude
        self._effect_of = effect_of
        self._rewarding = rewarding or Rewarding()
        self._intent_of = intent_of
        self._read_output = read_output
        self._workspace = workspace
        self._policy = policy
        self._sample = sample
        self._ends_amid = ends_amid

    def conclude(
        self,
        claim: Claim,
        outcome: Outcome,
        route: Route,
        chance: random.Random,
        further: Callable[[], list[CriticVerdict] | None] = list,
        ledger: dict[str, Any] | None = None,
        growth: dict[str, Any] | None = None,
        cache_key: str | None = None,
    ) -> bool:
        """Record what became of an attempt that ran.

        `further` asks the critics that come after the deterministic ones, where those approve. False where it
        has no answer, because the task is stopped meanwhile: then nothing was recorded.
        `ledger` is what a task of a run was told of others, `growth` what follows in the run if the answer
        counts, `cache_key` what it was asked, where an approved answer may be taken again; empty where nobody
        knows any more.
        """
        failure = outcome.failure
        if failure is not None and not outcome.timed_out and outcome.exit_code is None:
            self._conclude(
                claim.ref, lambda tx: self._after_failure(tx, claim, outcome, failure, route, chance)
            )
        else:
            verdict, drift = self._verdict(claim, outcome)
            if verdict.decision == "APPROVE" and verdict.reviewer != "none":
                found = further()
                if found is None:
                    return False
                verdict = critics.together(verdict, found)
            fault_point("review.before_commit")

            def judged(tx: Transaction) -> None:
                if ledger:
                    run_steering.note_told(tx, claim.seq, ledger)
                if growth is not None:
                    run_growth.note(tx, claim.seq, claim.ref, growth)
                if cache_key is not None:
                    is_reviewed = verdict.reviewer != "none"
                    run_cache.note_key(tx, claim.seq, cache_key or None if is_reviewed else None)
                self._after_verdict(tx, claim, outcome, verdict, drift, route, chance)

            self._conclude(claim.ref, judged)
        fault_point("review.committed")
        return True

    def why_not(self, claim: Claim, outcome: Outcome) -> str | None:
        """Why no worker looks at a result any more; none where one may."""
        ended = self._ends_amid(claim, outcome)
        if ended < JUDGE_ENDS:
            return None
        return f"{ended} workers have ended since it ran, so no worker judges it again"

    def _verdict(self, claim: Claim, outcome: Outcome) -> tuple[Verdict, list[str]]:
        """The critics' word, and what of the result differs from the intent without being wrong."""
        given_up = self.why_not(claim, outcome)
        if given_up is not None:
            issues = [*_plain_facts(outcome), given_up]
            return Verdict(decision="HELD", confidence=0.0, issues=issues), []
        fault_point("review.began")
        try:
            text = self._text(outcome)
        except (NotFound, OSError) as error:
            issues = [f"its output cannot be read: {error}"]
            return Verdict(decision="HELD", confidence=0.0, issues=issues), []
        work = critics.Work(claim.task, outcome, text, self._workspace, self._intent_of(claim))
        return critics.judge(work), critics.drift_of(work)

    def _text(self, outcome: Outcome) -> str:
        if outcome.output_ref is None:
            return outcome.output or ""
        return self._read_output(outcome.output_ref).decode("utf-8", errors="replace")

    # -- judged --------------------------------------------------------------------------------------------

    def _after_verdict(
        self,
        tx: Transaction,
        claim: Claim,
        outcome: Outcome,
        verdict: Verdict,
        drift: list[str],
        route: Route,
        chance: random.Random,
    ) -> None:
        told = receipts.receipt(route, claim, outcome)
        row = recording.begin_review(tx, claim.ref, outcome, verdict, told | self._rewarding.told(claim))
        if row is None:
            return
        receipts.note(tx, route, claim, told)
        self._rewarding.note(tx, claim)
        if drift:
            planning.tell_drift(tx, row, drift)
        judged = row["attempts"] - row["interruptions"]
        follows = decide(claim.task, outcome, verdict, judged, self._policy)
        is_edited = is_asked_anew(tx, row)
        if is_edited:
            follows = with_new_words(follows, self._effect_of(claim.task))
        is_sample = follows is Next.APPROVE and sampling.is_drawn(tx, claim.task, self._sample)
        if is_sample or follows is Next.HOLD:
            reward = self._rewarding.in_question(tx, row, claim, outcome, verdict)
            told_too = (OLD_WORDS if is_edited else "") + (self._sampled() if is_sample else _found(verdict))
            reward |= _made_of(claim, row, is_edited)
            recording.hold(tx, row, self._question(claim, outcome, verdict, reward, told_too))
        elif follows is Next.APPROVE:
            self._approve(tx, row, claim, outcome, verdict)
        elif follows is Next.ANEW:
            recording.run_new_words(tx, row, "; ".join(verdict.issues))
        else:
            ruled = run_turns.after(tx, claim, judged, outcome)
            if follows is Next.FAIL if ruled is None else ruled.again is None:
                self._fail(tx, row, outcome, verdict, judged)
            else:
                self._requeue(tx, row, outcome, verdict, chance, ruled)

    def _approve(
        self, tx: Transaction, row: sqlite3.Row, claim: Claim, outcome: Outcome, verdict: Verdict
    ) -> None:
        grant, told = self._rewarding.on_approval(tx, row, claim, outcome, verdict)
        run_growth.approve(
            tx,
            row,
            verdict.reviewer,
            grant,
            review_verdict=verdict.decision,
            review_confidence=verdict.confidence,
            cost_micros=outcome.cost_micros,
            model=outcome.model,
            **told,
        )

    def _sampled(self) -> str:
        return f" The critics approve it; one of {self._sample} such results is shown to you."

    def _question(
        self,
        claim: Claim,
        outcome: Outcome,
        verdict: Verdict,
        reward: dict[str, Any],
        told_too: str,
    ) -> Question:
        return Question(
            kind="review",
            question=f"Is the result of {claim.id} good?{told_too} (skep approve {claim.id}, or "
            f"skep reject {claim.id} --reason ...)",
            options=("approve", "reject"),
            payload={
                "task": claim.id,
                "attempt": claim.attempt,
                **reviewed_output.bytes_about(outcome),
                "critics": [each.model_dump(exclude_none=True) for each in critics.each_of(verdict)],
                **reward,
            },
        )

    def _requeue(
        self,
        tx: Transaction,
        row: sqlite3.Row,
        outcome: Outcome,
        verdict: Verdict,
        chance: random.Random,
        ruled: Follows | None,
    ) -> None:
        is_command = outcome.mode == "local"
        wait = self._policy.backoff(row["rejections"] + 1, chance) if is_command else 0.0
        reason = f"rejected: {'; '.join(verdict.issues)}"
        if ruled is not None and ruled.again is not None:
            wait = ruled.again.wait_s
            run_turns.tell(tx, row, ruled, reason)
        recording.requeue(
            tx,
            row,
            reason,
            code="rejected",
            not_before=tx.now + wait,
            waiting_for="a retry after a rejected result" if wait else None,
            feedback=verdict.issues,
            rejected=True,
            became="rejected",
        )

    def _fail(
        self, tx: Transaction, row: sqlite3.Row, outcome: Outcome, verdict: Verdict, judged: int
    ) -> None:
        times = "1 attempt" if judged == 1 else f"{judged} attempts"
        recording.fail(
            tx,
            row,
            # a run names what ended its task, as it does in memory
            TaskTimeout.code if outcome.timed_out and run_of(row["id"]) else "rejected",
            f"rejected after {times}: {'; '.join(verdict.issues)}",
            review_verdict=verdict.decision,
            review_confidence=verdict.confidence,
            review_issues=verdict.issues,
        )

    # -- did not come to a result --------------------------------------------------------------------------

    def _after_failure(
        self,
        tx: Transaction,
        claim: Claim,
        outcome: Outcome,
        failure: Failure,
        route: Route,
        chance: random.Random,
    ) -> None:
        row = claims.held(tx, claim.ref, "a result")
        if row is None:
            return
        self._rewarding.note(tx, claim)
        if receipts.goes_on_without(route, failure):
            receipts.to_a_model(tx, row, route, failure)
            return
        ruled = run_turns.after(tx, claim, row["attempts"] - row["interruptions"], outcome)
        again = self._may_try_again(row, claim, failure) if ruled is None else ruled.again is not None
        if (not again or failure.counts) and is_asked_anew(tx, row):
            recording.run_new_words(tx, row, failure.message)
            return
        if not again:
            told = receipts.receipt(route, claim, outcome) | self._rewarding.told(claim)
            recording.fail_attempt(tx, row, outcome, told, failure.code, failure.message)
            return
        if ruled is not None:
            run_turns.tell(tx, row, ruled, failure.message)
        recording.requeue(
            tx,
            row,
            failure.message,
            code=failure.code,
            not_before=tx.now + self._wait(row, failure, chance, ruled),
            waiting_for=failure.message,
            counts=failure.counts or ruled is not None,
            became=failure.code,
        )

    def _may_try_again(self, row: sqlite3.Row, claim: Claim, failure: Failure) -> bool:
        if not failure.retryable:
            return False
        if failure.counts:
            judged: int = row["attempts"] - row["interruptions"]
            return judged < self._policy.judged_limit(claim.task)
        retries: int = row["retries"]
        return failure.code != "model_unreachable" or retries < self._policy.unreachable_retries

    def _wait(
        self, row: sqlite3.Row, failure: Failure, chance: random.Random, ruled: Follows | None
    ) -> float:
        """Seconds: the server's own where it named some, else as the run says, else by the tries so far."""
        is_same_model = ruled is None or (ruled.again is not None and ruled.again.why == "retry")
        if failure.retry_after_s is not None and failure.retry_after_s >= SOONEST_S and is_same_model:
            return failure.retry_after_s
        if ruled is not None and ruled.again is not None:
            return ruled.again.wait_s
        tries = row["attempts"] - row["interruptions"] if failure.counts else row["retries"] + 1
        return self._policy.backoff(max(tries, 1), chance)


def _plain_facts(outcome: Outcome) -> list[str]:
    """What says that an attempt failed, where nobody looks at what it printed."""
    if outcome.timed_out:
        return ["it did not end in time"]
    return [f"the command ended with exit code {outcome.exit_code}"] if outcome.exit_code else []


def _made_of(claim: Claim, row: sqlite3.Row, is_edited: bool) -> dict[str, Any]:
    """Which words a yes is about; `ran_before`: the result is of those that they took the place of."""
    if is_edited:
        return {"asked": digest_of_ask(task_of(row["doc"], row["id"])), "ran_before": True}
    return {"asked": digest_of_ask(claim.task)}


def _found(verdict: Verdict) -> str:
    return f" The critics found: {'; '.join(verdict.issues)}." if verdict.issues else ""
