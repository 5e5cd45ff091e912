"""The whole daemon: swarm, workers and panel under one roof.

They are started together, a fallen one is started again with a growing wait, and at the end they go in
order: the workers first, which finish or hand back what runs, then swarm, which nobody calls any more, then
the panel.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

import filelock

import host_platform
from errors import AlreadyRunning
from settings import Home, Settings
from stopping import Stop
from store.processes import WORKER
from supervisor import forking
from supervisor.child import Child
from supervisor.refusal import Refusal
from supervisor.spawning import Spawner

logger = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 0.1
#: Seconds between looks while every process has been up for a while.
STEADY_LOOK_S: Final = 0.25
#: Seconds a process gets beyond the grace of the tasks.
GOODBYE_S: Final = 8.0
#: Seconds swarm gets at a second signal to kill what it executes.
AT_ONCE_S: Final = 2.0

#: Seconds for which a verb that asks whether a daemon runs may be in the way of the lock.
LOOKED_AT_S: Final = 0.3

#: Starts in a row that fail by themselves, after which a process counts as one that cannot start: over more
#: seconds than a swarm needs to go whose supervisor was killed.
HOPELESS_STARTS: Final = 6

#: Settings that every process has as ``skep up`` was started with, whatever the files say later.
HANDED_ON: Final = ("concurrency", "workers")

#: Called with the name and exit code of a process that fell over, and why it was not begun where that is so.
OnFall = Callable[[str, int, Refusal | None], None]


class Daemon:
    """The processes of one home. What was given as a flag reaches them as a variable of the environment."""

    def __init__(
        self, home: Home, settings: Settings, *, with_panel: bool = True, spawner: Spawner | None = None
    ) -> None:
        self._settings = settings
        self._spawner = spawner or forking.spawner(modules(with_panel=with_panel))
        where = ["--home", str(home.root)]
        flags = {f"SKEP_{name.upper()}": str(getattr(settings, name)) for name in HANDED_ON}
        self._where, self._flags = where, flags
        self.swarm = Child("swarm", ["swarm", *where], flags, self._spawner)
        #: workers that are wanted, by their place from 1
        self.workers = [self._worker(number) for number in range(1, settings.workers + 1)]
        #: workers that are one too many and end what they run
        self.leaving: list[Child] = []
        self.panel = Child("panel", ["control_panel", *where], flags, self._spawner) if with_panel else None

    def _worker(self, number: int) -> Child:
        name = f"{WORKER}-{number}"
        return Child(name, ["worker", *self._where, "--worker-id", name], self._flags, self._spawner)

    def set_workers(self, count: int) -> list[str]:
        """Have so many workers; the names of those that are new.

        One that is one too many is not stopped: it goes by itself (`store.capacity`), and is kept as it is
        where it is wanted again before it has gone.
        """
        self.leaving += self.workers[count:]
        del self.workers[count:]
        new = []
        for number in range(len(self.workers) + 1, count + 1):
            name = f"{WORKER}-{number}"
            back = next((child for child in self.leaving if child.name == name), None)
            if back is not None:
                self.leaving.remove(back)
            else:
                new.append(name)
            self.workers.append(back or self._worker(number))
        return new

    def take_gone(self) -> list[str]:
        """Let go of workers that were one too many and have ended; their names."""
        gone = [child for child in self.leaving if child.wait(0)]
        for child in gone:
            child.end_now()
            self.leaving.remove(child)
        return [child.name for child in gone]

    @property
    def children(self) -> list[Child]:
        """Every process, in the order they start."""
        return [self.swarm, *self.workers, *([self.panel] if self.panel else [])]

    def run(self, stop: Stop, on_fall: OnFall, is_done: Callable[[], bool] = lambda: False) -> None:
        """Keep everything up until told to stop or done, then stop in order."""
        try:
            while not stop.asked.wait(self._pause()) and not is_done():
                self._spawner.tend()
                for child in self.children:
                    code = child.keep_up(time.monotonic())
                    if code is not None:
                        _log(child, code)
                        on_fall(child.name, code, child.refusal)
        finally:
            self._stop_in_order()

    def _pause(self) -> float:
        """Seconds until the next look: short while something has just been started, or is to be."""
        now = time.monotonic()
        return STEADY_LOOK_S if all(child.is_steady(now) for child in self.children) else LOOK_EVERY_S

    def cannot_start(self) -> Child | None:
        """A process without which no task runs, and that fails at every start: swarm, or every worker."""
        if self.swarm.failed_starts >= HOPELESS_STARTS:
            return self.swarm
        if all(worker.failed_starts >= HOPELESS_STARTS for worker in self.workers):
            return self.workers[0]
        return None

    def kill(self) -> None:
        """Kill everything where it stands, as a power cut would; what swarm executes ends with it."""
        for child in [*self.workers, *self.leaving, *([self.panel] if self.panel else []), self.swarm]:
            _kill(child)

    def end_at_once(self) -> None:
        """End everything, from any thread. Swarm goes last: it kills what it executes."""
        for child in [*self.workers, *self.leaving, *([self.panel] if self.panel else [])]:
            _kill(child)
        self.swarm.hurry()
        deadline = time.monotonic() + AT_ONCE_S
        while self.swarm.pid is not None and time.monotonic() < deadline:
            time.sleep(0.01)
        _kill(self.swarm)

    def _stop_in_order(self) -> None:
        for group, seconds in (
            (self.workers + self.leaving, self._settings.stop_grace_s + GOODBYE_S),
            ([self.swarm], GOODBYE_S),
            ([self.panel] if self.panel else [], GOODBYE_S),
        ):
            for child in group:
                child.ask_to_stop()
            deadline = time.monotonic() + seconds
            for child in group:
                child.wait(max(0.0, deadline - time.monotonic()))
                child.end_now()
        self._spawner.close()


def _log(child: Child, code: int) -> None:
    if child.refusal is not None:
        logger.error("%s is not up: %s", child.name, child.refusal.reason)
    else:
        logger.error("%s ended with code %s and is started again", child.name, code)


def _kill(child: Child) -> None:
    """As `Child.end_now`, but from any thread, and without a wait."""
    if (pid := child.pid) is not None:
        host_platform.kill_process(pid)


def modules(*, with_panel: bool) -> list[str]:
    """What the processes of a daemon run."""
    return ["swarm", "worker", *(["control_panel"] if with_panel else [])]


def lock_home(home: Home) -> filelock.FileLock:
    """Hold the home for one daemon. Raises `AlreadyRunning`."""
    lock = filelock.FileLock(home.daemon_lock, mode=0o600)
    try:
        lock.acquire(timeout=LOOKED_AT_S)
    except filelock.Timeout:
        raise AlreadyRunning(
            f"A daemon already runs on {home.root}. Use `skep status` to look at it, or another SKEP_HOME."
        ) from None
    return lock
