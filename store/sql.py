"""The queries of the store, by name, read from ``queries.sql``.

Each stands there under a line ``-- name --`` and a line of purpose, so that SQL is read as SQL and every
statement that touches the truth can be found in one place.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

_HEADING = re.compile(r"^-- ([a-z_]+) --$", re.MULTILINE)


@functools.cache
def queries() -> dict[str, str]:
    """Every query by name."""
    parts = _HEADING.split(Path(__file__).with_name("queries.sql").read_text("utf-8"))
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}


def migrations() -> list[tuple[int, str]]:
    """The numbered steps from an empty file to today's schema, in order."""
    folder = Path(__file__).with_name("migrations")
    return [(int(path.name[:4]), path.read_text("utf-8")) for path in sorted(folder.glob("[0-9]*.sql"))]
