"""What ``skep up`` does before anything opens the store: look, and where it is damaged, rebuild.

The damaged files are never changed, deleted or written over. The new database is made beside them, and only
when it is whole do they change places, in an order that can be taken up again wherever it broke off:
the new one gets its name ``state.db.rebuilt``, the old files move away, the new one becomes ``state.db``.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import filelock

import host_platform
from clock import Clock, SystemClock
from errors import AlreadyRunning, StoreCorrupt, StoreError, StoreFull, StoreUnsupported
from settings import Home, Settings
from store import database
from store.recovery.damage import Damage, find_damage
from store.recovery.rebuilding import Account, Means, empty_folder, rebuild
from store.recovery.settling import EffectOf, guess_effect
from store.write_lock import WriteLock

_PARTS = ("state.db", "state.db-wal", "state.db-shm", "state.db-journal")


@dataclass(frozen=True, slots=True)
class Recovered:
    """A database was rebuilt; nothing runs until the person answers `decision`."""

    decision: str
    #: what happened and what was lost, for the terminal
    message: str
    #: where the damaged files are
    moved_to: Path
    #: events taken from the log
    lines: int
    tasks: int
    #: ids of tasks whose text is lost
    lost: list[str]


def recover_if_damaged(
    home: Home, settings: Settings, clock: Clock | None = None, effect_of: EffectOf = guess_effect
) -> Recovered | None:
    """Rebuild the home's database if it is damaged; none where it is sound, or there never was one.

    To be called while `supervisor.daemon.lock_home` is held and before anything opens the store. Raises
    `StoreCorrupt` with the way out where rebuilding fails, `StoreFull`, `AlreadyRunning` while a worker uses
    the store, and other `StoreError` where the database cannot be looked at.
    """
    if not home.state.exists() and not home.log_file.exists():
        return None
    database.prepare_state_directory(home.state)
    _finish_moving(home)
    damage = find_damage(home)
    if damage is None:
        shutil.rmtree(_folder(home), ignore_errors=True)
        return None
    means = Means(home, settings, clock or SystemClock(), effect_of)
    with _with_way_out(home, damage), _nobody_else(home):
        return _recover(means, damage)


def _recover(means: Means, damage: Damage) -> Recovered:
    home = means.home
    account = Account(damage, _free_name(home, means.clock.now()).name)
    fresh = rebuild(means, empty_folder(_folder(home)), account)
    fresh.replace(_rebuilt(home))
    host_platform.fsync_directory(home.state)
    target = home.state / account.moved_to
    target.mkdir(mode=0o700)
    _move_away(home, target)
    _put_in_place(home)
    shutil.rmtree(_folder(home), ignore_errors=True)
    return Recovered(
        account.decision, account.question(), target, account.lines, account.tasks, account.found.lost
    )


# -- changing places ---------------------------------------------------------------------------------------


def _folder(home: Home) -> Path:
    return home.state / "rebuilding"


def _rebuilt(home: Home) -> Path:
    return home.state / "state.db.rebuilt"


def _free_name(home: Home, now: float) -> Path:
    stem = f"damaged-{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}"
    number, path = 1, home.state / stem
    while path.exists():
        number += 1
        path = home.state / f"{stem}-{number}"
    return path


def _move_away(home: Home, target: Path) -> None:
    """The database first: without it, what is left of it is known to belong to the damaged one."""
    for name in _PARTS:
        with contextlib.suppress(FileNotFoundError):
            (home.state / name).rename(target / name)
    host_platform.fsync_directory(target)
    host_platform.fsync_directory(home.state)


def _put_in_place(home: Home) -> None:
    _rebuilt(home).replace(home.database)
    host_platform.fsync_directory(home.state)


def _finish_moving(home: Home) -> None:
    """Take up a change of places that broke off; one that had not begun is begun anew."""
    if not _rebuilt(home).exists():
        return
    with _nobody_else(home):
        if home.database.exists():
            _rebuilt(home).unlink()
            return
        folders = [path for path in home.state.glob("damaged-*") if path.is_dir()]
        newest = max(folders, key=lambda path: path.stat().st_mtime_ns, default=None)
        if newest is not None:
            _move_away(home, newest)
        _put_in_place(home)


# -- alone, and with a way out -----------------------------------------------------------------------------


@contextlib.contextmanager
def _nobody_else(home: Home) -> Iterator[None]:
    """While no worker leads and no program writes; who comes meanwhile waits, and opens the new database."""
    leader = filelock.FileLock(home.leader_lock, mode=0o600)
    try:
        leader.acquire(timeout=0)
    except filelock.Timeout:
        raise AlreadyRunning(
            f"A worker runs on {home.root}, whose database must be rebuilt. Stop it and start again."
        ) from None
    try:
        with WriteLock(home.database):
            yield
    finally:
        leader.release()


@contextlib.contextmanager
def _with_way_out(home: Home, damage: Damage) -> Iterator[None]:
    try:
        yield
    except StoreUnsupported:
        raise
    except StoreFull as error:
        raise StoreFull(
            f"The database {damage.what}, and the disk is too full to rebuild it. Nothing was changed; "
            f"make room on the disk of {home.state} and start again."
        ) from error
    except (StoreError, OSError) as error:
        raise StoreCorrupt(
            f"The database {damage.what}, and it could not be rebuilt: {error}. Make sure that {home.state} "
            "can be written, or move state.db, state.db-wal and state.db-shm away yourself, and start again."
        ) from error
