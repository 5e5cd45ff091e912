"""Runs, and tasks of runs, of which a rebuilt database knows only that they were there.

What a run asks for stands in no log, so it goes with a damaged database, and so do the answers of a run that
came after the backup. Nothing of such a run goes on: without its policy nobody could say what it may spend.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Final

from errors import TransitionNotAllowed
from run_contract.errors import RunCompleted
from store.asking import Asks

#: The code of a run that had not ended when what it asked for was lost, and of tasks lost with their run.
LOST: Final = "lost"
#: Stands in place of what a run asked for.
NO_REQUEST: Final = "null"
#: What to do about it, for a person.
WAY_OUT: Final = "start it anew, under another id and idempotency key"
RUN_REASON: Final = f"what it asked for was lost with the damaged database; {WAY_OUT}"
TASK_REASON: Final = "its text was lost with the damaged database, and it cannot be done any more"
#: What every face says of a run that was lost.
TOLD: Final = f"what it asked for and its answers were lost with the damaged database; {WAY_OUT}"

#: Names of lost tasks that are told in one sentence.
_MOST_NAMED: Final = 5


def is_lost(run: sqlite3.Row) -> bool:
    """Whether what a run asked for was lost, by its row."""
    return bool(run["request"] == NO_REQUEST or run["code"] == LOST)


def is_text_lost(doc: Mapping[str, Any]) -> bool:
    """Whether nothing of a task is left but its id and its run's, by its document."""
    return not any(value for name, value in doc.items() if name not in {"id", "run_id"})


def check(run: sqlite3.Row, done: str) -> None:
    """Raise `RunCompleted` where a run was lost and so cannot be `done` (a past participle)."""
    if is_lost(run):
        raise RunCompleted(f"The run {run['id']!r} cannot be {done}: {TOLD}.", run_id=run["id"])


def check_tasks(asks: Asks, run: sqlite3.Row, done: str) -> None:
    """Raise `RunCompleted` where a run or tasks of it were lost and so it cannot be `done`."""
    check(run, done)
    lost = [row["id"] for row in asks.all("lost_tasks_of_run", run=run["seq"])]
    if lost:
        told = f"The run {run['id']!r} cannot be {done}: {why_incomplete(lost)}. Start a new one instead."
        raise RunCompleted(told, run_id=run["id"])


def why_incomplete(names: Sequence[str]) -> str:
    """Why a run does not complete that lost these of its tasks, by their ids within the run."""
    more = len(names) - _MOST_NAMED
    named = ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    what = f"task {named} was" if len(names) == 1 else f"tasks {named} were"
    return f"{what} lost with the damaged database and cannot be done any more"


def way_out_of(asks: Asks, task: sqlite3.Row) -> str | None:
    """What to do about a task, by its row, that was lost as one of a run; none where it was not."""
    if ":" not in task["id"]:
        return None
    run_id, _, name = task["id"].partition(":")
    run = asks.one("get_run", id=run_id)
    is_of_lost = run is not None and is_lost(run)
    if not is_of_lost and task["code"] != LOST:
        return None
    if run is not None and not is_of_lost:
        going_on = run["state"] == "running" and not run["is_stopping"] and run["is_open"]
        where = f"to the run {run_id}" if going_on else "in a run of its own"
        return f"ask for {name} again under another id, {where}"
    return f"start the run {run_id} anew, under another id and idempotency key"


def check_task(asks: Asks, task: sqlite3.Row) -> None:
    """Raise `TransitionNotAllowed` for a task of a run that was lost: nothing sends it back to the queue."""
    way_out = way_out_of(asks, task)
    if way_out is not None:
        raise TransitionNotAllowed(
            f"What {task['id']} and its run asked for was lost with the damaged database, and with it what "
            f"it may spend: it cannot go on. Instead {way_out}."
        )
