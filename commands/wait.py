"""``skep wait``: until tasks have ended."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import click

from commands import terminal
from commands.ends import needs_person
from commands.exits import FAILED, FINE, TIMED_OUT, WAITS
from commands.place import Place, json_option, with_place
from commands.task_id import offer_ids
from commands.task_view import status_of
from errors import NotFound
from runtime_contract import ENDED, Status
from store.reading import Reader
from store.records import STATUS_OF_STATE
from store.waiting import Situation
from supervisor.daemon_state import look
from supervisor.presence import situation

POLL_S: Final = 0.05
#: Seconds between looks at whether what is left waits for a person: it costs a query a task.
JUDGE_S: Final = 0.5
_OPEN: Final = tuple(status.value for status in Status if status not in ENDED)


@dataclass(slots=True)
class Progress:
    """How far the waiting is."""

    left: set[str]
    ended: dict[str, str] = field(default_factory=dict)


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
        wanted = ids or [row["id"] for row in reader.tasks(_OPEN) if row["every"] is None]
        progress = Progress(set(wanted))
        code = _wait(place, reader, progress, timeout)
        now = situation(place.home, reader)
        told = [_told(reader, task_id, now) for task_id in dict.fromkeys(wanted) if task_id in progress.left]
    if as_json:
        terminal.print_json({"exit_code": code, "ended": progress.ended, "left": told})
    else:
        _print(code, progress, told)
    return code


def _wait(place: Place, reader: Reader, progress: Progress, timeout: float | None) -> int:
    until = None if timeout is None else time.monotonic() + timeout
    version: int | None = None
    next_judgement = 0.0
    told = False
    while True:
        began = time.monotonic()
        now = reader.data_version()
        if now != version:
            version = now
            _look(reader, progress)
        if not progress.left:
            return FINE if set(progress.ended.values()) <= {Status.APPROVED.value} else FAILED
        if began >= next_judgement:
            next_judgement = began + JUDGE_S
            if _all_need_person(reader, progress.left):
                return WAITS
            told = told or _tell_if_alone(place)
        if until is not None and time.monotonic() >= until:
            return TIMED_OUT
        # Looking at many tasks takes a while; it must not take all of a core.
        time.sleep(max(POLL_S, 3 * (time.monotonic() - began)))


def _look(reader: Reader, progress: Progress) -> None:
    """Note what has ended. Raises `NotFound`."""
    found = {row["id"]: row["state"] for row in reader.all("states_of", ids=json.dumps(list(progress.left)))}
    for task_id in progress.left - found.keys():
        raise NotFound(f"There is no task {task_id!r}; `skep list` shows those there are.", task_id=task_id)
    for task_id, state in found.items():
        if STATUS_OF_STATE[state] in ENDED:
            progress.ended[task_id] = STATUS_OF_STATE[state].value
            progress.left.discard(task_id)


def _all_need_person(reader: Reader, left: Iterable[str]) -> bool:
    gate = reader.gate()
    rows = (reader.task(task_id) for task_id in left)
    return all(row is not None and needs_person(reader, row, gate) for row in rows)


def _tell_if_alone(place: Place) -> bool:
    if look(place.home).is_running:
        return False
    terminal.note("No daemon runs, so nothing goes on; start it with `skep up`.")
    return True


def _told(reader: Reader, task_id: str, now: Situation) -> dict[str, Any]:
    row = reader.task(task_id)
    assert row is not None  # noqa: S101  tasks are never deleted
    return {"id": task_id, "status": status_of(row), "waiting_for": reader.waiting_for(row, now)}


def _print(code: int, progress: Progress, left: Sequence[dict[str, Any]]) -> None:
    for task_id, status in progress.ended.items():
        click.echo(f"{terminal.clean(task_id)} {terminal.styled_status(status)}")
    for each in left:
        waits = f": waits for {each['waiting_for']}" if each["waiting_for"] else ""
        click.echo(terminal.shorten(f"{each['id']} {each['status']}{waits}", 400))
    if code == TIMED_OUT:
        terminal.note("skep wait: the time ran out")
