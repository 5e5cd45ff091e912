"""``skep retry``: send ended tasks back to the queue."""

from __future__ import annotations

import click

from commands.place import Place, json_option, with_place
from commands.several import do_each
from commands.task_id import offer_ids
from runtime_contract import Status
from store.answering import Answer
from store.ending import DEPENDENCY_FAILED
from store.lost_runs import LOST
from store.records import STATUS_OF_STATE
from store.sqlite_store import SqliteStore

#: The answer to a question that means to run the task once more.
AGAIN = "again"
#: Ends that --all-failed takes back; what a person cancelled stays so.
FAILED_STATUSES = (Status.FAILED.value, Status.SAFETY_BLOCKED.value)
#: Codes of entries that never were a task, which are corrected, and of tasks that were lost: no retry helps.
_NEVER_TASKS = frozenset({"invalid_task", "duplicate_id", LOST})


@click.command(
    help="""Send tasks that failed, were refused or were cancelled back to the queue, their
    attempts forgotten. A task that asks whether to run again is run again. One that
    waits for a task that failed comes back with that one, not before.

    Example: skep retry t-1, or: skep retry --all-failed"""
)
@click.argument("ids", metavar="[ID...]", nargs=-1, shell_complete=offer_ids)
@click.option("--all-failed", is_flag=True, help="Every task that failed or was refused.")
@json_option
@with_place
def retry(place: Place, ids: tuple[str, ...], all_failed: bool, as_json: bool) -> int:
    """Retry tasks."""
    if bool(ids) == all_failed:
        raise click.UsageError("Name tasks, or give --all-failed.")
    with place.store() as store:

        def send_back(task_id: str) -> str:
            question = store.reader.one("open_decision_of", id=task_id)
            if question is not None and AGAIN in question["options"]:
                return store.answer(Answer(question["id"], AGAIN, place.by))
            if all_failed and not _has_failed(store, task_id):
                return f"{task_id} is back in the queue with another."
            store.retry(task_id, place.by)
            return f"{task_id} is back in the queue."

        chosen = _failed(store) if all_failed else ids
        if not chosen and not as_json:
            click.echo("No task has failed.")
        return do_each("retry", chosen, send_back, as_json=as_json)


def _has_failed(store: SqliteStore, task_id: str) -> bool:
    row = store.reader.task(task_id)
    return row is not None and STATUS_OF_STATE[row["state"]].value in FAILED_STATUSES


def _failed(store: SqliteStore) -> tuple[str, ...]:
    """Failed tasks; first those that failed for no other's sake, which bring the others back with them."""
    rows = [row for row in store.reader.tasks(FAILED_STATUSES) if row["code"] not in _NEVER_TASKS]
    return tuple(row["id"] for row in sorted(rows, key=lambda row: row["code"] == DEPENDENCY_FAILED))
