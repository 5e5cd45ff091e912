"""What every page and route of the panel works with."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Protocol, cast

import flask

from clock import Clock
from localhost.refusals import Refusals
from panel.login import LoginGuard
from panel.past_ends import PastEnds
from panel.sessions import Sessions
from panel.streams import Streams
from settings import Home, Settings
from store.answering import Answer
from store.capacity import Change
from store.contracts import Store
from store.reading import Reader

EXTENSION = "skep-panel"


class PanelStore(Store, Protocol):
    """A store that a person's answers can be given to."""

    def approve(self, subject: str, by: str, comment: str | None = None) -> str:
        """Say yes to what waits about a task, or to a decision by its id."""

    def reject(self, subject: str, by: str, comment: str | None = None) -> str:
        """Say no to it."""

    def answer(self, given: Answer) -> str:
        """Answer a decision with one of its options."""

    def note_kill_switch(self, by: str | None = None, timeout_s: float | None = None) -> bool:
        """Tell that the kill switch was set or cleared, where nobody has."""

    def pause(self, by: str, reason: str | None = None) -> None:
        """Claim nothing until resumed."""

    def resume(self, by: str) -> bool:
        """Claim again; false where nothing held it."""

    def set_capacity(self, change: Change, by: str) -> bool:
        """Set how many workers run, or how many tasks each runs at once."""

    def top_up(self, limit: str, micros: int, by: str) -> str:
        """Let a budget have more."""


@dataclass
class Panel:
    """The panel of one home."""

    store: PanelStore
    home: Home
    settings: Settings
    clock: Clock
    #: the port it is served at; known once it listens
    port: int
    guard: LoginGuard
    refusals: Refusals
    sessions: Sessions = field(default_factory=Sessions)
    streams: Streams = field(default_factory=Streams)
    ends: PastEnds = field(default_factory=PastEnds)
    #: changes with every start, so that no page of an earlier one counts as fresh
    start_id: str = field(default_factory=lambda: secrets.token_hex(4))

    @property
    def reader(self) -> Reader:
        """What is read, without being able to write."""
        return self.store.reader


def panel() -> Panel:
    """The panel of the current request."""
    return cast("Panel", flask.current_app.extensions[EXTENSION])
