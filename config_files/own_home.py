"""Homes that one can work in: no stranger could have put anything there.

A home that everybody can write is none: links and folders of strangers would lead anywhere. Who is in the
group that may write to a home is trusted as its user is.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from config_files.owned import owners, refusal, take_back
from config_files.way import ANOTHER, walk_to

#: of a home, what Skep works in or obeys; `queue.json` and the inbox are judged when they are read
_PLACES: Final = (".swarm", "config", "tools", "workflows", "workspace", "conflicts", "execution_log.jsonl")
#: and what nobody else may write to
_CLOSED: Final = frozenset({".swarm", "config", "tools", "workflows"})
#: of these, what is looked through each time, since all that lies in them is obeyed
_OBEYED: Final = ("tools", "workflows")
_LOOK: Final = "look at it, and take it away, or make it yours with chown -h"
#: what only Skep puts there, and what a person does
_MADE: Final = (".swarm", "inbox", "workspace", "conflicts", "queue.json", "execution_log.jsonl")
_WRITTEN: Final = ("config", "tools", "workflows", "skep.toml")


def check_home(root: Path) -> None:
    """Raise `InvalidSetting` where others could put, or have put, into a home what Skep works in or obeys.

    Root works for whom a home belongs to, unless anybody could have made it.
    """
    if (info := _look_at(root)) is None:
        return
    walk_to(root)
    if os.geteuid() not in {0, info.st_uid} and info.st_uid != 0:
        raise refusal("home", f"{root} belongs to another user (uid {info.st_uid}); {ANOTHER}")
    _check_closed(info, root, "home")
    check_open(root)
    for name in _PLACES:
        check_place(root, name)
    check_depths(root / ".swarm", deep=False)  # `skep up` looks deeper, once
    for name in _OBEYED:
        check_depths(root / name)


def check_open(root: Path) -> None:
    """Raise `InvalidSetting` where a home is this user's, and what root made in it is shut to them."""
    me = os.geteuid()
    if me == 0 or (info := _look_at(root)) is None or info.st_uid != me:
        return
    roots = [name for name in (*_MADE, *_WRITTEN) if _owner_at(root / name) == 0]
    shut = [name for name in roots if _is_shut(root / name)]
    if shut:
        how = ", as after sudo skep" if shut[0] in _MADE else ""
        told = f"{root / shut[0]} belongs to root and is shut to you{how}"
        names = [name for name in roots if name in shut or name in _MADE]
        way_out = f"cd {shlex.quote(str(root))} && {take_back(*names)}"
        raise refusal("home", f"{told}; take back what is yours: {way_out}")


def _is_shut(path: Path) -> bool:
    """Whether what stands there can be neither read nor, a folder, gone through; what is not there is not."""
    try:
        is_folder = stat.S_ISDIR(path.stat().st_mode)
    except PermissionError:
        return True
    except OSError:
        return False
    return not (os.access(path, os.R_OK) or (is_folder and os.access(path, os.X_OK)))


def check_place(root: Path, name: str, *, is_open_fine: bool = False) -> None:
    """Raise `InvalidSetting` where a place in a home, or a link that leads to it, is another user's.

    Nor may everybody write to it, but where that is fine.
    """
    path = root / name
    with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
        _check_owner(path.lstat(), path, name)
    if name in _CLOSED and (info := _look_at(path)) is not None:
        walk_to(path)
        _check_owner(info, path, name)
        if not is_open_fine:
            _check_closed(info, path, name)


def check_daemon(root: Path) -> None:
    """Raise `InvalidSetting` for root where another user's daemon has run: its files and keys are theirs."""
    info = _look_at(root / ".swarm")
    if os.geteuid() == 0 and info is not None and info.st_uid != 0:
        told = f"another user (uid {info.st_uid}) works in {root}, and a daemon runs as whose home it is"
        way_out = f"sudo -u '#{info.st_uid}' skep --home {shlex.quote(str(root))} up"
        raise refusal("home", f"{told}; start it so: {way_out}")


def check_depths(folder: Path, *, deep: bool = True) -> None:
    """Raise `InvalidSetting` where another user put anything into a folder of a home, however deep."""
    for path, uid in strangers_in(folder, deep=deep):
        raise refusal(folder.name, f"{path} belongs to another user (uid {uid}); {_LOOK}")


def strangers_in(folder: Path, *, deep: bool = True) -> Iterator[tuple[Path, int]]:
    """What other users put into a folder, at any depth where that is asked, each with the user's number.

    Nothing is told of what lies in a folder of theirs.
    """
    trusted, left = {0, *owners(folder)}, [folder]
    while left:
        with contextlib.suppress(OSError), os.scandir(left.pop()) as found:
            for entry in found:
                if (uid := _owner_of(entry)) not in trusted:
                    yield Path(entry.path), uid
                elif deep and entry.is_dir(follow_symlinks=False):
                    left.append(Path(entry.path))


def _owner_of(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_uid
    except FileNotFoundError:  # of a running daemon, and gone
        return 0


def _owner_at(path: Path) -> int | None:
    try:
        return path.lstat().st_uid
    except OSError:
        return None


def _check_owner(info: os.stat_result, path: Path, name: str) -> None:
    if info.st_uid not in {0, *owners(path)}:
        told = f"{path} belongs to another user (uid {info.st_uid})"
        is_theirs = path.parent.stat().st_uid == info.st_uid  # the whole home, and not planted
        raise refusal(name, f"{told}; {ANOTHER if is_theirs else _LOOK}")


def _check_closed(info: os.stat_result, path: Path, name: str) -> None:
    if not info.st_mode & stat.S_IWOTH:
        return
    is_for_all = info.st_mode & stat.S_ISVTX or info.st_uid != os.geteuid()
    close = f"close it with chmod -R o-w {shlex.quote(str(path))}, then let skep doctor look at it"
    way_out = ANOTHER if is_for_all else close
    raise refusal(name, f"everybody can write {path}, and put settings and code of theirs there; {way_out}")


def _look_at(folder: Path) -> os.stat_result | None:
    try:
        info = folder.stat()
    except OSError:
        return None
    return info if stat.S_ISDIR(info.st_mode) else None
