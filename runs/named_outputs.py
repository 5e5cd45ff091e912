"""Named outputs of a task: what its answer holds under the names it was asked to give. Pure.

An answer that is a JSON object, alone or in a fence, gives the values of the names that were declared; a text
as it is, anything else as JSON. Other answers give none, and who needs one says so when its turn comes.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Annotated, Final

from pydantic import Field, StrictStr

from runs import fenced_json

#: Bytes of a file that is an output.
MOST_FILE_BYTES: Final = 1024 * 1024

NAME_PATTERN: Final = r"^[A-Za-z0-9._-]{1,100}$"
PATH_PATTERN: Final = r"^[^/\x00-\x1f][^\x00-\x1f]*$"
#: What an output may be called, so that a reference can name it.
Name = Annotated[StrictStr, Field(pattern=NAME_PATTERN)]
#: Where a file lies in the workspace.
RelativePath = Annotated[StrictStr, Field(min_length=1, max_length=1_000, pattern=PATH_PATTERN)]


def check_files(files: dict[str, str], outputs: Collection[str], is_command: bool) -> None:
    """Raise `ValueError` where files are named that cannot be the outputs of a task."""
    if files and not is_command:
        raise ValueError("files are of a command; a model's answer has outputs")
    both = next((name for name in files if name in outputs), None)
    if both is not None:
        raise ValueError(f"{both} is named in outputs and in files")
    for path in files.values():
        if not is_of_workspace(path):
            raise ValueError(f"{path!r} is no path of a file in the workspace")


def is_of_workspace(path: str) -> bool:
    """Whether a path, by itself, can only be that of a file in the workspace."""
    return not any(part in {"", ".", ".."} or part.lower() == ".git" for part in path.split("/"))


def read(text: str, names: Collection[str]) -> dict[str, str]:
    """The outputs that an answer gives, of those that were declared."""
    found = (fenced_json.find(text, dict) if names else None) or {}
    return {name: _text(found[name]) for name in names if name in found}


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
