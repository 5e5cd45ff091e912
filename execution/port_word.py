"""Swarm's word that it has its port: given when it listens, put back where it is lost, taken back at the end.

Workers send nothing to a port that no living process says is ours. Where the word cannot be written, people
are told where they look: swarm is not up, for this reason.
"""

from __future__ import annotations

import logging
from typing import Final

import host_platform
from errors import SkepError, StoreReadOnly
from execution.cycle import FOR_NOW
from localhost import port_file
from settings import Home
from store import processes
from store.sqlite_store import SqliteStore
from store.transaction import Transaction

logger = logging.getLogger(__name__)

_UNSAID: Final = (
    ".swarm/swarm_port cannot be written: {why}. Workers send nothing to a port that nobody says is ours; "
    "mend that, and work goes on by itself"
)
_SAID: Final = ".swarm/swarm_port is written again"


class PortWord:
    """The word of one swarm process. One thread at a time uses it."""

    def __init__(self, home: Home, store: SqliteStore) -> None:
        self._home = home
        self._store = store
        self._port = 0
        #: why it is not said, as far as that was told
        self._told: str | None = None
        #: what was logged of that last
        self._logged: str | None = None

    def give(self, port: int) -> None:
        """Say that this process has bound the port. Raises `StoreReadOnly`."""
        self._port = port
        try:
            port_file.claim(self._home, port_file.SWARM, port)
        except OSError as error:
            raise StoreReadOnly(_why_unsaid(error)) from error

    def keep(self) -> None:
        """Put the word back where somebody took it away; where that cannot be, tell it, once."""
        found = port_file.holder(self._home, port_file.SWARM)
        reason = None
        if found != port_file.Holder(self._port, host_platform.this_process()):
            try:
                port_file.claim(self._home, port_file.SWARM, self._port)
                logger.warning(".swarm/swarm_port was gone, or not ours, and is written again")
            except OSError as error:
                if error.errno in FOR_NOW:
                    return  # the word may stand there, and could not be read
                reason = _why_unsaid(error)
        self._note(reason)

    def take_back(self) -> None:
        """Let the port go."""
        port_file.let_go(self._home, port_file.SWARM)

    def _note(self, reason: str | None) -> None:
        """That nobody can be told where this listens, or (none) can be again: told where people look."""
        if reason == self._told:
            return

        def tell(tx: Transaction) -> None:
            if reason is None:
                if processes.come_up(tx, processes.SWARM):
                    tx.emit("daemon.reached", process="swarm", reason=_SAID)
            elif processes.fall(tx, processes.SWARM, reason):
                told = f"swarm is not up: {reason}"
                tx.emit("daemon.crashed", process="swarm", exit_code=None, reason=told)

        try:
            self._store.write(tell)
        except (SkepError, OSError) as error:  # the next look tells it again
            self._log(f"{reason or _SAID}: {error}")
        else:
            self._told = reason
            self._log(reason)

    def _log(self, words: str | None) -> None:
        """Once, and not at every look."""
        if words is not None and words != self._logged:
            logger.error("%s", words)
        self._logged = words


def _why_unsaid(error: OSError) -> str:
    return _UNSAID.format(why=(error.strerror or str(error)).lower())
