"""What `skep doctor` looks at of the rules of safety."""

from __future__ import annotations

from collections.abc import Iterator

from doctor.findings import Finding, fail, ok, warn
from errors import InvalidSetting
from safety import constitution
from safety.plugged import PluggedCheck
from settings import Home


def check_constitution(home: Home) -> Iterator[Finding]:
    """Whether the home's rules can be understood, and which that ship it has turned off or down."""
    try:
        found = constitution.load(home.root)
        for name in found.callables:
            PluggedCheck(name, home.root / "config")
    except InvalidSetting as error:
        yield fail("constitution", error.message, "Correct it; until then no task runs.")
        return
    if found.turned:
        told = ", ".join(f"{rule} is {_WORDS[action]}" for rule, action in sorted(found.turned.items()))
        yield warn(
            "constitution",
            f"Rules that ship with Skep are turned down here: {told}.",
            f"See {constitution.FILE}.",
        )
        return
    own = f", {len(found.callables)} functions of this home" if found.callables else ""
    yield ok("constitution", f"version {found.version}: {len(found.rules)} rules{own}")


_WORDS = {"block": "blocking", "flag": "only told of", "off": "off"}
