"""A home with a real sandbox, in which tests run what no policy would ever let through."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

import pytest

from safety.sandbox import Command, Ended, Sandbox
from safety.work import Rights
from settings import Home, Settings

#: A program with every way to misbehave, outside of any home.
PYTHON = "/usr/bin/python3"
WRITES = Rights(workspace="write")

LEVELS = ("bubblewrap", "landlock")


class Jail:
    """One home and the sandbox of a level."""

    def __init__(self, root: Path, level: str, **settings: Any) -> None:
        self.home = Home(root)
        self.home.workspace.mkdir(parents=True, exist_ok=True)
        self.home.state.mkdir(mode=0o700, exist_ok=True)
        self.level = level
        self.settings = Settings.model_validate({"sandbox": level, **settings})
        #: What no other process of the machine can have in its command line or its environment.
        self.passed_value = secrets.token_hex(16)
        keys = {"PASSED_KEY": self.passed_value, "SECRET_KEY": "secret"}
        self.sandbox = Sandbox(self.home, self.settings, keys)
        self.standing = self.sandbox.start()

    def require(self) -> None:
        """Skip where the machine does not have this level; fail where it must."""
        if not self.standing.ready:
            if os.environ.get("CI") == "true" and self.level == "bubblewrap":
                pytest.fail(self.standing.reason)
            pytest.skip(self.standing.reason)

    def run(self, *argv: str, limit_s: float = 60.0, **command: Any) -> tuple[Ended, str]:
        """Run a program to its end; how it ended, and what it printed."""
        printed: list[bytes] = []
        followed = self.sandbox.launch(Command(argv=argv, limit_s=limit_s, **command))
        ended = followed.follow(printed.append)
        return ended, b"".join(printed).decode(errors="replace")

    def shell(self, script: str, *arguments: str, **command: Any) -> tuple[Ended, str]:
        """Run shell text."""
        return self.run("/bin/sh", "-c", script, "sh", *arguments, **command)

    def python(self, source: str, *arguments: str, **command: Any) -> tuple[Ended, str]:
        """Run Python text."""
        if not os.access(PYTHON, os.X_OK):
            pytest.skip(f"there is no {PYTHON} to misbehave with")
        return self.run(PYTHON, "-I", "-S", "-c", source, *arguments, **command)

    def close(self) -> None:
        """End the sandbox."""
        self.sandbox.close()
