"""The statistics as lines of an identity's file: put there, renewed, and else nothing of the text touched.

    # Statistics: Skep writes these lines and reads none of them; changes to them are overwritten.
    statistics.tasks = 3
    statistics.approved = 2

They are dotted keys and no table of their own, so that a line which a person adds below them is still a line
of the identity. A line is known as Skep's by how it begins; every other line, a person's comment between two
of them included, stays as it is, to the byte.
"""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any, Final

from enrichment.identity import STATISTICS, Unreadable, read_identity
from enrichment.statistics import Statistics

MARK: Final = "# Statistics: Skep writes these lines and reads none of them; changes to them are overwritten."
_OURS: Final = re.compile(
    rf"^(?:{re.escape(MARK)}|{STATISTICS}\.[a-z_]+ = [^\n]*?)\r?(?:\n|\Z)", re.MULTILINE
)


class Unwritable(ValueError):
    """The statistics cannot stand in a file: why, and the way out."""


def has_statistics(text: str) -> bool:
    """Whether lines of Skep's stand in a text."""
    return _OURS.search(text) is not None


def with_statistics(text: str, statistics: Statistics) -> str:
    """The text of an identity with these statistics in it. Raises `Unwritable`, `Unreadable`."""
    figures = {name: value for name, value in statistics.as_json().items() if value is not None}
    end = "\r\n" if "\r\n" in text else "\n"
    lines = [MARK, *(f"{STATISTICS}.{name} = {json.dumps(value)}" for name, value in figures.items())]
    written = _placed(text, "".join(f"{line}{end}" for line in lines), end)
    if _says(written) != (read_identity(text), figures):
        raise Unwritable(
            "the statistics cannot be written into it, something else is in their way: remove every line "
            f"that begins with {STATISTICS} or [{STATISTICS}]"
        )
    return written


def _placed(text: str, block: str, end: str) -> str:
    """The block where its first line stood, else at the end of the text, a line apart."""
    first = _OURS.search(text)
    if first is not None:
        return text[: first.start()] + block + _OURS.sub("", text[first.start() :])
    gap = "" if not text else end if text.endswith("\n") else 2 * end
    return text + gap + block


def _says(written: str) -> tuple[Any, Any]:
    """What a text says now: the identity and the figures."""
    try:
        return read_identity(written), tomllib.loads(written).get(STATISTICS)
    except Unreadable:
        return None, None
