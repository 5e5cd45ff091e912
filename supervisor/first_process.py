"""Where the daemon would be the first process of a container: an init above it.

The kernel hands every process whose parent has ended to the first of its PID namespace, which must take it
away once it ends, and drops signals which that one does not wait for (pid_namespaces(7)). So the first
process does nothing but that, hands signals on, and ends as the daemon ends, which is its child.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Collection
from typing import Final

HANDED_ON: Final = frozenset(
    {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2}
)


def go_on_below() -> None:
    """Return in a child where this is the first process of its namespace, which then only watches it.

    Nothing happens anywhere else. To be called before there is a second thread.
    """
    if os.getpid() != 1:
        return
    waited_for = HANDED_ON | {signal.SIGCHLD}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, waited_for)
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return
    os._exit(_watch(child, waited_for))


def _watch(child: int, waited_for: Collection[int]) -> int:
    """Take away what ends and hand signals on, until the child has ended; its exit code."""
    while (code := _take_ended(child)) is None:  # also at once: what ended before is told no more
        told = signal.sigwaitinfo(waited_for)
        if told.si_signo != signal.SIGCHLD and told.si_code <= 0:
            # sent by a process (sigaction(2)); what the terminal sends reaches the child by itself
            os.kill(child, told.si_signo)
    return code


def _take_ended(child: int) -> int | None:
    """Take away every process that has ended; the exit code of the child if it was among them."""
    code = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return code
        if pid == 0:
            return code
        if pid == child:
            ended = os.waitstatus_to_exitcode(status)
            code = ended if ended >= 0 else 128 - ended
