"""Rollbacks that began and did not end, for whoever looks: asked about already, or found dead just now."""

from __future__ import annotations

import json

from review.checkpoints.turns import Turns
from settings import Home
from store import rollbacks
from store.reading import Reader
from store.rollbacks import Begun


def broken_off(home: Home, reader: Reader) -> list[Begun]:
    """Every one that nobody has finished, undone or left as it is yet.

    One whose end the daemon has not told yet is among them; one that still runs holds its lock, and is not.
    """
    dead = _dead(home, reader)
    rows = reader.all("open_decisions_of_kind", kind=rollbacks.KIND)
    found = [Begun(**json.loads(row["payload"])) for row in rows]
    return found if dead is None or dead in found else [*found, dead]


def _dead(home: Home, reader: Reader) -> Begun | None:
    """The one that is still noted after its lock was found free: one that ends is struck out before that."""
    noted = reader.fact(rollbacks.BEGUN)
    if noted is None or not Turns(home.state).are_free() or reader.fact(rollbacks.BEGUN) != noted:
        return None
    return Begun(**noted)
