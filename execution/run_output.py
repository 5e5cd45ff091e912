"""What a task of a run answered, whole, as text, or as it comes; the run tells only its beginning."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import flask

from execution.output_stream import OutputStream
from execution.told_output import Place, open_result
from redaction import StreamRedactor
from run_contract.errors import TaskNotFound
from store import ending
from store.reading import Reader

_BLOCK: Final = 256 * 1024


class NoAnswer(TaskNotFound):
    """The task has no answer."""

    code = "no_answer"


def answer(reader: Reader, outputs: Path, run_id: str, task_id: str) -> flask.Response:
    """The answer of a completed task, without secrets, every other byte as it was.

    Raises `TaskNotFound`, `NoAnswer` where it has not completed, `NotFound` where it is not kept any more.
    """
    row = _find(reader, run_id, task_id)
    if row["state"] != "approved":
        raise NoAnswer(f"The task {task_id!r} has no answer: it is not completed.")
    kept = open_result(outputs, ending.read_result(row))
    response = flask.Response(_without_secrets(kept), mimetype="text/plain")
    response.call_on_close(kept.close)
    return response


def followed(reader: Reader, outputs: Path, run_id: str, task_id: str, after: str | None) -> OutputStream:
    """What a task prints or answers, from a place on.

    Raises `TaskNotFound`, `InvalidInput` for no place, `NotFound` where its answer is not kept any more.
    """
    place = Place.read(after)
    row = _find(reader, run_id, task_id)
    if row["state"] == "approved":
        open_result(outputs, ending.read_result(row)).close()
    return OutputStream(reader, outputs, row["id"], place)


def _find(reader: Reader, run_id: str, task_id: str) -> sqlite3.Row:
    row = reader.task(f"{run_id}:{task_id}")
    if row is None:
        raise TaskNotFound(f"The run {run_id!r} has no task {task_id[:200]!r}.")
    return row


def _without_secrets(kept: BinaryIO) -> Iterator[bytes]:
    redactor = StreamRedactor()
    while block := kept.read(_BLOCK):
        yield redactor.feed(block)
    yield redactor.finish()
