"""Where Skep answers, remembered between requests and looked up again when it may have moved."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping

from skep_client.address import Address, HomePlace, Place, fixed
from skep_client.errors import AddressRefused, SkepClientError


def place_of(
    home: str | os.PathLike[str] | None, url: str | None, token: str | None, environ: Mapping[str, str]
) -> Place:
    """Where to look: the address that was given, or a home. Raises `AddressRefused`."""
    if url is None:
        if token is not None:
            raise AddressRefused("token: goes with url; a home has its own")
        return HomePlace(home, environ)
    if home is not None:
        raise AddressRefused("home: give either the home, or url and token")
    if token is None:
        raise AddressRefused("token: is missing; or give the home instead of url and token")
    return fixed(url, token)


class Finding:
    """The address of one client, for all its threads."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._lock = threading.Lock()
        self._known: Address | None = None

    def address(self) -> Address:
        """The address. Raises as `Place.find`."""
        with self._lock:
            if self._known is None:
                self._known = self._place.find()
            return self._known

    def forget(self) -> None:
        """It may have moved: look it up again at the next request."""
        with self._lock:
            self._known = None

    def has_moved(self, address: Address) -> bool:
        """Whether it is another than this by now, as after a start of the daemon."""
        self.forget()
        try:
            return self.address() != address
        except SkepClientError:
            return False
