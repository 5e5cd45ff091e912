"""Doctor's checks on the panel: the same as `skep doctor` makes, beside the requests, when a person asks.

They are loaded when they are first asked for, and cost the panel some megabytes of memory once: they try a
sandbox and look for a model, as the daemon does.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from panel.background import Progress
from redaction import clean_value
from settings import Home, Settings
from store.lanes import ConcurrencyLimits
from store.reading import Reader


@dataclass(frozen=True)
class Examined:
    """The panel's home as the checks see it: with the settings the panel runs with."""

    home: Home
    settings: Settings

    @contextlib.contextmanager
    def reader(self) -> Iterator[Reader]:
        """The store to read from, for a while."""
        opened = Reader(self.home.database, ConcurrencyLimits.of_settings(self.settings))
        try:
            yield opened
        finally:
            opened.close()


def examining(home: Home, settings: Settings) -> Callable[[Progress], dict[str, Any]]:
    """Every check, in order; what they found."""

    def work(progress: Progress) -> dict[str, Any]:
        from doctor.examination import examine  # noqa: PLC0415  loaded when first asked for

        found = []
        for finding in examine(Examined(home, settings)):
            found.append(clean_value(finding.to_json()))
            progress(len(found), 0)
        return {"ok": not any(each["level"] == "fail" for each in found), "checks": found}

    return work
