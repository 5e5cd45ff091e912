"""A file of a home's ``config`` that may be TOML, YAML or JSON, read by one schema whichever it is.

There is one file of a name: two side by side would leave it open which counts, so they are refused together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import pydantic

from config_files import owned, wrong
from config_files.documents import read_document
from errors import InvalidFile, InvalidSetting

#: What a file's name may end in.
ENDINGS: Final = (".toml", ".yaml", ".yml", ".json")

Table = TypeVar("Table", bound=pydantic.BaseModel)


class Read(NamedTuple):
    """The file that counts, where there is one."""

    path: Path | None
    #: as messages name it, such as ``config/models.yaml``; of a file that is missing: with TOML's ending
    name: str


def find(path: Path) -> Read:
    """The file of that name in any of the formats. Raises `InvalidSetting` where there are several."""
    there = [each for each in map(path.with_suffix, ENDINGS) if each.exists()]
    if len(there) > 1:
        names = " and ".join(f"config/{each.name}" for each in there)
        raise InvalidSetting(f"{names} stand side by side, and only one may: merge them, and delete the rest")
    found = there[0] if there else None
    return Read(found, f"config/{(found or path).name}")


def read_table(path: Path, kind: type[Table]) -> Table:
    """A file of ``config`` as what it should be; as nothing was said where there is none.

    Raises `InvalidSetting` with file, line, column, the path of the entry, the rule and the way out.
    """
    file = find(path)
    if file.path is None:
        return kind()
    return read_file(file.path, file.name, kind, lambda path, most: owned.read(path, file.name, most))


def read_file(
    path: Path, name: str, kind: type[Table], read: Callable[[Path, int], bytes] | None = None
) -> Table:
    """One file as what it should be, called `name` in messages. Raises `InvalidSetting` as `read_table`.

    `read` is as of `read_document`.
    """
    try:
        document = replace(read_document(path, read), name=name)
    except InvalidFile as error:
        raise InvalidSetting(f"{name}{error.message.removeprefix(path.name)}") from error
    except OSError as error:
        raise InvalidSetting(f"{name}: cannot be read: {error.strerror}") from error
    try:
        return kind.model_validate({} if document.value is None else document.value)
    except pydantic.ValidationError as error:
        found = [wrong.with_way_out(each, kind) for each in wrong.found_by(error)]
        message, problems = wrong.told(document, found)
        raise InvalidSetting(message, problems=problems) from error
