"""How the queue file stands: the last merge, what is wrong with it and where, what waits for a person."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from clock import to_rfc3339
from panel.context import Panel
from panel.daemon import worker_runs
from panel.refused_entries import refused_of, unread_of
from panel.task_views import decision_of
from panel.words import plain
from redaction import clean, clean_value
from settings import Home
from store.queue_file.places import places_of
from store.queue_file.taking_in import REVISION
from store.reading import Reader, event_of
from store.transaction import dump
from supervisor.daemon_state import has_unread_changes, queue_file_trouble

#: Events about the home that are looked through for the last merge.
_WINDOW: Final = 5_000
_KINDS: Final = (
    "queue_file.taken_in", "queue_file.refused", "queue_file.recreated", "queue_file.key_refused"
)  # fmt: skip
#: Bytes of a file that are looked at for the line that is wrong, and characters shown around the place.
MOST_BYTES: Final = 4 * 1024 * 1024
_AROUND: Final = 60
#: Files and ids that are named.
MOST_NAMED: Final = 50
_READ: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


def queue_file_of(here: Panel) -> dict[str, Any]:
    """Everything about the queue file."""
    rows = here.reader.all("home_events", kinds=dump(list(_KINDS)), window=_WINDOW, limit=100)
    events = [event_of(row) for row in rows]
    merges = [event for event in events if event["event"] == "queue_file.taken_in"]
    revision = here.reader.one("get_meta", key=REVISION)
    return {
        "path": clean(str(here.home.queue_file)),
        "is_watched": worker_runs(here.home),
        "has_unread_changes": _has_unread_changes(here),
        "unread_problems": _unread_problems(here),
        "revision": int(revision["value"]) if revision else None,
        "file": _facts_of(here.home.queue_file),
        "error": _error(here.home, events),
        "last_merge": clean_value(merges[0]) if merges else None,
        "refused": refused_of(here, lambda: _once(here, "places", lambda: places_of(_content(here.home)))),
        "keys_refused": _keys_refused(events, merges),
        "conflicts": _files(here.home.conflicts),
        "refused_files": _files(here.home.inbox / "refused"),
        "removals": _removals(here.reader, here.clock.now()),
    }


def _has_unread_changes(here: Panel) -> bool:
    """Whether nobody has read what was saved; the file is looked into once for each time it was saved."""
    limits = here.settings.limits
    found: bool = _once(here, "unread", lambda: has_unread_changes(here.home, here.reader, limits))
    return found


def _unread_problems(here: Panel) -> list[dict[str, Any]]:
    """What would be refused of a file that nobody has read; nothing where the leader has looked."""
    if not _has_unread_changes(here):
        return []
    limits = here.settings.limits
    found: list[dict[str, Any]] = _once(here, "problems", lambda: unread_of(_content(here.home), limits))
    return found


def _keys_refused(events: list[dict[str, Any]], merges: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Keys at the top that had no effect in the last merge; what it tells has one moment."""
    refused = (each for each in events if each["event"] == "queue_file.key_refused")
    return [
        {"path": clean(each["path"]), "rule": clean(each["reason"])}
        for each in refused
        if merges and each["ts"] == merges[0]["ts"]
    ]


def _once(here: Panel, name: str, look: Callable[[], Any]) -> Any:
    """What is found in the file, looked for once for each time it was saved."""
    key = _stat(here.home.queue_file), worker_runs(here.home)
    known = here.queue_file_looks.get(name)
    if known is None or known[0] != key:
        known = here.queue_file_looks[name] = key, look()
    return known[1]


def mark(home: Home) -> tuple[Any, ...]:
    """What changes when one of the files does that leave no event."""
    error = home.queue_file.with_name(f"{home.queue_file.name}.error")
    places = (home.queue_file, error, home.conflicts, home.inbox / "refused")
    return tuple(_stat(place) for place in places)


def _stat(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _facts_of(path: Path) -> dict[str, Any] | None:
    found = _stat(path)
    return None if found is None else {"changed": to_rfc3339(found[0] / 1e9), "bytes": found[1]}


def _error(home: Home, events: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Why the file cannot be read, with its place; none where it can be, as far as the leader has looked."""
    trouble = queue_file_trouble(home)
    if trouble is None:
        return None
    told = next((event for event in events if event["event"] == "queue_file.refused"), {})
    line, column = told.get("line"), told.get("column")
    excerpt = _excerpt(home.queue_file, line, column) if line and column else None
    return {"message": clean(trouble), "line": line, "column": column, "excerpt": excerpt}


def _excerpt(path: Path, line: int, column: int) -> dict[str, str] | None:
    """The words around a place of the file, and a mark under it; none where it cannot be read any more."""
    beginning = _beginning(path, MOST_BYTES)
    lines = beginning.split(b"\n")
    if not beginning or not 0 < line <= len(lines):
        return None
    text = lines[line - 1].decode("utf-8", "replace")
    first = max(0, column - 1 - _AROUND)
    before, after = text[first : column - 1], text[column - 1 : column - 1 + _AROUND]
    shown = clean(before + after).replace("\t", " ")
    return {"text": plain(shown), "mark": " " * len(plain(before.replace("\t", " "))) + "^"}


def _content(home: Home) -> bytes:
    """The file where it is not too large to be looked through beside the requests; else nothing."""
    content = _beginning(home.queue_file, MOST_BYTES + 1)
    return content if len(content) <= MOST_BYTES else b""


def _beginning(path: Path, most: int) -> bytes:
    try:
        handle = os.open(path, _READ)
    except OSError:
        return b""
    with os.fdopen(handle, "rb") as file:
        return file.read(most) if stat.S_ISREG(os.fstat(handle).st_mode) else b""


def _files(folder: Path) -> dict[str, Any]:
    """The files in a folder, the newest first: how many, and the first of them."""
    try:
        with os.scandir(folder) as found:
            files = [
                (each.stat(follow_symlinks=False).st_mtime, each.name) for each in found if each.is_file()
            ]
    except OSError:
        files = []
    files.sort(reverse=True)
    named = [{"name": clean(name), "at": to_rfc3339(moment)} for moment, name in files[:MOST_NAMED]]
    return {"count": len(files), "files": named}


def _removals(reader: Reader, now: float) -> list[dict[str, Any]]:
    """Removals that wait for a person, each with the tasks it is about."""
    return [
        decision_of(row, now) | {"ids": clean_value(json.loads(row["payload"]).get("ids", [])[:MOST_NAMED])}
        for row in reader.decisions()
        if row["kind"] == "removal"
    ]
