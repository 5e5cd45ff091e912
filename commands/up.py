"""``skep up``: the whole daemon in the foreground."""

from __future__ import annotations

import contextlib
import math
import os
import threading
import time
from collections.abc import Iterator

import click

import open_files
from commands import terminal
from commands.login_link import LoginLink
from commands.place import NoHome, Place, place_of
from commands.telling import Teller, say
from commands.terminal import clean
from config_files import own_home
from daemon_log import configure_logging
from doctor.home import check_rights
from doctor.machine import check_locale
from localhost import port_file
from safety.gateway import checked_commands
from sentences import ended
from setting_sources import load_settings, why_no_folder
from settings import Home, Settings
from stopping import Stop
from store import database
from store.capacity import CAPACITY, Capacity
from store.place import HeldPlace, StoreGone
from store.reading import Reader
from store.recovery import is_foreign, recover_if_damaged
from store.sqlite_store import SqliteStore
from supervisor import first_process, forking
from supervisor.crew import Crew
from supervisor.daemon import Daemon, lock_home, modules
from supervisor.daemon_state import queue_file_trouble
from supervisor.idleness import Idleness, Left
from supervisor.standing import ProcessRecord

EXIT_FAILED = 1
EXIT_WAITS = 75
EXIT_UNREADABLE = 3
LOOK_EVERY_S = 0.3
#: Seconds for which processes may still open the home by its name, and between looks whether it is there.
YOUNG_S, YOUNG_LOOK_S = 15.0, 0.02

#: Seconds in which swarm finds a model and a sandbox, or finds none as before.
FOUND_S = 5.0
#: Said at the end where something waits that no time will bring.
WAITS = "What is left waits: `skep list` tells for what."

#: Why nothing runs where the log is not of the database.
FOREIGN = (
    "the log tells of another history than the database: one of them is of another home, or of another time. "
    "Look whether .swarm/state.db is the right one; `skep resume` goes on with it"
)

#: What holds everything back and is said loudly at the start, by its cause.
LOUD = {"kill_switch": "NOTHING RUNS", "circuit_breaker": "NOTHING STARTS"}


@click.command(
    help="""Run the whole daemon over this home until Ctrl-C: swarm, workers and control panel.

    Example: skep up --concurrency 4

    \b
    Exit codes with --until-idle: 0 everything ended well, 1 a task failed,
    75 something waits for a person (or for a model to be configured),
    3 swarm or the workers cannot start, or queue.json cannot be read."""
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
    first_process.go_on_below()
    home = place_of(context).home
    flags = {"concurrency": concurrency, "workers": workers}
    if (why := why_no_folder(home)) is not None:
        raise NoHome(why)
    if not home.root.is_dir():  # a name that was mistyped, more likely than a home to be made
        raise NoHome(f"There is no directory {home.root}; make a home there by `skep init {home.root}`.")
    own_home.check_daemon(home.root)
    own_home.check_depths(home.state)
    settings = load_settings(home, os.environ, flags).settings
    if not no_panel:
        port_file.check_apart(settings.swarm_port, settings.panel_port)
    configure_logging(settings, "supervisor", home)
    said = {name for name, flag in (("workers", workers), ("pace", concurrency)) if flag is not None}
    code = _run(home, settings, said, until_idle=until_idle, with_panel=not no_panel, as_json=as_json)
    terminal.let_go_of_closed_streams()
    context.exit(code)


def _run(
    home: Home, settings: Settings, said: set[str], *, until_idle: bool, with_panel: bool, as_json: bool
) -> int:
    """Run until told to stop; `said`: what of `store.capacity` a flag says, over what was set before."""
    stop = Stop()
    stop.on_signals()
    place = HeldPlace(home.root, home.root)
    database.prepare_state_directory(home.state)
    lock = lock_home(home)
    spawner = forking.spawner(modules(with_panel=with_panel))  # imports while the store is opened
    try:
        recovered = recover_if_damaged(home, settings, effect_of=checked_commands(home, settings).effect_of)
        if recovered is not None and not as_json:
            click.echo(clean(recovered.message))
        with SqliteStore(home, settings) as store:
            place.check()  # else a new one was made here
            if said and store.reader.fact(CAPACITY) is not None:
                store.set_capacity(dict.fromkeys(said), Place(home).by)
            daemon = Daemon(home, settings, with_panel=with_panel, spawner=spawner)
            run = Run(home, store, daemon, as_json=as_json)
            if not as_json:
                greet(home)
                warn_of_place(home)
            if is_foreign(home):
                store.pause("recovery", FOREIGN)
            warn_of_halt(store.reader)
            warn_of_few_files(store)
            code = run.keep_up(stop, until_idle=until_idle)
    finally:
        spawner.close()
        lock.release()
    if not until_idle or stop.asked.is_set():
        return 0
    return EXIT_UNREADABLE if queue_file_trouble(home) is not None else code


class Run:
    """One run of the daemon: what is watched, told and recorded while it is kept up."""

    def __init__(self, home: Home, store: SqliteStore, daemon: Daemon, *, as_json: bool) -> None:
        self._daemon = daemon
        self._idleness = Idleness(home, store.reader, store.settings.limits)
        self._teller = Teller(store.reader, as_json=as_json)
        self._as_json = as_json
        self._record = ProcessRecord(home, store)
        self._crew = Crew(daemon, self._record, store)
        self._link: LoginLink | None = None
        if daemon.panel is not None and not as_json:
            by = Place(home).by
            self._link = LoginLink(
                home, daemon.panel, lambda: store.audit("login_link", "recorded", actor=by)
            )
        self._place = store.writer.place
        self._due = 0.0
        #: when it is told what holds tasks though nothing new has happened; never again once it was
        self._tell_held_at = time.monotonic() + FOUND_S

    def keep_up(self, stop: Stop, *, until_idle: bool) -> int:
        """Keep the daemon up until told to stop, or idle where that is asked; the exit code.

        Raises `StoreGone` where the home is moved or removed.
        """
        stop.at_once = self._daemon.end_at_once
        self._crew.begin()
        self._record.enter(child.name for child in self._daemon.children)
        left = self._idleness.look()

        def is_done() -> bool:
            nonlocal left
            if time.monotonic() < self._due:
                return False
            self._due = time.monotonic() + LOOK_EVERY_S
            self._tell()
            self._crew.look()
            if self._place.is_gone():
                return True
            if until_idle:
                left = self._idleness.look()
            return left.is_idle or (until_idle and self._daemon.cannot_start() is not None)

        try:
            with self._killed_where_it_is_gone():
                self._daemon.run(stop, self._record.fall, is_done)
        finally:
            trouble = self._trouble()
            with contextlib.suppress(StoreGone):  # told below
                self._record.leave()
            self._crew.end()
            stop.give_way()
        self._place.check()
        self._tell()
        if trouble is not None and not left.is_idle and not stop.asked.is_set():
            click.echo(clean(f"skep up: {trouble}"), err=True)
            return EXIT_UNREADABLE
        code = _exit_code(left)
        if code == EXIT_WAITS and not stop.asked.is_set() and not self._as_json:
            self._teller.tell_held()
            terminal.note(WAITS)
        return code

    @contextlib.contextmanager
    def _killed_where_it_is_gone(self) -> Iterator[None]:
        """Meanwhile everything is killed, also what is begun again or stops, once the home is moved away.

        What a process makes by a name from then on would be half a home, or lie in another's.
        """
        is_over = threading.Event()
        grown = time.monotonic() + YOUNG_S

        def watch() -> None:
            while not is_over.wait(LOOK_EVERY_S if time.monotonic() > grown else YOUNG_LOOK_S):
                if self._place.is_gone():
                    self._daemon.kill()

        watching = threading.Thread(target=watch, name="home-watch", daemon=True)
        watching.start()
        try:
            yield
        finally:
            is_over.set()
            watching.join()

    def _trouble(self) -> str | None:
        """Why no task can run at all, where that is so."""
        child = self._daemon.cannot_start()
        return None if child is None else self._record.reason(child.name)

    def _tell(self) -> None:
        self._teller.tell_new()
        if self._link is not None:
            self._link.tell_new()
        if time.monotonic() > self._tell_held_at and self._teller.tell_held():
            self._tell_held_at = math.inf


def greet(home: Home) -> None:
    """Say where things are. The panel's link follows when the panel is up."""
    say(f"Skep works in {home.root}")
    say(f"Tasks:  drop them into {home.queue_file}")
    say("Stop:   Ctrl-C")


def warn_of_halt(reader: Reader) -> None:
    """Say so loudly when the daemon starts and nothing will be."""
    gate = reader.gate()
    if gate.cause in LOUD and gate.paused is not None:
        click.secho(clean(f"{LOUD[gate.cause]}: {gate.paused}"), fg="red", bold=True, err=True)


def warn_of_place(home: Home) -> None:
    """Say what is wrong with the place: others can write there, or letters are not of UTF-8."""
    for finding in (*check_locale(), *check_rights(home)):
        if finding.level != "ok":
            click.secho(clean(f"{finding.told} {ended(finding.way_out)}"), fg="yellow", err=True)


def warn_of_few_files(store: SqliteStore) -> None:
    """Say so when the system lets Skep open fewer files than its tasks may need."""
    told = open_files.shortage(Capacity.of(store.reader.fact(CAPACITY), store.settings).at_once)
    if told is not None:
        click.secho(clean(f"{told} {open_files.WAY_OUT}"), fg="yellow", err=True)


def _exit_code(left: Left) -> int:
    if left.failed:
        return EXIT_FAILED
    return EXIT_WAITS if left.waits_for_person else 0
