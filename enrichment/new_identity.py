"""The file of a new identity: whole or not there, and never over one that exists."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

import host_platform
from enrichment.identity import Identity
from errors import InvalidRequest
from runtime_contract import ID_PATTERN

_MAKE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_ABOUT: Final = {
    "name": "how it is called",
    "hat": "strategist, builder, reviewer or documenter: adds to the prompt",
    "traits": "what it is like; added to the prompt",
    "preferences": "how it likes to work; added to the prompt",
    "model": "the model that answers where a task names none",
    "free_time": "what it does with free time, in turn (setting free_time)",
}


def text_of(identity: Identity) -> str:
    """The file's text; what is not said stands there as a comment."""
    lines = ["# Who a task runs as that names this identity (docs/rewards.md). Yours to edit."]
    for name, about in _ABOUT.items():
        value = getattr(identity, name)
        lines += ["", f"# {about}", f"{'' if value else '# '}{name} = {_toml(value or _blank(name))}"]
    return "\n".join(lines) + "\n"


def _blank(name: str) -> str | list[str]:
    return [] if name in {"traits", "preferences", "free_time"} else ""


def _toml(value: str | list[str]) -> str:
    """A basic string or an array of them: JSON's escapes are TOML's too (toml.io/en/v1.0.0#string)."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return f"[{', '.join(map(_toml, value))}]"


def add(folder: Path, identity: str, described: Identity) -> Path:
    """Make the file of a new identity. Raises `InvalidRequest` where there is one, `OSError`."""
    if not ID_PATTERN.fullmatch(identity):
        raise InvalidRequest(f"{identity!r} cannot be an identity's id: it must match {ID_PATTERN.pattern}")
    if folder.is_symlink():
        raise InvalidRequest(f"{folder} is a link, and identities behind one are not read; make it a folder.")
    folder.mkdir(mode=0o700, exist_ok=True)
    target = folder / f"{identity}.toml"
    fresh = folder / f".{identity[:100]}.{os.getpid()}"
    fresh.unlink(missing_ok=True)
    try:
        _write(fresh, text_of(described))
        os.link(fresh, target)
    except FileExistsError:
        raise InvalidRequest(f"{identity} has a file already, {target}; edit that one.") from None
    finally:
        fresh.unlink(missing_ok=True)
    host_platform.fsync_directory(folder)
    return target


def _write(path: Path, text: str) -> None:
    handle = os.open(path, _MAKE, 0o600)
    try:
        os.write(handle, text.encode())
        os.fsync(handle)
    finally:
        os.close(handle)
