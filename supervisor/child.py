"""One supervised process: started with a pipe as its lifeline, started again when it falls over.

A child runs in a process group of its own, so Ctrl-C on the terminal reaches it through the supervisor alone
and counts once. Its standard input is a pipe that only the supervisor holds: when the supervisor ends in any
way, the kernel closes it and the child goes too.
"""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Mapping, Sequence
from typing import Final

from supervisor.refusal import NOT_BEGUN, Refusal
from supervisor.spawning import ByExec, Spawned, Spawner

logger = logging.getLogger(__name__)

FIRST_WAIT_S: Final = 0.1
LONGEST_WAIT_S: Final = 10.0
#: A child that stayed up so long has recovered: the next fall counts as the first.
STEADY_S: Final = 30.0
#: Seconds for a killed process to be gone, which sits in a write at the most.
KILLED_S: Final = 10.0
#: One that stayed up so long is looked at less often.
SETTLED_S: Final = 10.0


class Child:
    """A process that is kept running."""

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        environment: Mapping[str, str] | None = None,
        spawner: Spawner | None = None,
    ) -> None:
        self.name = name
        self._arguments = [*arguments, "--supervised"]
        self._environment = dict(environment or {})
        self._spawner = spawner or ByExec()
        self._process: Spawned | None = None
        self._started = 0.0
        self._start_again = 0.0
        self._falls = 0
        #: how often in a row it ended by itself, not by a signal, before it had stayed up for long, or could
        #: not be executed at all
        self.failed_starts = 0
        #: why the last start did not even begin it
        self.refusal: Refusal | None = None

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.is_alive() else None

    def is_steady(self, now: float) -> bool:
        """Whether it has been up for a while, as far as is known. `now` is monotonic seconds."""
        return self._process is not None and now - self._started > SETTLED_S

    def keep_up(self, now: float) -> int | None:
        """Start it if it is due; the exit code if it has just fallen over, `NOT_BEGUN` where it is refused.

        `now` is monotonic seconds.
        """
        if self._process is None:
            return self._try_to_start(now) if now >= self._start_again else None
        code = self._process.poll()
        if code is None:
            return None
        self._count(code, now)
        self._fell(now)
        return code

    def _try_to_start(self, now: float) -> int | None:
        """Start it; a machine that cannot is asked again later, and what will not pass counts as a fall."""
        self._started = now
        try:
            self._process = self._spawner.start(self._arguments, self._environment)
        except OSError as error:
            self.refusal = Refusal.of(error)
            self.failed_starts += not self.refusal.passes
            self._fell(now)
            return NOT_BEGUN
        self.refusal = None
        return None

    def _count(self, code: int, now: float) -> None:
        is_failed_start = code > 0 and now - self._started <= STEADY_S
        self.failed_starts = self.failed_starts + 1 if is_failed_start else 0

    def _fell(self, now: float) -> None:
        self._falls = 0 if now - self._started > STEADY_S else self._falls
        wait = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(self._falls, 30))
        self._falls += 1
        self._start_again = now + wait
        self._let_go()

    def ask_to_stop(self) -> None:
        """Ask it to finish and go."""
        if self._process is not None and self._process.poll() is None:
            self._process.send(signal.SIGTERM)

    def hurry(self) -> None:
        """Tell it as a second signal does that it is to end at once; from any thread."""
        process = self._process
        if process is not None and process.is_alive():
            for number in (signal.SIGTERM, signal.SIGINT):  # two of one kind may arrive as one
                process.send(number)

    def wait(self, seconds: float) -> bool:
        """Whether it has gone within so many seconds."""
        if self._process is None:
            return True
        deadline = time.monotonic() + seconds
        while self._process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        return self._process.poll() is not None

    def end_now(self) -> None:
        """End it at once."""
        if self._process is not None and self._process.poll() is None:
            logger.warning("%s did not stop in time and is ended", self.name)
            self._process.send(signal.SIGKILL)
            self.wait(KILLED_S)
        self._let_go()

    def _let_go(self) -> None:
        if self._process is not None:
            self._process.let_go()
        self._process = None
