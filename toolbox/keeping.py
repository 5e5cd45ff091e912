"""Keeps something as a new tool: a folder under ``tools/`` of the home, whole or not at all."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

import host_platform
from errors import InvalidRequest, InvalidSetting
from toolbox import files
from toolbox.tool import Tool

TEXT_FILE: Final = "text.md"
#: What the name of a kept tool may look like: it is the name of its folder.
FOLDER_PATTERN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{1,63}")


def keep(root: Path, tool: Tool) -> Path:
    """Write a tool to the home; its folder. Raises `InvalidRequest` where it may not be written so.

    The folder appears by a rename, with everything in it on the disk; a reader sees all of it or nothing.
    """
    if not FOLDER_PATTERN.fullmatch(tool.name):
        raise InvalidRequest(
            f"name: must match {FOLDER_PATTERN.pattern}; give another with --name", path="name"
        )
    if any(tool.name.casefold() == known.name.casefold() for known in files.read_home(root)):
        raise InvalidRequest(
            f"name: there is a tool {tool.name} already; give another with --name", path="name"
        )
    above = root / files.FOLDERS
    above.mkdir(mode=0o700, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=".new-", dir=above))
    try:
        _write(made / TEXT_FILE, tool.text)
        _write(made / files.FOLDER_FILE, _toml(tool))
        _check(made, tool)
        host_platform.fsync_directory(made)
        try:
            made.rename(above / tool.name)
        except OSError as error:
            raise InvalidRequest(
                f"name: {files.FOLDERS}/{tool.name} is there already", path="name"
            ) from error
        host_platform.fsync_directory(above)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return above / tool.name


def _check(folder: Path, tool: Tool) -> None:
    """Raise `InvalidRequest` unless what was written reads as the tool it is to be."""
    try:
        read = files.read_folder(folder, tool.name)
    except InvalidSetting as error:
        raise InvalidRequest(f"the tool would not be understood: {error.message}") from error
    if read != tool:
        raise InvalidRequest("the tool would be read as another one than was kept; nothing was written")


def _write(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(text.encode("utf-8"))
        file.flush()
        os.fsync(file.fileno())


def _toml(tool: Tool) -> str:
    told: dict[str, Any] = {"name": tool.name, "description": tool.description}
    told |= {"examples": tool.examples, "keywords": tool.keywords}
    told |= {"kind": "run", "argv": tool.argv} if tool.runs else {"kind": "context"}
    lines = [f"{key} = {_value(value)}" for key, value in told.items() if value]
    return "\n".join([*lines, *([f'text_file = "{TEXT_FILE}"'] if tool.text else [])]) + "\n"


def _value(value: Any) -> str:
    """A text or a list of texts as TOML has it: as JSON, but for a character that only TOML escapes."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
