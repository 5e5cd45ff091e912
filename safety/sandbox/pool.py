"""Sandboxes that are set up ahead, and the one thread that starts every sandbox.

Setting one up takes milliseconds, telling a waiting one what to run a fraction of that. So while commands
run, a few wait, as many as were asked for in the last second, set up exactly as a fresh one would be. Nothing
is weakened by it: each is used for one command and never again; it holds nothing of any task until it is
told; it is made for one view of the file system, and when rights, settings or the files behind the view are
other ones, it is thrown away. None is kept when nothing has run for some seconds, and then nothing wakes this
process up.

One thread starts them all, since bubblewrap kills a sandbox when the *thread* that started it ends
(PR_SET_PDEATHSIG, prctl(2)), and the threads that ask for them come and go. This one lives as long as the
daemon. A second one waits until each has been set up, and limits it: moving a process into a cgroup may take
the kernel longer than all the rest.
"""

from __future__ import annotations

import collections
import logging
import queue
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, Final

from safety.sandbox.levels import NotStarted
from safety.sandbox.ready import Ready
from safety.sandbox.waiting import Waiting

logger = logging.getLogger(__name__)

#: Seconds without a command after which none is kept.
IDLE_S: Final = 3.0
#: Seconds that are looked back to see how many to keep.
RECENTLY_S: Final = 1.0

#: Starts a sandbox; called in the one thread.
Make = Callable[[], Waiting]
#: Waits until it is set up, and limits it. It is discarded where that fails.
Settle = Callable[[Waiting], Ready]


class _Shelf:
    """What waits for commands of one kind."""

    def __init__(self, make: Make, settle: Settle) -> None:
        self.make = make
        self.settle = settle
        self.fresh: collections.deque[Waiting] = collections.deque()
        self.ready: collections.deque[Ready] = collections.deque()
        #: how many are being started or settled
        self.under_way = 0

    def __len__(self) -> int:
        return len(self.fresh) + len(self.ready)


class Pool:
    """Sandboxes by what they are made for.

    Parameters:
        most: how many wait at most; 0 for none.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._changed = threading.Condition()
        #: by what they are for; the kind used last is the last
        self._shelves: collections.OrderedDict[Hashable, _Shelf] = collections.OrderedDict()
        self._taken_at: collections.deque[float] = collections.deque(maxlen=max(most, 1))
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._start_all, name="sandboxes", daemon=True),
            threading.Thread(target=self._settle_all, name="sandboxes-settling", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def take(self, kind: Hashable, make: Make, settle: Settle) -> Ready:
        """One that waits, or a new one; more are started for those to come. Raises `NotStarted`."""
        with self._changed:
            shelf = self._shelves.setdefault(kind, _Shelf(make, settle))
            self._shelves.move_to_end(kind)
            ready = shelf.ready.popleft() if shelf.ready else None
            started = shelf.fresh.popleft() if ready is None and shelf.fresh else None
            self._keep_up(shelf)
        return ready or settle(started or self.start(make))

    def start(self, make: Make) -> Waiting:
        """A new one, by the thread that starts all. Raises `NotStarted`."""
        made: Future[Waiting] = Future()
        with self._changed:
            if self._closed:
                raise NotStarted("the daemon is stopping", is_for_now=True)
            self._jobs.put(lambda: _fulfil(made, make))
        return made.result()

    def close(self) -> None:
        """End what waits, and the threads."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._jobs.put(None)
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._drop(0)

    # -- under the lock ------------------------------------------------------------------------------------

    def _keep_up(self, shelf: _Shelf) -> None:
        """Order as many as were taken lately, less those that wait or are under way."""
        if not self._most or self._closed:
            return
        now = time.monotonic()
        self._taken_at.append(now)
        lately = sum(1 for moment in self._taken_at if now - moment < RECENTLY_S)
        for _ in range(lately - len(shelf) - shelf.under_way):
            shelf.under_way += 1
            self._jobs.put(lambda: self._start_ahead(shelf))

    # -- in the first thread -------------------------------------------------------------------------------

    def _start_all(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=IDLE_S if self._shelves else None)
            except queue.Empty:
                self._drop(0)
                continue
            if job is None:
                return
            try:
                job()
            except Exception:  # with this thread every sandbox would end
                logger.exception("a sandbox could not be made ahead")

    def _start_ahead(self, shelf: _Shelf) -> None:
        made = None
        try:
            made = shelf.make()
        except NotStarted as error:
            logger.debug("no sandbox ahead: %s", error)
        finally:
            self._put(shelf, shelf.fresh, made)
        self._drop(self._most)

    # -- in the second thread ------------------------------------------------------------------------------

    def _settle_all(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._next() is not None)
                shelf = self._next()
                if self._closed or shelf is None:
                    return
                waiting = shelf.fresh.popleft()
                shelf.under_way += 1
            self._settle(shelf, waiting)

    def _next(self) -> _Shelf | None:
        return next((shelf for shelf in reversed(self._shelves.values()) if shelf.fresh), None)

    def _settle(self, shelf: _Shelf, waiting: Waiting) -> None:
        ready = None
        try:
            ready = shelf.settle(waiting)
        except NotStarted as error:
            logger.debug("a sandbox that was made ahead has fallen: %s", error)
        except Exception:
            logger.exception("a sandbox that was made ahead could not be limited")
        finally:
            self._put(shelf, shelf.ready, ready)

    # -- in both --------------------------------------------------------------------------------------------

    def _put(self, shelf: _Shelf, where: collections.deque[Any], one: Waiting | Ready | None) -> None:
        """What was under way is there, or has failed; of no use any more where the shelf has gone."""
        with self._changed:
            shelf.under_way -= 1
            is_wanted = shelf in self._shelves.values()
            if one is not None and is_wanted:
                where.append(one)
                self._changed.notify_all()
        if one is not None and not is_wanted:
            one.discard()

    def _drop(self, most: int) -> None:
        """End those that wait beyond so many, those of the kind that was used longest ago first."""
        dropped: list[Waiting | Ready] = []
        with self._changed:
            while sum(map(len, self._shelves.values())) > most:
                kind, shelf = next(iter(self._shelves.items()))
                if len(shelf):
                    dropped.append(shelf.fresh.popleft() if shelf.fresh else shelf.ready.popleft())
                else:
                    del self._shelves[kind]
            if not most:
                self._shelves.clear()
        for one in dropped:
            one.discard()


def _fulfil(made: Future[Waiting], make: Make) -> None:
    try:
        made.set_result(make())
    except BaseException as error:
        made.set_exception(error)
