"""Answers that are taken again: where a run asks for it, no question is asked, and paid, twice.

The same question is the same to the byte: what the model would be sent, who is asked, for how many tokens,
and what the answer is held to. Only an answer that reviews approved is taken again, of any run of the home,
and not one that is older than the settings say or that is not kept any more. What follows from it is read as
from an answer that came just now: by what the task that takes it was asked for.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from typing import Any, Final

from errors import NotFound
from outcome import Outcome, Verdict
from runtime_contract import QUEUE_CONTRACT_VERSION, Task
from safety.work import SYSTEM_MESSAGE
from store import ending, recording, run_cache, run_growth
from store.reading import MODEL_STATUS
from store.records import Claim
from store.sqlite_store import SqliteStore
from store.transaction import Transaction

#: Fields of the request that an answer depends on beside its prompt.
_ASKED: Final = ("model", "max_tokens", "temperature", "intensity")

#: What of an answer stands for it.
_KEPT: Final = ("output", "output_ref", "output_bytes", "output_cut", "model")


class AnswerCache:
    """Takes answers again, those of one home.

    Parameters:
        read_output: a stored output by its hash.
        growth_of: what follows in its run if the answer of a task counts (`RunPrompts.growth_of`).
    """

    def __init__(
        self,
        store: SqliteStore,
        read_output: Callable[[str], bytes],
        growth_of: Callable[[Claim, Outcome], dict[str, Any] | None],
    ) -> None:
        self._store = store
        self._settings = store.settings
        self._read_output = read_output
        self._growth_of = growth_of

    def key(self, task: Task, request: dict[str, Any]) -> str | None:
        """SHA-256 of what a task asks; none where its answer depends on more than that."""
        expect = task.expect
        if (
            task.mode == "local"
            or expect.files
            or expect.commands
            or isinstance(expect.python_compiles, list)
        ):
            return None  # what the workspace holds is part of the answer, or judges it
        prompt = request["prompt"].replace(request.get("mark") or "\0", "")
        asked = {name: request.get(name) for name in _ASKED}
        asked["model"] = asked["model"] or (self._store.reader.fact(MODEL_STATUS) or {}).get("model")
        asked["max_tokens"] = asked["max_tokens"] or self._settings.llm_max_tokens
        if asked["temperature"] is None:
            asked["temperature"] = self._settings.llm_temperature
        held_to = [expect.model_dump(mode="json", by_alias=True), task.review]
        whole = [QUEUE_CONTRACT_VERSION, SYSTEM_MESSAGE, prompt, asked, held_to]
        text = json.dumps(whole, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def answer(self, claim: Claim, key: str) -> bool:
        """Give a claimed task the answer that the same question had before; false where there is none.

        Raises `SkepError`, `OSError` where it cannot be read what follows from that answer.
        """
        since = self._store.clock.now() - self._settings.run_cache_age_s
        found = run_cache.find(self._store.reader, key, since)
        if found is None or not self._is_kept(found):
            return False
        told = f"its answer is that of {found['id']}, which was asked the same"
        outcome = _outcome(claim, ending.read_result(found), told, self._store.clock.now())
        growth = self._growth_of(claim, outcome)

        def take(tx: Transaction) -> None:
            again = run_cache.find(tx, key, since)
            if again is None or (again["id"], again["result"]) != (found["id"], found["result"]):
                # withdrawn or given anew a moment ago: the task is asked at its next claim
                recording.hand_back(tx, claim.ref, "the answer it was to be given is not there any more")
            else:
                _take(tx, claim, found["id"], outcome, growth)

        self._store.write(take)
        return True

    def _is_kept(self, found: sqlite3.Row) -> bool:
        ref = ending.read_result(found).get("output_ref")
        try:
            return ref is None or self._read_output(ref) is not None
        except (NotFound, OSError):
            return False


def _take(
    tx: Transaction, claim: Claim, source: str, outcome: Outcome, growth: dict[str, Any] | None
) -> None:
    """End a task with an answer of another, or have it do what follows from that answer."""
    verdict = Verdict(decision="APPROVE", confidence=1.0, reviewer="none")
    if growth is not None:
        run_growth.note(tx, claim.seq, claim.ref, growth)
    row = recording.begin_review(tx, claim.ref, outcome, verdict, {})
    if row is not None and not recording.run_new_words(tx, row):
        run_cache.note_hit(tx, row, source)
        tx.emit("task.reused", task_id=claim.id, reason=outcome.result)
        run_growth.approve(tx, row, verdict.reviewer)


def _outcome(claim: Claim, result: dict[str, Any], told: str, now: float) -> Outcome:
    kept = {
        name: result.get(name) for name in ("output", "output_ref", "output_bytes", "output_cut", "model")
    }
    return Outcome(
        status="completed",
        task_id=claim.id,
        lease=claim.ref.lease,
        mode="llm",
        result=told,
        started_at=now,
        ended_at=now,
        cost_micros=0,
        **{name: value for name, value in kept.items() if value is not None},
    )
