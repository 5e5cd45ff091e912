"""Whether there is a database in a home, and whether it can be worked with."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from datetime import datetime
from typing import Final

from doctor.examined import Examined
from doctor.findings import Finding, fail, ok, warn
from errors import InvalidSetting, SkepError, StoreCorrupt, StoreError, StoreUnsupported
from settings import Home
from store import database
from store.recovery import REBUILDS, find_damage, had_a_life

_AHEAD_S: Final = 60.0


def is_there(home: Home) -> bool:
    """Whether there is a database, or was one; where that cannot be told, `check_damage` says why."""
    try:
        return database.is_made(home.database) or had_a_life(home)
    except StoreError:
        return True


def check_damage(home: Home) -> Generator[Finding, None, bool]:
    """What keeps the database from being worked with; returns whether nothing does."""
    try:
        damage = find_damage(home)
    except StoreError as error:
        yield _trouble(error)
        return False
    if damage is not None:
        yield fail("store", f"The database of {home.root} {damage.what}.", REBUILDS)
    return damage is None


def check_content(examined: Examined) -> Iterator[Finding]:
    """What the database holds, and whether time has not gone back under it."""
    try:
        with examined.reader() as reader:
            tasks = sum(reader.state_counts().values())
            last = reader.all("last_events", task_id=None, limit=1)
    except InvalidSetting:
        raise
    except SkepError as error:
        yield _trouble(error)
        return
    yield ok("store", f"state.db is sound: {tasks:,} tasks.")
    ahead = datetime.fromisoformat(last[0]["ts"]).timestamp() - time.time() if last else 0.0
    if ahead > _AHEAD_S:
        yield warn(
            "clock",
            f"The newest event is {ahead:.0f} s in the future: the clock went back.",
            "Set the clock.",
        )


def _trouble(error: SkepError) -> Finding:
    """The finding for a database that cannot be read, with the way out of that."""
    if isinstance(error, StoreCorrupt):
        return fail("store", error.message, REBUILDS)
    if isinstance(error, StoreUnsupported):
        return fail("store", error.message, "Until then it can be looked at, and nothing in it is changed.")
    return fail("store", error.message, "Look at the rights and the disk of the home.")
