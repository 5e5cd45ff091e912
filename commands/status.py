"""``skep status``: how the home is doing, in a sentence and the figures behind it."""

from __future__ import annotations

import os
import shutil
import sqlite3
from typing import Any

import click

from commands import question_view, terminal
from commands.exits import FINE
from commands.list import UNREAD
from commands.place import Place, json_option, with_place
from commands.task_view import decision
from cost.usage_tracker import Standing, standing_of
from redaction import clean_value
from review.checkpoints.broken_off import broken_off
from sentences import ended, unended
from store import kill_file, processes, rollbacks
from store.answering import without_commands
from store.audit_log import AUDIT_CHECKPOINT, Checkpoint
from store.model_standing import server_trouble
from store.reading import (
    AUDIT_BLOCKED,
    BREAKER,
    DISK_FULL,
    LOCAL_STATUS,
    LOG_BLOCKED,
    MODEL_STATUS,
    PAUSED,
    QUEUE_FILE_BLOCKED,
    Reader,
)
from supervisor.daemon_state import DaemonState, has_unread_changes, look, queue_file_trouble


@click.command(
    help="""Tell how the home is doing. The exit code is 0 also when something waits for you.

    Example: skep status"""
)
@json_option
@with_place
def status(place: Place, as_json: bool) -> int:
    """Tell how the home is doing."""
    with place.reader() as reader:
        told = situation(place, reader)
        if told["queue_file_unread"]:
            terminal.note(UNREAD)
    if as_json:
        terminal.print_json(told)
    else:
        _print(told)
    return FINE


def situation(place: Place, reader: Reader) -> dict[str, Any]:
    """Everything that is told."""
    daemon = look(place.home)
    disk = shutil.disk_usage(place.home.root)
    checkpoint = Checkpoint.of_fact(reader.fact(AUDIT_CHECKPOINT))
    told: dict[str, Any] = {
        "home": str(place.home.root),
        "daemon": {"running": daemon.is_running, "supervisor": daemon.supervisor, "leader": daemon.leader},
        "processes": _processes(reader, daemon),
        "counts": reader.counts(),
        "refused": reader.refused_entries(),
        "kill_switch": kill_file.state_of(kill_file.look(place.home.kill_switch)),
        "circuit_breaker": reader.fact(BREAKER),
        "paused": reader.fact(PAUSED),
        "model": reader.fact(MODEL_STATUS),
        "budget": {name: standing_of(reader, name, reader.now()).as_json() for name in ("day", "total")},
        "sandbox": reader.fact(LOCAL_STATUS),
        "disk": {
            "free_bytes": disk.free,
            "total_bytes": disk.total,
            "full": reader.fact(DISK_FULL),
            "read_only": not os.access(place.home.state, os.W_OK),
        },
        "audit": {
            "blocked": reader.fact(AUDIT_BLOCKED),
            "checkpoint": None if checkpoint is None else str(checkpoint),
        },
        "log": {"blocked": reader.fact(LOG_BLOCKED)},
        "decisions": [decision(row, _task_of(reader, row)) for row in reader.decisions()],
        "broken_rollbacks": [clean_value(each.as_json()) for each in broken_off(place.home, reader)],
        "queue_file_unread": has_unread_changes(place.home, reader, place.settings.limits),
        "queue_file_blocked": reader.fact(QUEUE_FILE_BLOCKED),
        "queue_file_trouble": queue_file_trouble(place.home),
    }
    return {"health": health(told, daemon)} | told


def _task_of(reader: Reader, row: sqlite3.Row) -> sqlite3.Row | None:
    return None if row["task_id"] is None else reader.task(row["task_id"])


def _processes(reader: Reader, daemon: DaemonState) -> dict[str, Any]:
    """What of a daemon that ``skep up`` keeps is not up, and why nothing runs because of it."""
    fact = reader.fact(processes.PROCESSES) if daemon.supervisor else None
    return {"down": processes.down(fact), "stuck": processes.stuck(fact)}


def health(told: dict[str, Any], daemon: DaemonState) -> str:
    """The one sentence: what a person must know first."""
    counts = told["counts"]
    left = counts["pending"] + counts["in_progress"] + counts["pending_review"]
    asked = len(told["decisions"])
    waits = f" {asked} {'thing waits' if asked == 1 else 'things wait'} for you." if asked else ""
    broken = len(told["broken_rollbacks"])
    if broken:
        waits += (
            " A rollback of files broke off." if broken == 1 else f" {broken} rollbacks of files broke off."
        )
    if told["queue_file_trouble"] is not None:
        waits += f" queue.json is not taken in: {told['queue_file_trouble']}"
    halt = _halt(told)
    if halt is not None:
        return f"{ended(halt)}{waits}"
    if not daemon.is_running:
        start = "start it with `skep up`" if left else "nothing is left to do"
        return f"No daemon runs; {start}.{waits}"
    if told["processes"]["stuck"] is not None:
        return f"{ended('Nothing runs: ' + told['processes']['stuck'])}{waits}"
    if told["paused"] is not None:
        return f"Paused by {told['paused']['by']}; `skep resume` goes on.{waits}"
    if counts["in_progress"]:
        return f"Working: {counts['in_progress']} running, {counts['pending']} to go.{waits}"
    pending = counts["pending"]
    to_go = f"{pending} {'task waits' if pending == 1 else 'tasks wait'}" if pending else "nothing to do"
    return f"Running; {to_go}.{waits}"


def _spent(budget: dict[str, Any]) -> str:
    day, total = Standing(**budget["day"]), Standing(**budget["total"])
    return f"{day.sentence} today, {total.sentence} in all (skep budget)"


def _refused(count: int) -> str:
    """Why so many of those that failed did: they broke the contract and never were tasks."""
    what = "1 of the failed is an entry" if count == 1 else f"{count} of the failed are entries"
    does = "does" if count == 1 else "do"
    return f"{what} of the queue that broke its contract and {does} nothing until corrected (skep validate)"


def _halt(told: dict[str, Any]) -> str | None:
    """What stops everything, with the way out; none where nothing does."""
    killed, full, tripped = told["kill_switch"], told["disk"]["full"], told["circuit_breaker"]
    if killed["on"]:
        reason = f": {unended(killed['reason'])}" if killed["reason"] else ""
        return f"The kill switch is on{reason}; `skep kill-switch off` clears it"
    if told["disk"]["read_only"]:
        return "This home can only be read: nothing is started and nothing kept until it can be written again"
    if full is not None:
        return f"Nothing new is started: {full['reason']}"
    if told["audit"]["blocked"] is not None:
        reason = str(told["audit"]["blocked"]["reason"])
        return f"{reason[:1].upper()}{reason[1:]}"
    if tripped is not None:
        return f"The circuit breaker tripped: {unended(tripped['reason'])}; `skep resume` goes on"
    return None


def _holding(told: dict[str, Any]) -> list[tuple[str, str]]:
    """Why the home is paused, and why its log or queue file is behind."""
    paused = told["paused"]
    reason = "" if paused is None else str(paused.get("reason") or "")
    rows = [("paused", f"by {paused['by']}: {reason}")] if reason else []
    behind = {"log": told["log"]["blocked"], "queue": told["queue_file_blocked"]}
    return rows + [(name, str(fact["reason"])) for name, fact in behind.items() if fact is not None]


def _print(told: dict[str, Any]) -> None:
    is_grave = told["kill_switch"]["on"] or told["circuit_breaker"] is not None
    click.secho(terminal.clean(told["health"]), fg="red" if is_grave else None, bold=is_grave or None)
    model, sandbox = told["model"], told["sandbox"]
    rows = [
        ("home", told["home"]),
        *(("down", sentence) for sentence in told["processes"]["down"].values()),
        *_holding(told),
        ("tasks", ", ".join(f"{count} {name}" for name, count in told["counts"].items() if count) or "none"),
        *(("rollback", each["told"]) for each in told["broken_rollbacks"]),
        *((("refused", _refused(told["refused"])),) if told["refused"] else ()),
        ("model", "not looked for yet" if model is None else str(model["reason"])),
        ("spent", _spent(told["budget"])),
        ("sandbox", "not tried yet" if sandbox is None else str(sandbox["reason"])),
        ("disk", f"{told['disk']['free_bytes'] / 2**30:.1f} GiB free"),
        ("audit", f"checkpoint {told['audit']['checkpoint'] or 'none yet'}"),
    ]
    for label, text in rows:
        is_off = label == "sandbox" and sandbox is not None and sandbox.get("level") == "off"
        is_in_trouble = label == "model" and model is not None and server_trouble(model) is not None
        is_grave = is_off or is_in_trouble or label in {"down", "log", "queue", "rollback"}
        click.secho(f"{label:<8} {terminal.clean(text)}", fg="red" if is_grave else None)
    for each in told["decisions"]:
        click.echo(f"asks     {terminal.shorten(_asked(each), 300)}")
        if each["deadline_at"] is not None:
            click.echo(f"         {question_view.deadline(each)}")
        click.echo(terminal.clean(f"         skep show {each['id']} shows all of it"))
        click.echo(terminal.clean(f"         {question_view.ways(each)}"))


def _asked(told: dict[str, Any]) -> str:
    """A question as it stands above the commands that answer it."""
    if told["kind"] == rollbacks.KIND:
        return "May the files stay as that rollback left them?"
    return without_commands(told["kind"], told["question"])
