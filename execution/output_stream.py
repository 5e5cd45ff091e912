"""What a task of a run prints or answers, while it does: attempt by attempt, as server-sent events.

An answer counts when its task is completed. Until then what is told may be discarded, by a critic, a person
or a crash, and another attempt begins. So each attempt is told as one, and the end says how the task ended.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

from errors import NotFound
from execution.run_stream import message
from execution.told_output import NONE, Place, ToldOutput, open_result
from redaction import clean
from runs import views
from store import ending
from store.outputs import open_live
from store.reading import Reader

#: Reasons that are told of an attempt which is discarded, and characters of each.
MOST_REASONS: Final = 20
MOST_CHARS: Final = 500
_ENDED: Final = frozenset({"approved", "failed", "safety_blocked", "cancelled"})


class OutputStream:
    """The output of one task, as far as it was told.

    Parameters:
        reader: the store.
        outputs: where outputs are kept.
        task_id: the task, ``RUN:TASK``.
        after: how far it was read before.
    """

    def __init__(self, reader: Reader, outputs: Path, task_id: str, after: Place) -> None:
        self._reader = reader
        self._outputs = outputs
        self._task_id = task_id
        self._version = -1
        self._row: sqlite3.Row | None = None
        self._attempt: sqlite3.Row | None = None
        #: the attempt that is being told
        self._told = ToldOutput(after)
        #: whether there is nothing more to come
        self.is_over = False

    def news(self) -> Iterator[str]:
        """What is new since the last look, as messages."""
        # Looked at first: what is known of an attempt's end then holds for its file, which is read later.
        self._look()
        row = self._row
        if row is None:
            self.is_over = True
            return
        if row["state"] == "approved":
            yield from self._answer(row)
        elif self._attempt is not None:
            yield from self._follow(self._attempt)
        if row["state"] in _ENDED:
            state = views.state_of(row["state"], row["code"], row["attempts"])
            yield message("end", {"state": str(state), "attempt": row["attempts"]})
            self.is_over = True

    def close(self) -> None:
        """Nobody reads any more."""
        self._told.close()

    def _look(self) -> None:
        """Read the task anew where anybody has committed since."""
        version = self._reader.data_version()
        if version != self._version:
            self._version = version
            self._row = self._reader.task(self._task_id)
            if self._row is not None:
                self._attempt = self._reader.one("newest_attempts", task=self._row["seq"], limit=1)

    def _follow(self, attempt: sqlite3.Row) -> Iterator[str]:
        """What the newest attempt has written, and what became of it."""
        if self._told.place.lease != attempt["lease"]:
            yield from self._begin(attempt["lease"], attempt["attempt"])
        if self._told.is_discarded:
            return
        if self._told.file is None:
            self._told.file = self._opened(attempt)
        yield from self._pieces(has_ended=attempt["outcome"] is not None)
        if attempt["became"] is not None:
            yield from self._discard(attempt)

    def _answer(self, row: sqlite3.Row) -> Iterator[str]:
        """The rest of the answer that counts; the whole, where it is not that of the told attempt."""
        result = ending.read_result(row)
        is_same = self._told.place.lease == row["lease"] and not self._told.is_discarded
        if not is_same or not self._is_of_told(result):
            yield from self._begin(row["lease"], row["attempts"])
        if self._told.file is None:
            self._told.file = open_result(self._outputs, result)
        yield from self._pieces(has_ended=True)

    def _is_of_told(self, result: dict[str, Any]) -> bool:
        """Whether what was told of an attempt is the beginning of this answer."""
        attempt = self._attempt_of(self._told)
        if attempt is None or attempt["outcome"] is None:
            return self._told.place.offset == 0
        return bool(json.loads(attempt["outcome"]).get("output_ref") == result.get("output_ref"))

    def _attempt_of(self, told: ToldOutput) -> sqlite3.Row | None:
        return self._reader.one("get_attempt", id=self._task_id, lease=told.place.lease)

    def _pieces(self, *, has_ended: bool) -> Iterator[str]:
        for place, text in self._told.read(has_ended=has_ended):
            yield message("text", {"text": text}, str(place))

    def _begin(self, lease: int, attempt: int) -> Iterator[str]:
        """Another attempt is told from now on."""
        last = self._told
        if last.place.lease != NONE:
            yield from self._discard(
                self._reader.one("get_attempt", id=self._task_id, lease=last.place.lease)
            )
        last.close()
        self._told = ToldOutput(Place(lease, 0))
        yield message("attempt", {"attempt": attempt}, str(self._told.place))

    def _discard(self, attempt: sqlite3.Row | None) -> Iterator[str]:
        """Say once that an attempt is not the answer; `attempt` is none where nobody knows of it."""
        if self._told.is_discarded:
            return
        self._told.is_discarded = True
        found = [] if attempt is None or not attempt["findings"] else json.loads(attempt["findings"])
        data = {
            "attempt": None if attempt is None else attempt["attempt"],
            "became": None if attempt is None else attempt["became"],
            "reasons": [clean(str(each))[:MOST_CHARS] for each in found[:MOST_REASONS]],
        }
        yield message("discarded", data)

    def _opened(self, attempt: sqlite3.Row) -> BinaryIO | None:
        """What an attempt has written; none where it has not begun to, or is about to be stored."""
        if attempt["outcome"] is not None:
            return open_result(self._outputs, json.loads(attempt["outcome"]))
        try:
            return open_live(self._outputs, f"{attempt['task']}-{attempt['lease']}")
        except NotFound:
            return None
