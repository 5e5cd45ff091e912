"""Whether this machine has a sandbox, for tests of other things.

Where it has none, commands would wait, so tests that only need some command to run switch it off. Tests of
the sandbox itself do not ask here: they skip, or fail where they must not.
"""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from safety.sandbox import Sandbox
from settings import Home, Settings


@functools.cache
def sandbox_setting() -> str:
    """`auto`, or `off` where nothing here could hold a command."""
    with tempfile.TemporaryDirectory() as folder:
        sandbox = Sandbox(Home(Path(folder, "home")), Settings())
        try:
            return "auto" if sandbox.start().ready else "off"
        finally:
            sandbox.close()


def write_setting(root: Path) -> None:
    """Say so in a home's settings, where it needs to be said."""
    path = root / "skep.toml"
    told = path.read_text("utf-8") if path.exists() else ""
    if sandbox_setting() == "off" and "\nsandbox =" not in f"\n{told}":
        path.write_text(f'sandbox = "off"\n{told}', "utf-8")
        path.chmod(0o600)
