"""The deadline and the cancel button of one call, enforced wherever it can block.

httpx has a time-out for each read, so a server that drips a byte a second is never late, and no way to end a
call from another thread. Here every wait goes through a `Watch`: it ends at the call's deadline, at the
operation's own time-out or at a cancel, whichever comes first. The running call's watch travels in a context
variable, because httpcore hands no per-request object down to the sockets.
"""

from __future__ import annotations

import contextlib
import math
import select
import socket
import time
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Final

from errors import ModelTimeout
from llm.contracts import Call, CallCancelled

READ: Final = select.POLLIN
WRITE: Final = select.POLLOUT

_current: ContextVar[Watch] = ContextVar("llm_watch")


class Watch:
    """What bounds one call.

    Parameters:
        call: the handle that cancels it.
        waker: the socket that becomes readable when it does.
        timeout_s: seconds from now until the deadline.
        server: how messages name the server.
    """

    def __init__(self, call: Call, waker: socket.socket, timeout_s: float, server: str) -> None:
        self.server = server
        self._call = call
        self._waker = waker
        self._timeout_s = timeout_s
        self._deadline = time.monotonic() + timeout_s
        #: whether the request that is under way has been answered by at least one byte
        self.answered = False

    def check_cancelled(self) -> None:
        """Raise `CallCancelled` once the call is cancelled."""
        if self._call.cancelled:
            raise CallCancelled

    def check(self) -> float:
        """Seconds left. Raises `CallCancelled` or `ModelTimeout`."""
        self.check_cancelled()
        left = self._deadline - time.monotonic()
        if left <= 0:
            begun = "its answer did not end in time" if self.answered else "nothing came back"
            raise ModelTimeout(
                f"The model server at {self.server} gave no full answer in {self._timeout_s:g} s: {begun}."
            )
        return left

    def hurry(self, seconds: float) -> None:
        """Move the deadline nearer, for what is welcome but no longer needed."""
        self._deadline = min(self._deadline, time.monotonic() + seconds)

    def wait(self, sock: socket.socket, event: int, timeout_s: float | None) -> bool:
        """Wait until `sock` is ready; False when `timeout_s` passes first. Raises as `check` does."""
        end = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            left = self.check()
            if end is not None:
                left = min(left, max(end - time.monotonic(), 0))
            ready = _select(self._waker, sock, event, left)
            self.check()
            if ready:
                return True
            if end is not None and time.monotonic() >= end:
                return False


@contextlib.contextmanager
def watching(call: Call, timeout_s: float, server: str) -> Iterator[Watch]:
    """Put everything this thread does on a model connection under one watch."""
    with call.waker() as waker:
        watch = Watch(call, waker, timeout_s, server)
        token = _current.set(watch)
        try:
            watch.check()
            yield watch
        finally:
            _current.reset(token)


def current_watch() -> Watch:
    """The watch of the call that this thread is making."""
    return _current.get()


def _select(waker: socket.socket, sock: socket.socket, event: int, left: float) -> bool:
    """Wait up to `left` seconds for either; whether one is ready. A poll object holds no descriptor."""
    poller = select.poll()
    poller.register(waker, READ)
    poller.register(sock, event)
    return bool(poller.poll(math.ceil(left * 1000)))
