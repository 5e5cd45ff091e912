"""``skep up``: the whole daemon in the foreground."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from typing import Any

import click

from clock import to_local_text
from commands import terminal
from commands.daemon_state import queue_file_trouble
from commands.place import Place
from commands.terminal import clean
from daemon_log import configure_logging
from errors import SkepError
from panel.login import mint_login_link
from safety.gateway import SafetyGateway
from setting_sources import load_settings
from settings import Home, Settings, find_home
from stopping import Stop
from store import database
from store.reading import Reader, event_of
from store.recovery import recover_if_damaged
from store.sqlite_store import SqliteStore
from supervisor.daemon import Daemon, lock_home
from supervisor.idleness import Idleness, Left

EXIT_FAILED = 1
EXIT_WAITS = 75
EXIT_UNREADABLE = 3
LOOK_EVERY_S = 0.3

#: Events told on the terminal, with the word for them.
TOLD = {
    "task.approved": "approved",
    "task.failed": "failed",
    "task.safety_blocked": "blocked",
    "task.cancelled": "cancelled",
    "task.refused": "refused",
    "decision.asked": "asks",
    "queue_file.refused": "queue.json",
    "queue_file.removal_held": "queue.json",
    "daemon.crashed": "crashed",
    "daemon.disk_full": "disk",
    "daemon.kill_switch_on": "KILLED",
    "daemon.kill_switch_off": "cleared",
    "daemon.breaker_tripped": "TRIPPED",
    "daemon.breaker_reset": "reset",
    "audit.blocked": "audit",
    "daemon.model": "model",
    "daemon.sandbox": "sandbox",
}


#: What holds everything back and is said loudly at the start, by its cause.
LOUD = {"kill_switch": "NOTHING RUNS", "circuit_breaker": "NOTHING STARTS"}


class Teller:
    """Tells on the terminal what happens, a line an event; as JSON every event, for scripts."""

    def __init__(self, reader: Reader, *, as_json: bool) -> None:
        self._reader = reader
        self._as_json = as_json
        row = reader.one("last_event_seq")
        self._seen = int(row["seq"]) if row else 0
        self._version = -1

    def tell_new(self) -> None:
        """Tell what is new."""
        version = self._reader.data_version()
        if version == self._version:
            return
        self._version = version
        for row in self._reader.events(after=self._seen):
            self._seen = row["seq"]
            word = TOLD.get(row["event"])
            if self._as_json:
                _say(terminal.to_json(event_of(row), indent=None))
            elif word is not None:
                self._tell(word, event_of(row))

    def _tell(self, word: str, event: dict[str, Any]) -> None:
        what = event.get("question") or event.get("reason") or event.get("result_summary") or ""
        moment = to_local_text(time.time())[11:]
        _say(clean(f"{moment}  {word:<10} {event['task_id'] or ''}  {what}".rstrip()))


def _say(line: str) -> None:
    """Print a line. It may go to a file on a full disk, and the daemon goes on without it."""
    with contextlib.suppress(OSError):
        click.echo(line)


@click.command(
    help="""Run the whole daemon over this home until Ctrl-C: swarm, workers and control panel.

    Example: skep up --concurrency 4

    \b
    Exit codes with --until-idle: 0 everything ended well, 1 a task failed,
    75 something waits for a person (or for a model to be configured)."""
)
@click.option("--concurrency", type=int, help="Tasks one worker runs at once (default 8).")
@click.option("--workers", type=int, help="Worker processes (default 1).")
@click.option("--until-idle", is_flag=True, help="Stop when nothing is left to do.")
@click.option("--no-panel", is_flag=True, help="Do not start the control panel.")
@click.option("--json", "as_json", is_flag=True, help="Print every event as a JSON line, nothing else.")
@click.pass_context
def up(
    context: click.Context,
    *,
    concurrency: int | None,
    workers: int | None,
    until_idle: bool,
    no_panel: bool,
    as_json: bool,
) -> None:
    """Start everything and stay with it."""
    home = find_home((context.obj or {}).get("home"), os.environ)
    flags = {"concurrency": concurrency, "workers": workers}
    settings = load_settings(home, os.environ, flags).settings
    configure_logging(settings, "supervisor")
    code = _run(home, settings, until_idle=until_idle, with_panel=not no_panel, as_json=as_json)
    context.exit(code)


def _run(home: Home, settings: Settings, *, until_idle: bool, with_panel: bool, as_json: bool) -> int:
    stop = Stop()
    stop.on_signals()
    database.prepare_state_directory(home.state)
    lock = lock_home(home)
    try:
        recovered = recover_if_damaged(home, settings, effect_of=SafetyGateway(home, settings).effect_of)
        if recovered is not None and not as_json:
            click.echo(clean(recovered.message))
        with SqliteStore(home, settings) as store:
            daemon = Daemon(home, settings, with_panel=with_panel)
            stop.at_once = daemon.end_at_once
            idleness = Idleness(home, store.reader)
            if not as_json:
                greet(home, settings, with_panel, lambda: _record_link(store, home))
            warn_of_halt(store.reader)
            teller = Teller(store.reader, as_json=as_json)
            left = _keep_up(daemon, store, stop, idleness, teller, until_idle=until_idle)
    finally:
        lock.release()
    if not until_idle or stop.asked.is_set():
        return 0
    return EXIT_UNREADABLE if queue_file_trouble(home) is not None else _exit_code(left)


def _keep_up(
    daemon: Daemon, store: SqliteStore, stop: Stop, idleness: Idleness, teller: Teller, *, until_idle: bool
) -> Left:
    due = 0.0
    left = idleness.look()

    def is_done() -> bool:
        nonlocal due, left
        if time.monotonic() < due:
            return False
        due = time.monotonic() + LOOK_EVERY_S
        teller.tell_new()
        if until_idle:
            left = idleness.look()
        return left.is_idle

    def on_fall(name: str, code: int) -> None:
        store.write(
            lambda tx: tx.emit(
                "daemon.crashed",
                process=name,
                exit_code=code,
                reason=f"{name} ended with code {code} and is started again",
            )
        )

    daemon.run(stop, on_fall, is_done)
    teller.tell_new()
    return left


def _record_link(store: SqliteStore, home: Home) -> None:
    store.audit("login_link", "recorded", actor=Place(home).by)


def greet(home: Home, settings: Settings, with_panel: bool, record: Callable[[], None]) -> None:
    """Say where things are; `record` puts the making of a login link on record."""
    click.echo(f"Skep works in {home.root}")
    click.echo(f"Tasks:  drop them into {home.queue_file}")
    if with_panel:
        try:
            record()
            click.echo(f"Panel:  {mint_login_link(home, settings.panel_port)}")
        except (SkepError, OSError) as error:
            click.echo(f"Panel:  http://127.0.0.1:{settings.panel_port} (no login link: {error})")
    click.echo("Stop:   Ctrl-C")


def warn_of_halt(reader: Reader) -> None:
    """Say so loudly when the daemon starts and nothing will be."""
    gate = reader.gate()
    if gate.cause in LOUD and gate.paused is not None:
        click.secho(clean(f"{LOUD[gate.cause]}: {gate.paused}"), fg="red", bold=True, err=True)


def _exit_code(left: Left) -> int:
    if left.failed:
        return EXIT_FAILED
    return EXIT_WAITS if left.waits_for_person else 0
