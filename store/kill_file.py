"""The kill switch as it lies on disk: the one file ``.swarm/KILL``. While it is there, nothing runs.

It is a file so that it can be set and cleared when daemon, store and panel are down: by `skep kill-switch`,
by the panel, or by hand (``touch .swarm/KILL``, ``echo why > .swarm/KILL``), and all are equal. It fails
closed. Whatever stands at that place counts as set, be it a directory, a link that leads nowhere or a
stranger's file, and so does a place that cannot be looked at. Only where nothing stands is it clear.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import stat
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import host_platform
from clock import to_rfc3339
from errors import StoreError, StoreFull
from store import database

#: What is read of the file; the rest cannot be the reason.
MOST_BYTES: Final = 4096
#: Characters of a reason that are kept and shown.
REASON_CHARS: Final = 500
_NAME_CHARS: Final = 100
_YEAR_10000: Final = 253_402_300_800.0
_READING: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITING: Final = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_KINDS: Final = {
    stat.S_IFDIR: "a directory",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
}


@dataclass(frozen=True, slots=True)
class KillFile:
    """The switch while it is set."""

    #: one line of plain characters; empty where none was given
    reason: str = ""
    #: who set it; none: by hand
    by: str | None = None
    #: Unix seconds; none where that cannot be told
    since: float | None = None

    @property
    def sentence(self) -> str:
        """What holds everything back, and the way out."""
        return f"the kill switch is on{f': {self.reason}' if self.reason else ''} (skep kill-switch off)"

    def to_json(self) -> dict[str, Any]:
        """The switch as JSON tells it on every face."""
        since = None if self.since is None else to_rfc3339(self.since)
        return {"on": True, "reason": self.reason, "by": self.by, "since": since}


_CLEAR: Final[dict[str, Any]] = {"on": False, "reason": None, "by": None, "since": None}


def state_of(found: KillFile | None) -> dict[str, Any]:
    """How the switch stands, as JSON tells it on every face."""
    return _CLEAR if found is None else found.to_json()


def is_set(path: Path) -> bool:
    """Whether the switch is set. Costs one lstat(2)."""
    try:
        os.lstat(path)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True


def look(path: Path) -> KillFile | None:
    """The switch with its reason; none where it is clear."""
    try:
        info = os.lstat(path)
        if not stat.S_ISREG(info.st_mode):
            kind = _KINDS.get(stat.S_IFMT(info.st_mode), "a device")
            return KillFile(f"cannot be read: {kind} stands there", None, _moment(info.st_mtime))
        if info.st_uid not in {os.geteuid(), 0}:
            return KillFile(f"cannot be read: it belongs to uid {info.st_uid}", None, _moment(info.st_mtime))
        return _parse(_read(path), _moment(info.st_mtime))
    except FileNotFoundError:
        return None
    except OSError as error:
        return KillFile(f"cannot be read: {error.strerror or error}")


def turn_on(path: Path, by: str, now: float, reason: str | None = None) -> KillFile:
    """Set the switch, durably. One that is set stays as it is where no reason is given.

    What stood there gives way, but for a directory, which has set it as well. Where only the reason finds no
    room, it is set without one. Raises `StoreError` where it could not be set.
    """
    if reason is not None or not _stands(path):
        _put(path, {"reason": plain(reason or "", REASON_CHARS), "by": by, "since": to_rfc3339(now)})
    return look(path) or KillFile()


def turn_off(path: Path) -> bool:
    """Clear the switch, durably; false where it was not set. Raises `StoreError`."""
    with database.translated(path):
        try:
            path.unlink()
        except FileNotFoundError:
            return False
        except OSError:
            if not path.is_dir() or path.is_symlink():
                raise
            _remove_directory(path)
        host_platform.fsync_directory(path.parent)
    return True


def plain(text: str, most: int) -> str:
    """One line of at most so many characters, with everything that cannot be seen spelled out."""
    line = " ".join(text[: 4 * most].split())
    seen = "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in line)
    return seen if len(seen) <= most else f"{seen[: most - 1]}…"


def _read(path: Path) -> bytes:
    handle = os.open(path, _READING)
    try:
        return os.read(handle, MOST_BYTES)
    finally:
        os.close(handle)


def _parse(data: bytes, written: float | None) -> KillFile:
    """JSON as `turn_on` writes it, or whatever a person wrote."""
    text = data.decode("utf-8", "replace")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("reason"), str):
        return KillFile(plain(text, REASON_CHARS), None, written)
    by = found.get("by")
    name = plain(by, _NAME_CHARS) if isinstance(by, str) else None
    return KillFile(plain(found["reason"], REASON_CHARS), name, _read_moment(found.get("since")) or written)


def _read_moment(text: object) -> float | None:
    try:
        return _moment(datetime.fromisoformat(str(text)).timestamp())
    except (ValueError, OverflowError, OSError):
        return None


def _moment(seconds: float) -> float | None:
    """The moment, where it is one that can be told as a date."""
    return seconds if 0 <= seconds < _YEAR_10000 else None


def _put(path: Path, told: dict[str, str]) -> None:
    try:
        with database.translated(path):
            _write(path, json.dumps(told, ensure_ascii=False).encode() + b"\n")
    except (StoreError, OSError) as error:
        if _stands(path):
            return
        if not isinstance(error, StoreFull):
            raise
        with database.translated(path):
            os.close(os.open(path, _WRITING, 0o600))


def _stands(path: Path) -> bool:
    """Whether the switch is known to be set: where nobody may look, `is_set` only supposes it."""
    try:
        os.lstat(path)
    except OSError:
        return False
    return True


def _write(path: Path, data: bytes) -> None:
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    handle = os.open(fresh, _WRITING | os.O_EXCL, 0o600)
    try:
        os.write(handle, data)
        host_platform.sync_data(handle)
        fresh.replace(path)
        host_platform.fsync_directory(path.parent)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)


def _remove_directory(path: Path) -> None:
    try:
        path.rmdir()
    except OSError as error:
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
            raise
        raise StoreError(f"{path} is a directory that is not empty; remove it by hand.") from error
