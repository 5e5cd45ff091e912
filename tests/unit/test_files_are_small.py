"""A file is one idea: whoever opens it reads it to its end."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[2]
MOST_LINES = 500
#: What people write and read; tables of data are looked up instead.
WRITTEN = {".py", ".sql", ".js", ".css", ".html"}


def written() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=HOME, capture_output=True, text=True, check=True)
    paths = [HOME / name for name in listed.stdout.split("\0") if name and "vendor" not in Path(name).parts]
    return [path for path in paths if path.suffix in WRITTEN and path.is_file()]


@pytest.mark.skipif(not (HOME / ".git").exists(), reason="the files of a checkout are asked of git")
def test_no_file_is_too_long_to_be_read_at_once() -> None:
    lengths = {str(path.relative_to(HOME)): len(path.read_bytes().splitlines()) for path in written()}

    assert len(lengths) > 500
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}
