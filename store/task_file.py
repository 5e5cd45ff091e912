"""Tasks as they are handed in one by one or many: JSON lines, or a JSON queue, list or task.

Each entry is judged on its own, so a bad line costs only itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

import jsonlines

from errors import InvalidFile
from runtime_contract import Limits
from store.new_ids import NewIds
from store.queue_file import entries, strict_json
from store.records import NewTask, RefusedTask

STDIN: Final = "-"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An entry that was not taken: where it stands, and why."""

    where: str
    reason: str
    id: str | None = None
    #: the field that breaks the contract, where it is one
    field: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The refusal as JSON tells it."""
        return {"where": self.where, "reason": self.reason, "id": self.id}


@dataclass(slots=True)
class Judge:
    """Holds entries to the contract, gives ids, and finds ids that stand twice."""

    limits: Limits
    ids: NewIds = field(default_factory=NewIds)
    seen: dict[str, str] = field(default_factory=dict)

    def judge(self, raw: object, where: str) -> NewTask | Refusal:
        """The task of an entry, or why it is none."""
        if not isinstance(raw, dict):
            return Refusal(where, 'must be an object such as {"prompt": "..."}')
        named = raw.get("id")
        if named is not None and not isinstance(named, str):
            return Refusal(where, f"id: must be a text, got {named!a}", field="id")
        task_id = self.ids.give() if named is None else named
        if task_id in self.seen:
            return Refusal(where, f"{task_id!r} stands already in {self.seen[task_id]}", task_id, "id")
        admitted = entries.admit(entries.FileEntry("tasks", task_id, raw, where), self.limits)
        if not isinstance(admitted, NewTask):
            return Refusal(where, _why_not(admitted, where), named, _field_of(admitted, where))
        self.seen[task_id] = where
        return admitted


def _why_not(admitted: object, where: str) -> str:
    if isinstance(admitted, RefusedTask):
        return admitted.reason.removeprefix(f"{where}.").removeprefix(f"{where}: ")
    return "status: it says that the task has ended; leave it out"


def _field_of(admitted: object, where: str) -> str | None:
    """The field that is wrong, as it stands in the entry: ``expect.files[0]``."""
    path = admitted.path if isinstance(admitted, RefusedTask) else f"{where}.status"
    return path.removeprefix(f"{where}.") if path.startswith(f"{where}.") else None


def read(stream: BinaryIO, name: str, judge: Judge) -> Iterator[NewTask | Refusal]:
    """Every entry of a file. Raises `InvalidFile` for a JSON file that is not JSON."""
    if Path(name).suffix == ".json":
        return _of_json(stream.read(judge.limits.file_bytes + 1), judge)
    return _of_lines(stream, judge)


def _of_json(data: bytes, judge: Judge) -> Iterator[NewTask | Refusal]:
    parsed = strict_json.parse(data, judge.limits)
    if isinstance(parsed, dict) and "tasks" in parsed:
        parsed = parsed["tasks"]
        if not isinstance(parsed, list):
            raise InvalidFile("tasks must be a list", key="tasks")
    found = parsed if isinstance(parsed, list) else [parsed]
    return (judge.judge(raw, f"tasks[{index}]") for index, raw in enumerate(found))


def _of_lines(stream: BinaryIO, judge: Judge) -> Iterator[NewTask | Refusal]:
    lines = _Numbered(stream, judge.limits.file_bytes)
    reader = jsonlines.Reader(lines, loads=lambda text: strict_json.parse(_as_bytes(text), judge.limits))
    while True:
        try:
            raw = reader.read(allow_none=True, skip_empty=True)
        except EOFError:
            return
        except InvalidFile as error:
            yield Refusal(f"line {lines.number}", _with_column(error))
        except jsonlines.InvalidLineError as error:
            yield Refusal(f"line {lines.number}", str(error).partition(" (line ")[0])
        else:
            yield judge.judge(raw, f"line {lines.number}")


def _as_bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def _with_column(error: InvalidFile) -> str:
    column = error.details.get("column")
    return f"column {column}: {error.message}" if column else error.message


class _Numbered(Iterable[bytes]):
    """Lines of a stream with their numbers; of one that is too long only as much as shows that it is."""

    def __init__(self, stream: BinaryIO, most: int) -> None:
        self._stream = stream
        self._most = most
        self.number = 0

    def __iter__(self) -> Iterator[bytes]:
        while line := self._stream.readline(self._most + 1):
            self.number += 1
            rest = line
            while rest and not rest.endswith(b"\n"):
                rest = self._stream.readline(self._most)
            yield line.rstrip(b"\r\n") if len(line) <= self._most else line
