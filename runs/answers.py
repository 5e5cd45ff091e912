"""The whole answer of a task of a run, which the store keeps by its hash."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from errors import NotFound
from store.outputs import read_output


def answer_of(outputs: Path, task: Mapping[str, Any]) -> str:
    """The whole answer of a task as `runs.views` tells it, or what there is of it."""
    if "output_ref" in task:
        try:
            return read_output(outputs, task["output_ref"]).decode("utf-8", errors="replace")
        except NotFound:
            pass
    return str(task.get("output") or "")
