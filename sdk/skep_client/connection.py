"""How to reach Skep, kept by what opens a client for each of its calls.

A client of asyncio belongs to one event loop, and what LangChain keeps may be used in many; so each call
opens its own and closes it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from skep_client.async_client import AsyncSkep
from skep_client.client import Skep


@dataclass(frozen=True)
class Connection:
    """A home, or a port of this machine with its token; none of them: the home of ``SKEP_HOME``."""

    home: str | None = None
    url: str | None = None
    token: str | None = field(default=None, repr=False)

    def open(self) -> Skep:
        """A client for threads. Raises `AddressRefused`."""
        return Skep(self.home, url=self.url, token=self.token)

    def open_async(self) -> AsyncSkep:
        """A client for this event loop. Raises `AddressRefused`."""
        return AsyncSkep(self.home, url=self.url, token=self.token)
