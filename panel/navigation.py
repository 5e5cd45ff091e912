"""The pages of the panel, in the order in which they are offered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Page:
    """A page that can be gone to."""

    #: its blueprint
    name: str
    #: the endpoint that shows it
    endpoint: str
    #: what it is called
    label: str


PAGES: Final = (
    Page("overview", "overview.show", "Overview"),
    Page("tasks", "tasks.show", "Tasks"),
    Page("runs", "runs.show", "Runs"),
    Page("inbox", "inbox.show", "Inbox"),
    Page("graph", "graph.show", "Graph"),
    Page("schedules", "schedules.show", "Schedules"),
    Page("budget", "budget.show", "Budget and models"),
    Page("tools", "tools.show", "Tools"),
    Page("safety", "safety.show", "Safety"),
    Page("identities", "identities.show", "Identities"),
    Page("log", "log.show", "Log"),
    Page("settings", "settings.show", "Settings"),
)
