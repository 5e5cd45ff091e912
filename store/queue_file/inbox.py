"""The inbox: files from programs, each taken in whole, once, in any order and at any backlog.

A program writes into ``inbox/tmp`` and renames into ``inbox/new``; the file's stem is its idempotency key.
The tasks are committed first and the file is removed after, so a crash between the two leads to a file whose
tasks are known, which is then only removed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from errors import InvalidFile
from runtime_contract import ID_PATTERN, Limits
from store import intake
from store.lanes import ConcurrencyLimits
from store.queue_file import entries, inbox_folder, plain_files, strict_json
from store.queue_file.entries import FileEntry
from store.records import EndedTask, Intake, NewTask, RefusedTask
from store.transaction import Transaction
from store.writer import Writer

SOURCE: Final = "inbox"
#: two changes within this time may bear the same time stamp
RACY_NS: Final = 20_000_000
#: files of one transaction
MOST_FILES: Final = 500
#: Begins the name of a file that is being removed. One that is left goes back: its tasks are known.
_ASIDE: Final = ".taken-"
#: bytes of one transaction, about
MOST_BYTES: Final = 16 * 1024 * 1024


@dataclass(slots=True)
class _Letter:
    """One file, read."""

    path: Path
    size: int
    #: what was read
    read: plain_files.Signature
    judged: list[NewTask | RefusedTask | EndedTask] = field(default_factory=list)


class Inbox:
    """Takes in what lies in ``inbox/new``. One thread of the leader uses it."""

    def __init__(self, root: Path, writer: Writer, limits: Limits, lanes: ConcurrencyLimits) -> None:
        self._root = root
        self.new = root / "new"
        self.tmp = root / "tmp"
        self.refused = root / "refused"
        self._writer = writer
        self._limits = limits
        self._lanes = lanes
        self._seen_mtime = -1
        #: why nothing is taken in at all
        self._kept_out: str | None = None
        #: what could not be moved aside, by its name, and as it was then
        self._stuck: dict[str, plain_files.Signature | None] = {}

    def look(self) -> int:
        """Take in every file; return how many were. A few stats where none has come. Raises `StoreError`."""
        if not self._is_open() or (mtime := self.new.stat().st_mtime_ns) == self._seen_mtime:
            return 0
        self._put_back_what_was_left()
        # A file that comes in the same tick of the kernel's clock leaves the same time.
        is_settled = abs(time.time_ns() - mtime) > RACY_NS
        total = 0
        while names := self._names():
            total += sum(map(self._take, _portions(names)))
        self._seen_mtime = mtime if total == 0 and is_settled else -1
        return total

    def _is_open(self) -> bool:
        """Whether the folders may be used; makes what is missing. Tells once where not."""
        if not inbox_folder.is_whole(self._root):
            inbox_folder.make(self._root)
        why = inbox_folder.why_not(self._root)
        if why is None and not inbox_folder.is_whole(self._root):
            why = f"{self._root.name} cannot be made; nothing is taken in"
        if why is not None and why != self._kept_out:
            self._emit_refused(self._root.name, why)
        self._kept_out = why
        return why is None

    def _put_back_what_was_left(self) -> None:
        for aside in self.new.glob(f"{_ASIDE}[!.]*"):  # no other was ever taken in
            _put_back(aside, aside.with_name(aside.name.removeprefix(_ASIDE)))

    def _names(self) -> list[str]:
        """What lies there to be taken in, in order."""
        names = sorted(path.name for path in self.new.iterdir() if path.name[0] != ".")
        self._stuck = {name: self._stuck[name] for name in names if name in self._stuck}
        return [name for name in names if not self._is_stuck(name)]

    def _is_stuck(self, name: str) -> bool:
        """Whether it is still what could not be moved aside."""
        return name in self._stuck and plain_files.look_at(self.new / name) == self._stuck[name]

    def _take(self, names: Iterable[str]) -> int:
        letters: list[_Letter] = []
        size = handled = 0
        for name in names:
            handled += 1
            letter = self._open(self.new / name)
            if letter is not None:
                letters.append(letter)
                size += letter.size
            if size >= MOST_BYTES:
                break
        if letters:
            self._writer.run(lambda tx: self._enter(tx, letters))
        for letter in letters:
            _remove(letter)
        return handled

    def _open(self, path: Path) -> _Letter | None:
        """One file, judged; one that cannot be read is moved aside."""
        try:
            content = plain_files.read(path, self._limits)
            given = _give_ids(_tasks_of(strict_json.parse(content.data, self._limits)), path.stem)
        except FileNotFoundError:
            return None
        except InvalidFile as error:
            self._refuse(path, error)
            return None
        letter = _Letter(path, len(content.data), content.signature)
        for each in given:
            if isinstance(each, RefusedTask):
                letter.judged.append(each)
            else:
                letter.judged.append(entries.admit(each, self._limits))
        return letter

    def _enter(self, tx: Transaction, letters: list[_Letter]) -> None:
        known = set(intake.states_of(tx, [_id_of(each) for letter in letters for each in letter.judged]))
        brought = Intake()
        for letter in letters:
            added = refused = 0
            for each in letter.judged:
                task_id = _id_of(each)
                if task_id in known:
                    brought.duplicates.append(task_id)
                    continue
                known.add(task_id)
                _put(brought, each)
                added += isinstance(each, NewTask)
                refused += isinstance(each, RefusedTask)
            tx.emit(
                "inbox.taken_in", file=f"inbox/new/{letter.path.name}", added=added, refused=refused,
                bytes=letter.size,
            )  # fmt: skip
        intake.enter(tx, brought, SOURCE, self._lanes)

    def _refuse(self, path: Path, error: InvalidFile) -> None:
        """Move a file aside and say why, in the history and beside it."""
        line, column = error.details.get("line"), error.details.get("column")
        place = f" line {line}, column {column}:" if line else ":"
        message = f"{path.name}{place} {error.message}"
        self._emit_refused(path.name, message, line=line, column=column)
        target = self.refused / inbox_folder.free_name(self.refused, path.name)
        with contextlib.suppress(OSError), target.with_name(f"{target.name}.error").open("xb") as beside:
            beside.write(f"{message}\n".encode("utf-8", "backslashreplace"))
        try:
            path.rename(target)
        except OSError as failure:
            self._leave(path, failure)

    def _leave(self, path: Path, failure: OSError) -> None:
        """What cannot be moved stays, and is passed over until it is another."""
        self._stuck[path.name] = plain_files.look_at(path)
        why = f"{path.name} cannot be moved to inbox/refused ({failure.strerror}) and stays in inbox/new"
        self._emit_refused(path.name, why)

    def _emit_refused(self, file: str, reason: str, **place: Any) -> None:
        self._writer.run(lambda tx: tx.emit("inbox.refused", file=file, reason=reason, **place))


def _remove(letter: _Letter) -> None:
    """Remove the file that was read, and none that a program has put in its place since.

    It gets a name of its own first, under which nobody changes places with it. One that is another goes back,
    unless a third has come: then that took its place.
    """
    aside = letter.path.with_name(f"{_ASIDE}{letter.path.name}")
    try:
        letter.path.rename(aside)
    except OSError:  # it has gone, or cannot get such a name
        if plain_files.look_at(letter.path) == letter.read:
            letter.path.unlink()
        return
    if plain_files.look_at(aside) == letter.read:
        aside.unlink()
    else:
        _put_back(aside, letter.path)


def _put_back(aside: Path, path: Path) -> None:
    try:
        os.link(aside, path, follow_symlinks=False)
    except FileExistsError:
        pass
    except OSError:  # a folder, or a file system without links
        if not os.path.lexists(path):
            with contextlib.suppress(OSError):
                aside.rename(path)
    with contextlib.suppress(
        OSError
    ):  # it is there again, or is a folder beside a file of its name, and stays
        aside.unlink()


def _portions(names: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(names), MOST_FILES):
        yield names[start : start + MOST_FILES]


def _tasks_of(parsed: object) -> list[Any] | dict[str, Any]:
    """The list of a file, or its single task."""
    if isinstance(parsed, dict) and isinstance(parsed.get("tasks"), list):
        return list(parsed["tasks"])
    if isinstance(parsed, list | dict):
        return parsed
    raise InvalidFile("must hold a task, a list of tasks, or an object with tasks", line=1, column=1)


def _give_ids(tasks: list[Any] | dict[str, Any], stem: str) -> list[FileEntry | RefusedTask]:
    """Each task under its own id, else under one made of the file's stem."""
    key = (
        stem if ID_PATTERN.fullmatch(stem) else f"inbox-{hashlib.sha256(os.fsencode(stem)).hexdigest()[:10]}"
    )
    if isinstance(tasks, dict):
        return [_entry(tasks, key, "task")]
    longest = 128 - len(str(len(tasks))) - 1
    return [
        _entry(raw, f"{key[:longest]}-{index}", f"tasks[{index - 1}]") for index, raw in enumerate(tasks, 1)
    ]


def _entry(raw: object, key: str, path: str) -> FileEntry | RefusedTask:
    if not isinstance(raw, dict):
        return entries.refuse(raw, f"{path}: must be an object", path, task_id=key)
    written = raw.get("id")
    if written is not None and not isinstance(written, str):
        return entries.refuse(raw, f"{path}.id: must be a text, got {written!a}", f"{path}.id", task_id=key)
    return FileEntry("tasks", written if written is not None else key, raw, path)


def _id_of(judged: NewTask | RefusedTask | EndedTask) -> str:
    return judged.task.id if isinstance(judged, NewTask) else judged.id


def _put(brought: Intake, judged: NewTask | RefusedTask | EndedTask) -> None:
    if isinstance(judged, NewTask):
        brought.new.append(judged)
    elif isinstance(judged, RefusedTask):
        brought.refused.append(judged)
    else:
        brought.ended.append(judged)
