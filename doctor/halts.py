"""What `skep doctor` looks at to say whether the home has been stopped, by a person or by itself."""

from __future__ import annotations

from collections.abc import Iterator

from doctor.examined import Examined
from doctor.findings import Finding, ok, warn
from errors import SkepError
from sentences import ended
from settings import Home
from store import kill_file
from store.reading import BREAKER


def check_kill_switch(home: Home) -> Iterator[Finding]:
    """Whether somebody has stopped everything."""
    found = kill_file.look(home.kill_switch)
    if found is None:
        yield ok("kill switch", "The kill switch is off.")
    else:
        who = found.by or "by hand"
        reason = f": {found.reason}" if found.reason else ""
        yield warn("kill switch", ended(f"The kill switch is on ({who}){reason}"), "skep kill-switch off")


def check_breaker(examined: Examined) -> Iterator[Finding]:
    """Whether the home has stopped by itself; a store that cannot say is told of as such elsewhere."""
    try:
        with examined.reader() as reader:
            tripped = reader.fact(BREAKER)
    except SkepError:
        return
    if tripped is None:
        yield ok("breaker", "The circuit breaker has not tripped.")
    else:
        yield warn("breaker", ended(f"The circuit breaker tripped: {tripped['reason']}"), "skep resume")
