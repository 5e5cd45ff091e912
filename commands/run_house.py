"""What verbs of runs need of a home: what a request is held to, and one run by its id."""

from __future__ import annotations

import sqlite3

from commands.place import Place
from cost.model_catalog import ModelCatalog
from run_contract.errors import RunNotFound
from runs.entering import House
from runs.known_models import KnownModels
from store.reading import Reader


def house_of(place: Place, reader: Reader) -> House:
    """What a request is held to. Raises `InvalidSetting`."""
    catalog = ModelCatalog.of_home(place.settings, place.home.models_file)
    models = KnownModels(place.settings, catalog, reader)
    return House(place.settings.limits, models, place.home.policies_file, place.home.workflows)


def run_row(reader: Reader, run_id: str) -> sqlite3.Row:
    """The row of a run. Raises `RunNotFound`."""
    row = reader.one("get_run", id=run_id)
    if row is None:
        raise RunNotFound(f"There is no run {run_id!r}; `skep run list` names them.")
    return row
