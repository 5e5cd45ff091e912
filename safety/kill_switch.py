"""The kill switch at work: who executes asks it before anything starts, and is told while something runs.

An execution is entered as running first and asks the switch then. So there is no gap: either the question
finds the switch set, or it was set later, and the watch meets the execution among what runs. What the switch
is on disk, and that it fails closed, stands in `store.kill_file`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from errors import KillSwitchOn
from settings import Home
from store import kill_file
from store.kill_file import KillFile

logger = logging.getLogger(__name__)

#: Seconds between looks while something runs: a tenth of what a person is promised.
LOOK_S: Final = 0.1
#: Seconds after which the watch wakes while nothing runs, to see whether it is to end.
IDLE_S: Final = 5.0


class KillSwitch:
    """The switch of one home, for those who execute."""

    def __init__(self, home: Home) -> None:
        self._path = home.kill_switch

    def is_on(self) -> bool:
        """Whether it is set."""
        return kill_file.is_set(self._path)

    def look(self) -> KillFile | None:
        """The switch with its reason; none while it is clear."""
        return kill_file.look(self._path)

    def check(self) -> None:
        """Raise `KillSwitchOn` with the reason while it is set."""
        if self.is_on():
            found = self.look() or KillFile()
            raise KillSwitchOn(f"{found.sentence[:1].upper()}{found.sentence[1:]}.", reason=found.reason)


class KillSwitchWatch:
    """Stops what runs once the switch is set.

    The folder of the switch is not watched for hints of the system: the store's log lies in it too, and
    would give one at every write. A look is one lstat(2), and is taken only while something runs.

    Parameters:
        switch: the switch.
        wait_until_busy: waits until something runs, at most so many seconds; whether something does.
        what_runs: asked before each look at the switch; how to stop what runs then, and nothing that begins
            later, which asks for itself and may have found the switch cleared.
    """

    def __init__(
        self,
        switch: KillSwitch,
        wait_until_busy: Callable[[float], bool],
        what_runs: Callable[[], Callable[[], None]],
    ) -> None:
        self._switch = switch
        self._wait_until_busy = wait_until_busy
        self._what_runs = what_runs
        self._ended = threading.Event()
        self._has_said_so = False
        self._thread = threading.Thread(target=self._watch, name="kill-switch", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._ended.set()

    def _watch(self) -> None:
        while not self._ended.is_set():
            if self._wait_until_busy(IDLE_S):
                self._look()
                self._ended.wait(LOOK_S)

    def _look(self) -> None:
        stop = self._what_runs()
        is_on = self._switch.is_on()
        if is_on and not self._has_said_so:
            logger.warning("%s: what runs is stopped", (self._switch.look() or KillFile()).sentence)
        self._has_said_so = is_on
        if not is_on:
            return
        try:
            stop()
        except Exception:
            logger.exception("what runs could not be stopped; trying again")
