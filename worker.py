"""The daemon: takes tasks in, claims them, walks each along the golden path, and records what became of it.

    queue.json, inbox/, CLI, panel -> queued -> claimed -> preflight -> route -> /cycle -> review -> end

`python worker.py` runs it by itself over the home in ``SKEP_HOME``; `skep up` runs it beside swarm and panel.
Any number of workers may serve one home: leases keep each task with one of them, and one of them leads
(`road.leadership`).
"""

from __future__ import annotations

import functools
import logging
import os
import sys
import threading
from pathlib import Path

import click

import host_platform
from collecting import settle
from config_files.models import read_models_file
from daemon_log import configure_logging
from errors import SkepError
from localhost import port_file
from process_home import home_of
from road.cycle_client import CycleClient, Listener
from road.judging import Judge
from road.leadership import Leadership
from road.personas import Personas
from road.planning import Planner
from road.rescue import Rescuer
from road.rewarding import Rewarding
from road.routing import Routing, home_tools
from road.run_prompts import RunPrompts
from road.screened_roster import ScreenedRoster
from road.walk import Road
from safety import constitution
from safety.gateway import SafetyGateway
from setting_sources import load_settings
from settings import Home, Settings
from stopping import Stop
from store import claims, last_words, planning, processes
from store.capacity import CAPACITY, Capacity
from store.claims import Claimant
from store.engine import SqliteEngine
from store.outputs import read_output
from store.pulse import Pulse
from store.sqlite_store import SqliteStore
from store.transaction import Transaction

logger = logging.getLogger("worker")

#: Seconds that running tasks get when the supervisor is gone.
HURRIED_GRACE_S = 1.0
#: Seconds between looks for what people want: running tasks stopped, another pace.
CANCEL_LOOK_S = 0.1
#: Seconds after which that is done even if nobody has written anything.
LOOK_ANYWAY_S = 5.0


class Worker:
    """One worker process."""

    def __init__(
        self, home: Home, settings: Settings, stop: Stop, worker_id: str, *, number: int | None = None
    ) -> None:
        self.stop = stop
        #: its place among the workers of its supervisor, from 1; none where it has none
        self.number = number
        self.settings = settings
        self.worker_id = worker_id
        #: set when nothing runs here any more
        self.is_over = threading.Event()
        self.store = SqliteStore(home, settings)
        self.pulse = Pulse(self.store.reader)
        who = Claimant(worker_id, host_platform.this_process(), settings.lease_s)
        self.engine = SqliteEngine(self.store, self.pulse, who, settings.concurrency)
        socket = home.cycle_socket if settings.swarm_socket else None
        self.swarm = CycleClient(functools.partial(listening_swarm, home), home.token, socket)
        gateway = SafetyGateway(home, settings)
        policy = settings.attempt_policy
        read = functools.partial(read_output, home.outputs)
        roster = ScreenedRoster(home.identities, gateway)
        who_if_none = settings.default_identity
        judge = Judge(
            self.engine.conclude,
            read,
            home.workspace,
            policy,
            settings.review_sample,
            Rewarding(who_if_none),
            functools.partial(planning.whole_intent, self.store.reader),
            gateway.effect_of,
            ends_amid=functools.partial(claims.ends_since, self.store.reader),
        )
        personas = Personas(self.store, roster, who_if_none)
        planner = Planner(self.store, gateway, read, settings, self.swarm)
        routing = Routing(home_tools(self.store), gateway)
        runs = RunPrompts(self.store, read)
        self.road = Road(
            self.store, self.swarm, gateway, planner, routing, judge, settings, personas, runs=runs
        )
        rescuer = Rescuer(
            self.store,
            who,
            policy,
            gateway.effect_of,
            carry_on=lambda claim: self.engine.adopt(claim, self.road.resume),
            is_held=lambda ref: ref in self.engine.held(),
        )
        self.leadership = Leadership(home, settings, self.store, self.pulse, rescuer, worker_id, roster)
        self.engine.on_lost = lambda ref: self.road.stop_task(ref, hand_back=True)

    def run(self) -> None:
        """Work until told to stop, then finish or hand back what runs."""
        self._tell("daemon.started")
        self.pulse.start()
        self.leadership.start()
        self._obey_capacity()
        watcher = threading.Thread(target=self._watch_for_people, name="people", daemon=True)
        watcher.start()
        self.stop.listen(self.engine.wake)
        self.leadership.wait_for_audit(self.stop.asked)
        self.engine.serve(self.road.walk, self.stop.asked)
        self._finish()

    def _finish(self) -> None:
        """Let what runs come to its end for a while, then give the rest back to the queue."""
        grace = HURRIED_GRACE_S if self.stop.is_hurried else self.settings.stop_grace_s
        logger.info("stopping (%s): %d tasks are running", self.stop.reason, len(self.engine.held()))
        for ref in self.engine.drain(grace):
            self.road.stop_task(ref, hand_back=True)
        left = self.engine.drain(5.0)
        if left:
            logger.warning("%d tasks did not stop; the next start picks them up", len(left))
        self.is_over.set()
        self._tell("daemon.stopped")
        self.leadership.stop()
        self.pulse.stop()
        self.engine.close()
        self.swarm.close()
        self.store.close()

    def _watch_for_people(self) -> None:
        """Do what people say about what runs here, well within a second: cancel tasks, set the pace."""
        changed = threading.Event()
        self.pulse.listen(changed)
        while not self.is_over.wait(CANCEL_LOOK_S):
            changed.wait(LOOK_ANYWAY_S)
            changed.clear()
            try:
                self._obey_capacity()
                if self.engine.held():
                    self._cancel_what_is_unwanted()
            except SkepError as error:
                logger.error("what people want could not be looked at: %s", error)

    def _obey_capacity(self) -> None:
        """Run as many tasks at once as is wanted; go where this worker is not, once nothing runs here."""
        wanted = Capacity.of(self.store.reader.fact(CAPACITY), self.settings)
        self.engine.share(wanted.shared_by(self.worker_id, self.number))
        self.engine.pace = wanted.pace_of(self.number)
        if self.engine.pace == 0 and not self.engine.held():
            self.stop.ask("fewer workers are wanted")

    def _cancel_what_is_unwanted(self) -> None:
        for row in self.store.reader.all("running_to_cancel"):
            if row["worker_id"] == self.worker_id:
                self._cancel(row["id"], row["lease"])

    def _cancel(self, task_id: str, lease: int) -> None:
        ref = next((ref for ref in self.engine.held() if (ref.id, ref.lease) == (task_id, lease)), None)
        if ref is not None:
            self.road.stop_task(ref, hand_back=False)

    def _tell(self, event: str) -> None:
        def tell(tx: Transaction) -> None:
            if event == "daemon.started":
                processes.come_up(tx, self.worker_id)
            tx.emit(
                event,
                worker_id=self.worker_id,
                process="worker",
                pid=os.getpid(),
                reason=self.stop.reason or None,
            )

        self.store.write(tell)


def listening_swarm(home: Home) -> Listener | None:
    """The living swarm that says it listens, and where."""
    found = port_file.holder(home, port_file.SWARM)
    return None if found is None else Listener(found.port, str(found.process))


def get_ready() -> None:
    """Read the rules that ship, which every home is held to: once for all processes that are forked after."""
    constitution.load()


@click.command(help="Run one worker over a home (see skep up for the whole daemon).")
@click.option(
    "--home", "home_flag", type=click.Path(path_type=str), help="The home; default SKEP_HOME or here."
)
@click.option("--concurrency", type=int, help="Tasks run at once.")
@click.option("--worker-id", default=None, help="The name people see.")
@click.option("--supervised", is_flag=True, help="Stop when standard input, the supervisor's pipe, closes.")
def main(home_flag: str | None, concurrency: int | None, worker_id: str | None, supervised: bool) -> None:
    """Run one worker until it is told to stop."""
    home = home_of("worker", home_flag)
    stop = Stop()
    stop.on_signals()
    if supervised:
        stop.on_closed_pipe()
    try:
        settings = load_settings(home, os.environ, {"concurrency": concurrency}).settings
        if not supervised:  # else `skep up` has looked
            from store.recovery import refuse_damaged  # noqa: PLC0415  and what rebuilds is not loaded

            refuse_damaged(home)
        read_models_file(home.models_file)  # one that is wrong is refused here
        configure_logging(settings, "worker", home, worker_id or "worker")
        host_platform.step_back(settings.nice)
        settle()
        number = processes.number_of(worker_id) if supervised and worker_id else None
        Worker(home, settings, stop, worker_id or f"worker-{os.getpid()}", number=number).run()
    except SkepError as error:
        click.echo(f"worker: {error}", err=True)
        if supervised and worker_id:
            last_words.leave(home, worker_id, str(error))
        sys.exit(3)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    main()
