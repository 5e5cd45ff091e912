"""Reads the tools of a home: ``config/tools.toml``, and a folder each under ``tools/`` for larger ones.

A folder holds a ``tool.toml`` with the keys of one tool, and the file that its `text_file` names in place of
`text`. A mistake is never passed over: it is an `InvalidSetting` that names file, tool and rule, and no tool
of the home counts until it is mended. Only plain files beneath the folder are read, none over its bound.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pydantic
from pydantic import ConfigDict

from config_files import owned
from errors import InvalidSetting
from toolbox.tool import MOST_TEXT_CHARS, Tool

TOOLS_FILE: Final = "config/tools.toml"
FOLDERS: Final = "tools"
FOLDER_FILE: Final = "tool.toml"
#: Bytes of a tools file, and of a file in a tool's folder.
MOST_FILE_BYTES: Final = 32 * 1024 * 1024
MOST_FOLDER_FILE_BYTES: Final = 4 * MOST_TEXT_CHARS
#: Tools of one home.
MOST_TOOLS: Final = 50_000


class _ToolsFile(pydantic.BaseModel):
    """A tools file: any number of ``[[tool]]``, and nothing else."""

    model_config = ConfigDict(extra="forbid")

    tool: list[Tool] = []


def read_home(root: Path) -> list[Tool]:
    """The tools of a home, those of the file first; none where it has no files. Raises `InvalidSetting`."""
    tools = read_file(root / TOOLS_FILE, TOOLS_FILE)
    tools += [read_folder(folder, f"{FOLDERS}/{folder.name}") for folder in folders(root)]
    _check_together(tools, TOOLS_FILE)
    return tools


def read_file(path: Path, shown: str) -> list[Tool]:
    """The tools of one file; none where there is no file. Raises `InvalidSetting`."""
    text = _read(path, shown, MOST_FILE_BYTES)
    if text is None:
        return []
    try:
        tools = _ToolsFile.model_validate(tomllib.loads(text)).tool
    except (tomllib.TOMLDecodeError, pydantic.ValidationError, RecursionError) as error:
        raise InvalidSetting(f"{shown}: {_told(error)}") from error
    _check_together(tools, shown)
    return tools


def folders(root: Path) -> list[Path]:
    """The folders of larger tools, by name. Raises `InvalidSetting`."""
    try:
        found = [
            Path(entry.path) for entry in os.scandir(root / FOLDERS) if entry.is_dir(follow_symlinks=False)
        ]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise InvalidSetting(f"{FOLDERS}: cannot be read: {error.strerror}") from error
    return sorted(each for each in found if not each.name.startswith("."))


def read_folder(folder: Path, shown: str) -> Tool:
    """The tool of one folder. Raises `InvalidSetting`."""
    text = _read(folder / FOLDER_FILE, f"{shown}/{FOLDER_FILE}", MOST_FOLDER_FILE_BYTES)
    if text is None:
        raise InvalidSetting(f"{shown}: there is no {FOLDER_FILE}; add one, or move the folder away")
    try:
        told = tomllib.loads(text)
        _take_text(told, folder, shown)
        return Tool.model_validate({"name": folder.name} | told)
    except (tomllib.TOMLDecodeError, pydantic.ValidationError, RecursionError) as error:
        raise InvalidSetting(f"{shown}/{FOLDER_FILE}: {_told(error)}") from error


def _take_text(told: dict[str, Any], folder: Path, shown: str) -> None:
    """Put the file that `text_file` names in place of it."""
    name = told.pop("text_file", None)
    if name is None:
        return
    if not isinstance(name, str) or Path(name).name != name or name.startswith("."):
        raise InvalidSetting(f"{shown}: text_file must be the name of a file in this folder, not {name!r}")
    text = _read(folder / name, f"{shown}/{name}", MOST_FOLDER_FILE_BYTES)
    if text is None or "text" in told:
        raise InvalidSetting(f"{shown}: text_file {name!r} does not exist, or text stands beside it")
    told["text"] = text


def _read(path: Path, shown: str, most_bytes: int) -> str | None:
    """The text of a plain file, or none where there is no file."""
    try:
        content = owned.read(path, shown, most_bytes + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InvalidSetting(f"{shown}: cannot be read: {error.strerror}") from error
    if len(content) > most_bytes:
        raise InvalidSetting(f"{shown}: has over {most_bytes:,} bytes, the most a tools file may have")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidSetting(f"{shown}: {error}") from error


def _check_together(tools: list[Tool], shown: str) -> None:
    if len(tools) > MOST_TOOLS:
        raise InvalidSetting(f"{shown}: {len(tools):,} tools, at most {MOST_TOOLS:,}")
    seen: set[str] = set()
    for tool in tools:
        if tool.name.casefold() in seen:
            raise InvalidSetting(f"{shown}: two tools are named {tool.name}; rename one")
        seen.add(tool.name.casefold())
        if tool.input_schema:
            _check_schema(tool, shown)


def _check_schema(tool: Tool, shown: str) -> None:
    import jsonschema  # noqa: PLC0415  large, and few tools have a schema

    try:
        jsonschema.Draft202012Validator.check_schema(tool.input_schema)
    except jsonschema.SchemaError as error:
        raise InvalidSetting(f"{shown}: {tool.name}: input_schema: {error.message}") from error


def _told(error: Exception) -> str:
    """The first thing that is wrong, with its place."""
    if not isinstance(error, pydantic.ValidationError):
        return str(error) or type(error).__name__
    found = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in found["loc"])
    return f"{place}: {found['msg'].removeprefix('Value error, ')}" if place else found["msg"]


def stamp(root: Path) -> tuple[object, ...]:
    """What changes when any of the files does: place, time, size and number of each."""
    return tuple(_stamps(root))


def _stamps(root: Path) -> Iterator[object]:
    for path in (root / TOOLS_FILE, root / FOLDERS):
        yield _stamp_of(path)
    try:
        found = folders(root)
    except InvalidSetting as error:
        yield error.message
        return
    for folder in found:
        yield folder.name
        yield from _stamps_in(folder)


def _stamps_in(folder: Path) -> Iterator[object]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        yield error.errno
        return
    for entry in entries:
        yield entry.name, _stamp_of(Path(entry.path))


def _stamp_of(path: Path) -> tuple[int, int, int] | None:
    try:
        info = path.stat()
    except OSError:
        return None
    return info.st_mtime_ns, info.st_size, info.st_ino
