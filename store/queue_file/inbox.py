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
from store.queue_file import entries, half_written, inbox_folder, plain_files, setting_aside, strict_json
from store.queue_file.entries import FileEntry
from store.records import EndedTask, Intake, NewTask, RefusedTask
from store.transaction import Transaction
from store.writer import Writer

SOURCE: Final = "inbox"
#: files of one transaction
MOST_FILES: Final = 500
#: bytes of one transaction, about
MOST_BYTES: Final = 16 * 1024 * 1024

#: What is added where a file says by its name that each of its lines is a task.
_LINES: Final = "; JSON lines go in by `skep add --file`"


@dataclass(slots=True)
class _Letter:
    """One file, read."""

    path: Path
    size: int
    #: what was read
    read: plain_files.Signature
    judged: list[NewTask | RefusedTask | EndedTask] = field(default_factory=list)


class Inbox:
    """Takes in what lies in ``inbox/new``. One thread of the leader uses it.

    Parameters:
        root: the folder that holds the others.
        writer: the store's.
        limits: what a file and a task may hold.
        lanes: how many tasks run at once, by lane.
        settle_s: seconds without a change after which a file that cannot be read is refused.
    """

    def __init__(
        self,
        root: Path,
        writer: Writer,
        limits: Limits,
        lanes: ConcurrencyLimits,
        settle_s: float = half_written.SETTLE_S,
    ) -> None:
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
        self._half_written = half_written.HalfWritten(settle_s)

    @property
    def look_again_s(self) -> float | None:
        """Seconds after which to look again whatever is told; none where nothing is waited for."""
        return self._half_written.look_again_s

    def look(self) -> int:
        """Take in every file; return how many were. A few stats where none has come. Raises `StoreError`."""
        if not self._is_open() or (mtime := self.new.stat().st_mtime_ns) == self._seen_mtime:
            return 0
        setting_aside.give_back_what_was_left(self.new)
        # A file that comes in the same tick of the kernel's clock leaves the same time.
        is_settled = abs(time.time_ns() - mtime) > plain_files.RACY_NS
        total = 0
        while taken := sum(map(self._take, _portions(self._names()))):
            total += taken
        is_all = total == 0 and self.look_again_s is None
        self._seen_mtime = mtime if is_all and is_settled else -1
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

    def _names(self) -> list[str]:
        """What lies there to be taken in, in order."""
        names = sorted(path.name for path in self.new.iterdir() if path.name[0] != ".")
        self._stuck = {name: self._stuck[name] for name in names if name in self._stuck}
        self._half_written.keep(names)
        waits = self._half_written.is_waited_for
        return [name for name in names if not self._is_stuck(name) and not waits(self.new / name)]

    def _is_stuck(self, name: str) -> bool:
        """Whether it is still what could not be moved aside."""
        return name in self._stuck and plain_files.look_at(self.new / name) == self._stuck[name]

    def _take(self, names: Iterable[str]) -> int:
        """How many of them have gone or have to stay; one that changed meanwhile is read again."""
        letters: list[_Letter] = []
        size = done = 0
        for name in names:
            path = self.new / name
            seen = plain_files.look_at(path)
            try:
                letter = self._open(path)
            except InvalidFile as error:
                if not self._half_written.may_become_whole(path, seen):
                    done += self._refuse(path, seen, error)
                continue
            if letter is None:
                done += 1
                continue
            letters.append(letter)
            size += letter.size
            if size >= MOST_BYTES:
                break
        if letters:
            self._writer.run(lambda tx: self._enter(tx, letters))
        return done + sum(map(self._remove, letters))

    def _open(self, path: Path) -> _Letter | None:
        """One file, judged; none where it has gone. Raises `InvalidFile` for one that cannot be read."""
        try:
            content = plain_files.read(path, self._limits)
            given = _give_ids(_tasks_of(strict_json.parse(content.data, self._limits)), path.stem)
        except FileNotFoundError:
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

    def _remove(self, letter: _Letter) -> bool:
        """Remove a file whose tasks are taken in; false where it is another by now."""
        path = letter.path
        try:
            held = setting_aside.hold(path, letter.read)
        except OSError:  # where it cannot be moved, it can perhaps be removed
            held = path if plain_files.look_at(path) == letter.read else None
        if held is None:
            return not os.path.lexists(path)
        try:
            held.unlink(missing_ok=True)
        except OSError as failure:
            setting_aside.give_back(held, path)
            return self._leave(path, f"be removed ({failure.strerror}); its tasks are taken in, and it")
        return True

    def _refuse(self, path: Path, seen: plain_files.Signature | None, error: InvalidFile) -> bool:
        """Move a file to ``refused`` and say why, in the history and beside it; false where it is another."""
        line, column = error.details.get("line"), error.details.get("column")
        place = f" line {line}, column {column}:" if line else ":"
        message = f"{path.name}{place} {error.message}{_LINES if line and path.suffix == '.jsonl' else ''}"
        try:
            held = setting_aside.hold(path, seen)
        except OSError as failure:
            self._emit_refused(path.name, message, line=line, column=column)
            return self._leave(path, f"be moved to inbox/refused ({failure.strerror}) and")
        if held is None:
            return not os.path.lexists(path)
        self._emit_refused(path.name, message, line=line, column=column)
        return self._move(path, held, message)

    def _move(self, path: Path, held: Path, message: str) -> bool:
        target = self.refused / inbox_folder.free_name(self.refused, path.name)
        with contextlib.suppress(OSError), target.with_name(f"{target.name}.error").open("xb") as beside:
            beside.write(f"{message}\n".encode("utf-8", "backslashreplace"))
        try:
            held.rename(target)
        except OSError as failure:
            setting_aside.give_back(held, path)
            return self._leave(path, f"be moved to inbox/refused ({failure.strerror}) and")
        return True

    def _leave(self, path: Path, why: str) -> bool:
        """What cannot be moved stays, and is passed over until it is another."""
        self._stuck[path.name] = plain_files.look_at(path)
        self._emit_refused(path.name, f"{path.name} cannot {why} stays in inbox/new")
        return True

    def _emit_refused(self, file: str, reason: str, **place: Any) -> None:
        self._writer.run(lambda tx: tx.emit("inbox.refused", file=file, reason=reason, **place))


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
