"""Work that takes longer than a request may: it goes on in a thread of its own, one of its kind at a time.

Whoever asks gets how far it is. It yields the processor as it goes, so that the pages answer beside it, and
ends where it is when the panel closes.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from clock import Clock, to_rfc3339
from errors import DaemonStopping, SkepError

logger = logging.getLogger(__name__)

#: Seconds given to others at every word of progress, of which a check has one in some milliseconds.
YIELD_S: Final = 0.01

#: Seconds that the first who asks for figures waits for them.
FIRST_WAIT_S: Final = 5.0
#: Seconds that figures are kept at the least, and how many times the seconds that they cost.
LEAST_KEPT_S: Final = 1.0
KEPT_FACTOR: Final = 50

#: Told how much is done, of how much; raises `Closing` when the work is to end.
Progress = Callable[[int, int], None]


class Closing(Exception):
    """The panel closes."""


class BrokenOff(SkepError):
    """Work beside the requests broke off; the log of the panel says where."""

    code = "broken_off"


@dataclass(frozen=True, slots=True)
class State:
    """How a piece of work stands."""

    state: Literal["never", "running", "done", "failed"] = "never"
    started: float | None = None
    ended: float | None = None
    done: int = 0
    total: int = 0
    result: Any = None
    #: why it came to nothing
    problem: SkepError | None = None

    @property
    def error(self) -> str | None:
        """The same in a sentence."""
        return None if self.problem is None else self.problem.message

    def as_json(self) -> dict[str, Any]:
        """As the API tells it."""
        return {
            "state": self.state,
            "started": None if self.started is None else to_rfc3339(self.started),
            "ended": None if self.ended is None else to_rfc3339(self.ended),
            "done": self.done,
            "total": self.total,
            "result": self.result,
            "error": self.error,
        }


class Job:
    """One kind of work."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._state = State()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def state(self) -> State:
        """How it stands, or how the last one ended."""
        return self._state

    def start(self, work: Callable[[Progress], Any]) -> bool:
        """Begin, unless it is under way; whether it was begun. What `work` returns is the result."""
        with self._lock:
            if self._state.state == "running" or self._closing.is_set():
                return False
            self._state = State("running", self._clock.now())
            self._thread = threading.Thread(target=self._run, args=(work,), name="job", daemon=True)
            self._thread.start()
        return True

    def wait(self, seconds: float) -> None:
        """Wait for the end of what is under way."""
        thread = self._thread
        if thread is not None:
            thread.join(seconds)

    def close(self, wait_s: float = 2.0) -> None:
        """Let the work end where it is."""
        self._closing.set()
        self.wait(wait_s)

    def _run(self, work: Callable[[Progress], Any]) -> None:
        try:
            self._end(state="done", result=work(self._progress))
        except Closing:
            self._end(state="failed", problem=DaemonStopping("The panel closed before it came to an end."))
        except SkepError as error:
            self._end(state="failed", problem=error)
        except Exception:  # a person waits for it, and is told
            logger.exception("work beside the requests broke off")
            self._end(state="failed", problem=BrokenOff())

    def _progress(self, done: int, total: int) -> None:
        if self._closing.wait(YIELD_S):
            raise Closing
        self._state = replace(self._state, done=done, total=total)

    def _end(self, **changes: Any) -> None:
        self._state = replace(self._state, ended=self._clock.now(), **changes)


class Figures:
    """Figures that take long to count: counted beside the requests, and kept the longer the dearer they are.

    Whoever asks gets those there are; only the first waits for them.
    """

    def __init__(self, job: Job, clock: Clock) -> None:
        self._job = job
        self._clock = clock
        self._known = State()

    def close(self) -> None:
        """Let the counting end where it is."""
        self._job.close()

    def get(self, count: Callable[[], Any]) -> State:
        """The newest figures as the result of a state; `count` is called beside the request where due."""
        if self._is_due():
            self._job.start(lambda progress: count())
        if self._known.state == "never":
            self._job.wait(FIRST_WAIT_S)
        if self._job.state.state in {"done", "failed"}:
            self._known = self._job.state
        return self._known

    def _is_due(self) -> bool:
        known = self._job.state
        if known.started is None or known.ended is None:
            return known.state == "never"
        keep_s = max(LEAST_KEPT_S, KEPT_FACTOR * (known.ended - known.started))
        return not 0 <= self._clock.now() - known.ended < keep_s
