"""What `skep doctor` looks at of the identities of a home."""

from __future__ import annotations

from collections.abc import Iterator

from doctor.findings import Finding, ok, warn
from enrichment.roster import Roster
from settings import Home


def check_identities(home: Home, default: str | None) -> Iterator[Finding]:
    """Whether the files of identities can be used; nothing is said of a home that has none."""
    roster = Roster(home.identities)
    entries = {entry.id: entry for entry in roster.all()}
    if default is not None:
        entries[default] = roster.get(default)
    bad = [entry for entry in entries.values() if entry.fault is not None]
    for entry in bad:
        yield warn(
            "identities", f"{entry.file}: {entry.fault}.", "Tasks that run as it wait until it is right."
        )
    if entries and not bad:
        yield ok("identities", f"Tasks may run as {', '.join(sorted(entries))}.")
