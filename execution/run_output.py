"""What a task of a run answered, whole, as text; the answers of the run tell only its beginning."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import flask

from redaction import StreamRedactor
from run_contract.errors import TaskNotFound
from store import ending
from store.outputs import open_output
from store.reading import Reader

_BLOCK: Final = 256 * 1024


class NoAnswer(TaskNotFound):
    """The task has no answer."""

    code = "no_answer"


def answer(reader: Reader, outputs: Path, run_id: str, task_id: str) -> flask.Response:
    """The answer of a completed task, without secrets, every other byte as it was.

    Raises `TaskNotFound`, `NoAnswer` where it has not completed, `NotFound` where it is not kept any more.
    """
    row = reader.task(f"{run_id}:{task_id}")
    if row is None:
        raise TaskNotFound(f"The run {run_id!r} has no task {task_id[:200]!r}.")
    if row["state"] != "approved":
        raise NoAnswer(f"The task {task_id!r} has no answer: it is not completed.")
    result = ending.read_result(row)
    ref = result.get("output_ref")
    kept = open_output(outputs, ref) if ref else io.BytesIO(str(result.get("output") or "").encode())
    response = flask.Response(_without_secrets(kept), mimetype="text/plain")
    response.call_on_close(kept.close)
    return response


def _without_secrets(kept: BinaryIO) -> Iterator[bytes]:
    redactor = StreamRedactor()
    while block := kept.read(_BLOCK):
        yield redactor.feed(block)
    yield redactor.finish()
