"""``skep wait``: until tasks have ended."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import click

from commands import terminal
from commands.daemon_state import look
from commands.ends import needs_person
from commands.exits import FAILED, FINE, TIMED_OUT, WAITS
from commands.place import Place, json_option, with_place
from commands.task_id import offer_ids
from commands.task_view import status_of
from errors import NotFound
from runtime_contract import ENDED, Status
from store.reading import Reader

POLL_S: Final = 0.05
#: Seconds between looks at whether what is left waits for a person: it costs a query a task.
JUDGE_S: Final = 0.5
_OPEN: Final = tuple(status.value for status in Status if status not in ENDED)


@dataclass(slots=True)
class Progress:
    """How far the waiting is."""

    ended: dict[str, str] = field(default_factory=dict)
    left: list[sqlite3.Row] = field(default_factory=list)


@click.command(
    help="""Wait until these tasks, or all there are, have ended. Schedules (`every`) never end
    and are not waited for.

    Exit code 0: all approved. 1: some ended otherwise. 75: what is left waits for a
    person, or for a model to be configured. 124: the time ran out.

    Example: skep wait t-1 --timeout 60"""
)
@click.argument("ids", metavar="[ID...]", nargs=-1, shell_complete=offer_ids)
@click.option("--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="Wait no longer than this.")
@json_option
@with_place
def wait(place: Place, ids: tuple[str, ...], timeout: float | None, as_json: bool) -> int:
    """Wait for ends."""
    with place.reader() as reader:
        wanted = list(dict.fromkeys(ids)) or [
            row["id"] for row in reader.tasks(_OPEN) if row["every"] is None
        ]
        code, progress = _wait(place, reader, wanted, timeout)
        told = [_told(reader, row) for row in progress.left]
    if as_json:
        terminal.print_json({"exit_code": code, "ended": progress.ended, "left": told})
    else:
        _print(code, progress, told)
    return code


def _wait(place: Place, reader: Reader, wanted: Sequence[str], timeout: float | None) -> tuple[int, Progress]:
    until = None if timeout is None else time.monotonic() + timeout
    version: int | None = None
    progress = Progress()
    judged = -JUDGE_S
    told = False
    while True:
        now = reader.data_version()
        if now != version:
            version, progress = now, _look(reader, wanted)
        if not progress.left:
            return _code(progress), progress
        if time.monotonic() - judged >= JUDGE_S:
            judged = time.monotonic()
            if _all_need_person(reader, progress.left):
                return WAITS, progress
            told = told or _tell_if_alone(place)
        if until is not None and time.monotonic() >= until:
            return TIMED_OUT, progress
        time.sleep(POLL_S)


def _look(reader: Reader, wanted: Sequence[str]) -> Progress:
    progress = Progress()
    for task_id in wanted:
        row = reader.task(task_id)
        if row is None:
            raise NotFound(
                f"There is no task {task_id!r}; `skep list` shows those there are.", task_id=task_id
            )
        if Status(status_of(row)) in ENDED:
            progress.ended[task_id] = status_of(row)
        else:
            progress.left.append(row)
    return progress


def _all_need_person(reader: Reader, left: Sequence[sqlite3.Row]) -> bool:
    gate = reader.gate()
    return all(needs_person(reader, row, gate) for row in left)


def _tell_if_alone(place: Place) -> bool:
    if look(place.home).is_running:
        return False
    terminal.note("No daemon runs, so nothing goes on; start it with `skep up`.")
    return True


def _code(progress: Progress) -> int:
    return FINE if set(progress.ended.values()) <= {Status.APPROVED.value} else FAILED


def _told(reader: Reader, row: sqlite3.Row) -> dict[str, Any]:
    return {"id": row["id"], "status": status_of(row), "waiting_for": reader.waiting_for(row)}


def _print(code: int, progress: Progress, left: Sequence[dict[str, Any]]) -> None:
    for task_id, status in progress.ended.items():
        click.echo(f"{terminal.clean(task_id)} {terminal.styled_status(status)}")
    for each in left:
        waits = f": waits for {each['waiting_for']}" if each["waiting_for"] else ""
        click.echo(terminal.shorten(f"{each['id']} {each['status']}{waits}", 400))
    if code == TIMED_OUT:
        terminal.note("skep wait: the time ran out")
