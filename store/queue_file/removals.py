"""Tasks that a saved file lacks: they are cancelled, or a person is asked first where they are many.

A question belongs to the copies of one revision. Where such a copy has some of its tasks again, the rest is
judged anew, but for what was sent back while the question was open; what copies of other revisions are asked
about still waits for its answer.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from typing import Any, Final

from clock import to_rfc3339
from runtime_contract import Status
from settings import Settings
from store import decisions, intake, steering
from store.queue_file import merge
from store.queue_file.apply import SOURCE
from store.queue_file.said import Said
from store.queue_file.wishes import AskRemoval
from store.reading import Reader
from store.records import STATUS_OF_STATE, Question
from store.transaction import Transaction, dump

_IDS_TOLD: Final = 100


@dataclass(frozen=True, slots=True)
class Lacked:
    """What a file lacks of what its revision showed."""

    revision: int
    #: whatever became of them, by their numbers
    tasks: dict[str, int]
    #: those of them that were pending
    pending: list[str]
    #: how many pending tasks the revision showed
    shown: int
    #: ids that the file has
    present: Set[str]

    @classmethod
    def of(cls, reader: Reader, revision: int, present: Set[str]) -> Lacked:
        """What a file of a revision that has these tasks lacks."""
        shown = reader.all("tasks_shown_at", revision=revision)
        rows = [row for row in shown if row["id"] not in present]
        pending = [row["id"] for row in rows if row["is_pending"]]
        count = sum(row["is_pending"] for row in shown)
        return cls(revision, {row["id"]: row["seq"] for row in rows}, pending, count, present)


def take_away(tx: Transaction, lacked: Lacked, said: Said, settings: Settings) -> int:
    """Cancel what was taken out of a file, or ask first where it is much; how many are cancelled."""
    for task_id, seq in lacked.tasks.items():
        if not said.was_gone(task_id):
            said.keep_gone(seq)
    still = _pending(tx, lacked.pending)
    news = [each for each in still if not said.was_gone(each)]
    own = [row for row in _asked(tx) if _is_of(row, lacked, said)]
    taken_back = [row for row in own if not lacked.present.isdisjoint(_ids_of(row))]
    if not news and not taken_back:
        return 0
    of_copy = {task_id for row in own for task_id in _still_asked(tx, row)}.union(news)
    _close(tx, taken_back)
    wanted = [each for each in still if each in of_copy]
    most, share = settings.removal_ask_count, settings.removal_ask_share
    if isinstance(merge.decide_removal(wanted, lacked.shown, most, share), AskRemoval):
        _ask(tx, wanted, lacked.revision)
        return 0
    return _cancel(tx, wanted if taken_back else news)


def _is_of(question: sqlite3.Row, lacked: Lacked, said: Said) -> bool:
    """Whether a question came from copies of the file's revision; an earlier version did not tell."""
    payload = _payload(question)
    if "revision" in payload:
        return bool(payload["revision"] == lacked.revision)
    return all(map(said.was_gone, payload["ids"]))


def _still_asked(tx: Transaction, question: sqlite3.Row) -> set[str]:
    """The tasks of a question but for those that were sent back since; an earlier version told no moment."""
    ids, after = _ids_of(question), _payload(question).get("after_event")
    if after is None:
        return set(ids)
    back = tx.all("sent_back_since", ids=dump(ids), seq=after)
    return set(ids).difference(row["id"] for row in back)


def _pending(tx: Transaction, ids: Sequence[str]) -> list[str]:
    """Those of these tasks that are pending now."""
    states = intake.states_of(tx, ids)
    return [each for each in ids if STATUS_OF_STATE[states[each]] is Status.PENDING]


def _cancel(tx: Transaction, ids: Sequence[str]) -> int:
    """Withdraw these tasks, as far as one does not take another along."""
    # The newest first: who waits for another is withdrawn before the other fails it. What was split waits
    # for newer ones, its subtasks.
    rows = [steering.find(tx, task_id) for task_id in reversed(ids)]
    cancelled = 0
    for task_id in [row["id"] for row in sorted(rows, key=lambda row: -row["planned"])]:
        if STATUS_OF_STATE[steering.find(tx, task_id)["state"]] is Status.PENDING:
            steering.cancel(tx, task_id, SOURCE, "taken out of queue.json")
            cancelled += 1
    return cancelled


def _ask(tx: Transaction, ids: Sequence[str], revision: int) -> None:
    """Put up the question, once for the same tasks.

    It takes the place of older ones about some of them: what was saved last is what is wanted.
    """
    payload = {"ids": list(ids), "revision": revision}
    older = _asked(tx)
    if any(payload.items() <= _payload(row).items() for row in older):
        return
    last = tx.one("last_event_seq")
    tx.emit(
        "queue_file.removal_held", file="queue.json", count=len(ids), ids=list(ids[:_IDS_TOLD]),
        revision=revision,
        reason=f"{len(ids)} pending tasks are missing from the saved file; nothing was cancelled",
    )  # fmt: skip
    question = Question(
        kind="removal",
        # With its time: the file shows them again until the answer, and may have been saved so since.
        question=f"{len(ids)} pending tasks were missing from queue.json when it was saved "
        f"({_moment(tx.now)}): cancel them?",
        options=("accept", "keep"),
        payload=payload | {"after_event": 0 if last is None else last["seq"]},
    )
    _close(tx, (row for row in older if not set(ids).isdisjoint(_ids_of(row))))
    decisions.ask(tx, question)


def _close(tx: Transaction, questions: Iterable[sqlite3.Row]) -> None:
    for row in questions:
        decisions.withdraw_one(tx, row, SOURCE)


def _asked(tx: Transaction) -> list[sqlite3.Row]:
    """The open questions about removals."""
    return [row for row in tx.all("open_decisions") if row["kind"] == "removal"]


def _payload(row: sqlite3.Row) -> dict[str, Any]:
    """The ids that a question is about, and the revision of the copies they were taken out of."""
    found: dict[str, Any] = json.loads(row["payload"])
    return found


def _ids_of(row: sqlite3.Row) -> list[str]:
    found: list[str] = _payload(row)["ids"]
    return found


def _moment(now: float) -> str:
    return to_rfc3339(now)[:19].replace("T", " ") + " UTC"
