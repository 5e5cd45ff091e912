"""Named outputs of the tasks of runs: kept by their hash when an answer comes, read when they are needed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from review.checkpoints import workspace
from run_contract.errors import InvalidResult
from runs import named_outputs
from runs.named_outputs import MOST_FILE_BYTES
from store.outputs import OutputSink


class Keeper:
    """Keeps the outputs of one home's tasks.

    Parameters:
        outputs: the folder of stored outputs.
        workspace: where the files of commands are.
    """

    def __init__(self, outputs: Path, workspace: Path) -> None:
        self._outputs = outputs
        self._workspace = workspace

    def keep(self, asked: Mapping[str, Any], text: str, name: str) -> dict[str, Any]:
        """The outputs of a task, which was asked for as in `asked`: hash and bytes of each, kept for good.

        `name` is the attempt's. Raises `InvalidResult` for a file that is none, `StoreError`.
        """
        found = {
            key: value.encode("utf-8", "surrogatepass")
            for key, value in named_outputs.read(text, asked.get("outputs") or ()).items()
        }
        for key, path in (asked.get("files") or {}).items():
            found[key] = _read(self._workspace, path)
        return {
            key: self._store(data, f"{name}-output-{number}")
            for number, (key, data) in enumerate(found.items())
        }

    def _store(self, data: bytes, name: str) -> dict[str, Any]:
        sink = OutputSink(self._outputs, name, len(data))
        sink.write(data)
        stored = sink.close()
        return {"ref": stored.ref, "bytes": stored.bytes}


def _read(root: Path, path: str) -> bytes:
    """A file of the workspace, reached without following a link. Raises `InvalidResult`."""
    try:
        folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            mode, data = workspace.read(folder, os.fsencode(path), MOST_FILE_BYTES)
        finally:
            os.close(folder)
    except OSError as error:
        told = f"the file {path!r} cannot be taken as an output: {error.strerror or error}"
        raise InvalidResult(f"{told} (at most {MOST_FILE_BYTES:,} bytes)") from error
    if mode == workspace.LINK:
        raise InvalidResult(f"the file {path!r} is a link, which is not followed")
    return data


class Kept(Mapping[str, str]):
    """The outputs of a task, each read when it is asked for. Raises `errors.NotFound`, `OSError` then."""

    def __init__(self, told: Mapping[str, Any], read_output: Callable[[str], bytes]) -> None:
        self._told = told
        self._read_output = read_output

    def __getitem__(self, name: str) -> str:
        return self._read_output(self._told[name]["ref"]).decode("utf-8", errors="replace")

    def __iter__(self) -> Iterator[str]:
        return iter(self._told)

    def __len__(self) -> int:
        return len(self._told)


def digest_of(text: str) -> str:
    """SHA-256 of an output's text, under which it is kept."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
