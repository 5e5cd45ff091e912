"""Patterns are read the same by every Python that Skep runs on."""

from __future__ import annotations

import re
from pathlib import Path

HOME = Path(__file__).resolve().parents[2]
#: A group that is repeated possessively. Before Python 3.11.5 it may take more than it says, or less
#: (python/cpython, issues 100061 and 106052); an atomic group around it means the same.
POSSESSIVE_GROUP = re.compile(r"\)(?:[*+?]|\{+\d*,?\d*\}+)\+")
APART = {".venv", "tests", "benchmarks", "node_modules"}


def test_no_group_is_repeated_possessively() -> None:
    assert POSSESSIVE_GROUP.search(r"(?:ab?c)*+")
    assert POSSESSIVE_GROUP.search(r"(?:ab?c){2,}+")
    paths = [path for path in HOME.rglob("*.py") if not APART & {*path.relative_to(HOME).parts}]

    assert len(paths) > 300
    assert [
        f"{path.relative_to(HOME)}:{number}"
        for path in paths
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if POSSESSIVE_GROUP.search(line)
    ] == []
