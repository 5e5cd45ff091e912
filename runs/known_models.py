"""Which models a home could ask: its own list, its settings, the price list, and what the server offers."""

from __future__ import annotations

import functools
from urllib.parse import urlsplit

from cost.model_catalog import ModelCatalog
from cost.price_list import listed_price
from errors import ModelError
from llm.discovery import list_models
from run_contract.policy import Role
from settings import Settings
from store.budgets import Asks
from store.reading import MODEL_STATUS, Reader


class KnownModels:
    """What is known of models when a run is asked for. Asks the server once at most, and only if it must.

    Parameters:
        reader: what the daemon has found.
    """

    def __init__(self, settings: Settings, catalog: ModelCatalog, reader: Reader) -> None:
        self._settings = settings
        self._catalog = catalog
        self._reader = reader

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
        return name in self._offered or f"{name}:latest" in self._offered

    @functools.cached_property
    def _offered(self) -> frozenset[str]:
        if not urlsplit(self._endpoint).hostname:
            return frozenset()
        try:
            return frozenset(list_models(self._settings))
        except ModelError:
            return frozenset()
