"""What a model costs and holds: the home's own list first, then the settings, then a price list of the field.

The order for a model's price: ``config/models.toml`` of the home (or .yaml, .yml, .json); the settings
``llm_price_input`` and ``llm_price_output`` for the model that is used where a task names none; nothing for a
server on this machine; the list of the genai-prices package, which is read offline and only where a call is
to be paid; the settings for a model that nobody else knows. Where all of them are silent the price is
unknown, and no call is made.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Self

from config_files import tables
from config_files.models import ModelEntry, read_models_file
from cost.price import Price
from cost.price_list import listed_price
from run_contract.policy import Role
from settings import Settings

#: Where the home's own list is looked for first.
MODELS_FILE: Final = "config/models.toml"


@dataclass(frozen=True, slots=True)
class Place:
    """Where models are asked."""

    #: base URL
    endpoint: str
    #: whether that is this machine
    is_loopback: bool
    #: the model that is used where a task names none
    default_model: str | None


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What is known of a model at an endpoint."""

    #: none: unknown
    price: Price | None
    #: where the price comes from, for a person
    source: str = ""
    #: tokens it reads at most; none: unknown
    context_window: int | None = None
    #: tokens it writes at most; none: unknown
    max_output: int | None = None

    def most_written(self, wanted: int) -> int:
        """Tokens to ask for, where so many are wanted: never more than the model writes."""
        return wanted if self.max_output is None else min(wanted, self.max_output)

    def most_read(self, tokens: int) -> int:
        """Tokens that are read of a prompt of at most so many: never more than the model holds."""
        return tokens if self.context_window is None else min(tokens, self.context_window)

    def as_row(self) -> dict[str, Any]:
        """The facts as the store keeps them; only for a price that is known."""
        price = "" if self.price is None else self.price.as_json()
        told = {"price": price, "source": self.source}
        return told | {"context_window": self.context_window, "max_output": self.max_output}

    @classmethod
    def of_row(cls, row: Mapping[str, Any] | sqlite3.Row) -> Self:
        """The facts that `as_row` told."""
        return cls(Price.from_json(row["price"]), row["source"], row["context_window"], row["max_output"])


class ModelCatalog:
    """The prices of one home. Safe to use from every thread: looking twice finds the same."""

    def __init__(
        self,
        settings: Settings,
        entries: list[ModelEntry],
        roles: Mapping[Role, str] | None = None,
        file: str = MODELS_FILE,
    ) -> None:
        self._file = file
        self._settings = settings
        self._roles = dict(roles or {})
        self._entries = {entry.name: entry for entry in entries}
        self._found: dict[tuple[str, Place], ModelFacts] = {}

    @classmethod
    def of_home(cls, settings: Settings, models_file: Path) -> ModelCatalog:
        """The catalogue with the home's own list. Raises `InvalidSetting`."""
        found = read_models_file(models_file)
        return cls(settings, found.model, found.roles, tables.find(models_file).name)

    def model_of(self, role: Role) -> str | None:
        """The model that has a role; none where no model has."""
        return self._roles.get(role)

    def names(self) -> list[str]:
        """The models of the home's own list, sorted."""
        return sorted(self._entries)

    def facts(self, model: str, place: Place) -> ModelFacts:
        """What is known of a model, looked up once."""
        key = (model, place)
        if key not in self._found:
            self._found[key] = self._look_up(model, place)
        return self._found[key]

    def _look_up(self, model: str, place: Place) -> ModelFacts:
        # Constructed, since what a task names need not be a name that a list may have.
        entry = self._entries.get(model) or ModelEntry.model_construct(name=model)
        price, source = self._price(entry, place)
        return ModelFacts(price, source, entry.context_window, entry.max_output)

    def _price(self, entry: ModelEntry, place: Place) -> tuple[Price | None, str]:
        own = price_of_entry(entry)
        if own is not None:
            return own, source_of_entry(entry, self._file)
        set_price = price_of_settings(self._settings, is_loopback=place.is_loopback)
        if place.is_loopback:
            return set_price, "a server on this machine" if set_price and set_price.is_free else _OF_SETTINGS
        if set_price is not None and entry.name == place.default_model:
            return set_price, _OF_SETTINGS
        listed = listed_price(entry.name, entry.provider, place.endpoint)
        return listed if listed is not None else (set_price, _OF_SETTINGS if set_price else "")


_OF_SETTINGS: Final = "llm_price_input and llm_price_output"


def price_of_settings(settings: Settings, *, is_loopback: bool) -> Price | None:
    """The price the settings name; on this machine what is not priced costs 0, elsewhere it is unknown."""
    free = Decimal(0) if is_loopback else None
    read = free if settings.llm_price_input is None else Decimal(str(settings.llm_price_input))
    written = free if settings.llm_price_output is None else Decimal(str(settings.llm_price_output))
    return None if read is None or written is None else Price(read, written)


def price_of_entry(entry: ModelEntry) -> Price | None:
    """The price that a model's entry gives itself."""
    if entry.input is None or entry.output is None:
        return None
    return Price(Decimal(str(entry.input)), Decimal(str(entry.output)))


def source_of_entry(entry: ModelEntry, file: str) -> str:
    """Where the price that an entry gives comes from, for a person."""
    told = [str(part) for part in (entry.price_from, entry.price_date) if part is not None]
    return f"{file} ({', '.join(told)})" if told else file
