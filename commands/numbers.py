"""Whole numbers of a command line, none larger than what the store can count with (SQLite: eight bytes)."""

from __future__ import annotations

from typing import Final

import click

#: More than anything here is ever counted to, and far below what eight bytes hold.
MOST: Final = 10**12
FROM_ZERO: Final = click.IntRange(0, MOST)
FROM_ONE: Final = click.IntRange(1, MOST)
