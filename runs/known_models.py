"""Which models a home could ask: its own list, its settings, the price list, and what the server offers."""

from __future__ import annotations

import functools
import threading
from typing import Final
from urllib.parse import urlsplit

from clock import Clock, SystemClock
from cost.model_catalog import ModelCatalog
from cost.price_list import listed_price
from errors import ModelError
from llm.discovery import list_models
from run_contract.policy import Role
from settings import Settings
from store.asking import Asks
from store.reading import MODEL_STATUS, Reader

#: Seconds for which what the server listed is gone by.
KEPT_S: Final = 30.0
#: The same for a model that was not listed: it may be there by now.
MISSED_S: Final = 1.0


class OfferedModels:
    """What the model server lists, asked for now and then. Threads share it, and wait for one answer.

    Parameters:
        settings: name the server.
        clock: tells how old an answer is.
    """

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self._settings = settings
        self._clock = clock or SystemClock()
        self._mutex = threading.Lock()
        self._names: frozenset[str] = frozenset()
        #: when they were listed, monotonic seconds; none: never
        self._at: float | None = None

    def has(self, name: str) -> bool:
        """Whether the server lists a model; one that cannot be asked lists none."""
        wanted = {name, f"{name}:latest"}
        with self._mutex:
            if self._at is None or self._age() >= (MISSED_S if wanted.isdisjoint(self._names) else KEPT_S):
                self._names = self._ask()
                self._at = self._clock.monotonic()
            return not wanted.isdisjoint(self._names)

    def _age(self) -> float:
        return self._clock.monotonic() - (self._at or 0.0)

    def _ask(self) -> frozenset[str]:
        try:
            return frozenset(list_models(self._settings))
        except ModelError:
            return frozenset()


class KnownModels:
    """What is known of models when a run is asked for. Asks the server only if it must.

    Parameters:
        reader: what the daemon has found.
        offered: what the server lists; none: it is asked anew.
    """

    def __init__(
        self,
        settings: Settings,
        catalog: ModelCatalog,
        reader: Reader,
        offered: OfferedModels | None = None,
    ) -> None:
        self._settings = settings
        self._catalog = catalog
        self._reader = reader
        self._offered = offered or OfferedModels(settings)

    def of_role(self, role: Role) -> str | None:
        """The model that has a role in the home's own list; none where none has."""
        return self._catalog.model_of(role)

    def is_known(self, name: str) -> bool:
        """Whether somebody could be asked by that name."""
        if name == self._settings.llm_model or name in self._catalog.names():
            return True
        if self._is_in_use(self._reader, name):
            return True
        return listed_price(name, None, self._endpoint) is not None or self._is_offered(name)

    @functools.cached_property
    def _status(self) -> dict[str, object]:
        return self._reader.fact(MODEL_STATUS) or {}

    @property
    def _endpoint(self) -> str:
        return str(self._status.get("endpoint") or self._settings.llm_base_url or "")

    def _is_in_use(self, asks: Asks, name: str) -> bool:
        return name == self._status.get("model") or asks.one("get_price", model=name) is not None

    def _is_offered(self, name: str) -> bool:
        return bool(urlsplit(self._endpoint).hostname) and self._offered.has(name)
