"""Rollbacks that began and did not end, for whoever looks: asked about already, or found dead just now."""

from __future__ import annotations

import json

from review.checkpoints.turns import Turns
from settings import Home
from store import rollbacks
from store.reading import Reader
from store.rollbacks import Begun


def unfinished(home: Home, reader: Reader) -> list[Begun]:
    """Every one that nobody has finished, undone or left as it is yet.

    One whose end the daemon has not told yet is among them; one that still runs holds its lock, and is not.
    """
    noted = rollbacks.begun_of(reader.fact(rollbacks.BEGUN))
    rows = reader.all("open_decisions_of_kind", kind=rollbacks.KIND)
    found = [Begun(**json.loads(row["payload"])) for row in rows]
    if noted is not None and Turns(home.state).are_free():
        found += [noted] if noted not in found else []
    return found
