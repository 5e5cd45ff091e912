"""Is a value what its place asks for? Paths lie in the workspace, numbers are numbers.

A path is followed to its end before it is compared, and bare names are paths too. That is a message for
people: the command looks again a moment later, and what holds then is the sandbox, which shows nothing else.
"""

from __future__ import annotations

import functools
import os
import re
import stat
from pathlib import Path
from typing import Final

from path_names import real_path
from safety.command_line import CommandRefused

#: seconds
LONGEST_SLEEP: Final = 86_400
_SECONDS: Final = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,9})?)([smhd]?)", re.ASCII)
_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?[A-Za-z]{0,3}", re.ASCII)
_PATHS: Final = frozenset({"path", "target", "revision"})
#: ``file:///etc/passwd`` and ``\\\\server\\share``: as names they stay inside, but nobody means such a file.
_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}:/{1,3}|\\")
#: What a path named ``-`` would read.
_NO_INPUT: Final = "-"


class Values:
    """Looks at the values of one program's arguments.

    Parameters:
        program: its name, which begins the rules that refuse.
        workspace: the directory it runs in; it need not exist yet.
    """

    def __init__(self, program: str, workspace: Path) -> None:
        self._program = program
        self._workspace = workspace

    @functools.cached_property
    def _base(self) -> str:
        return os.path.realpath(self._workspace)

    def check(self, kind: str, value: str, place: str) -> None:
        """Raise `CommandRefused` unless a value is of its kind; `place` says where it stands."""
        if kind in _PATHS:
            self._check_path(kind, value)
        elif kind == "number" and not _NUMBER.fullmatch(value):
            raise self._refuse("value", f"{value!r}, {place}, is not a number such as 10 or 4K")
        elif kind == "seconds" and not _is_short(value):
            raise self._refuse(
                "seconds",
                f"{value!r} is not a number of seconds from 0 to {LONGEST_SLEEP}, such as 0.5 or 5m",
            )
        elif kind == "format" and not value.startswith("+"):
            raise self._refuse("value", f"{value!r}, {place}, must be a format, which begins with +")
        elif "|" in kind and value not in kind.split("|"):
            raise self._refuse("value", f"{value!r}, {place}, must be one of {kind.replace('|', ', ')}")

    def _check_path(self, kind: str, value: str) -> None:
        if value == _NO_INPUT:
            raise self._refuse("input", "- stands for the input, and there is none; name a file")
        real = self._followed(value)
        if real is None or (real != self._base and not real.startswith(self._base.rstrip("/") + "/")):
            raise self._refuse(
                "outside",
                f"{value!r} leads outside; only files in the workspace may be named, "
                "and only a profile (read_paths, write_paths) opens more",
            )
        if kind == "target":
            self._check_target(value, real)
        self._check_is_plain(value, real)

    def _followed(self, value: str) -> str | None:
        """Where a path ends; none where it is an address, or leads where Skep may not look."""
        if not value or _ADDRESS.match(value):
            return None
        try:
            return str(real_path(value if value.startswith("/") else f"{self._base}/{value}"))
        except (OSError, ValueError):  # such as /proc/1/root, which only its owner may follow
            return None

    def _check_target(self, value: str, real: str) -> None:
        parts = real[len(self._base) :].strip("/").split("/")
        if parts[0].lower() in {"", ".git"}:
            what = "the workspace itself" if parts[0] == "" else "in .git, which only git writes"
            raise self._refuse("target", f"{value!r} is {what}; name something else, this is never allowed")

    def _check_is_plain(self, value: str, real: str) -> None:
        try:
            mode = os.lstat(real).st_mode
        except (OSError, ValueError):
            return
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise self._refuse(
                "special", f"{value!r} is neither a file nor a directory; name one, nothing else is ever read"
            )

    def _refuse(self, rule: str, sentence: str) -> CommandRefused:
        return CommandRefused(f"{self._program}-{rule}", sentence)


def _is_short(value: str) -> bool:
    found = _SECONDS.fullmatch(value)
    return found is not None and float(found[1]) * _UNITS[found[2]] <= LONGEST_SLEEP
