"""What every page and route of the panel works with."""

from __future__ import annotations

import functools
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

import flask

from clock import Clock
from localhost.refusals import Refusals
from panel.background import Figures, Job
from panel.log_export import Exports
from panel.login import LoginGuard
from panel.past_ends import PastEnds
from panel.pings import Pings
from panel.recent import Recent
from panel.run_usage import RunUsage
from panel.safety_rules import SafetyRules
from panel.sessions import Sessions
from panel.streams import Streams
from panel.tool_routes import KnownTools, uses_of
from settings import Home, Settings
from store.answering import Answer
from store.capacity import Change
from store.contracts import Store
from store.lanes import ConcurrencyLimits
from store.queue_file.apply import EditResult
from store.reading import Reader
from store.steering_many import Steered, Steering
from store.task_list import TaskList
from store.task_search import TaskSearch
from store.transaction import Transaction
from telemetry.figures import Figures as Counters

if TYPE_CHECKING:
    from panel.foretelling import Foreteller

EXTENSION = "skep-panel"
Result = TypeVar("Result")


class PanelStore(Store, Protocol):
    """A store that a person's answers can be given to."""

    @property
    def limits(self) -> ConcurrencyLimits:
        """How much may run at once."""

    def write(self, work: Callable[[Transaction], Result]) -> Result:
        """Do several things in one transaction."""

    def approve(self, subject: str, by: str, comment: str | None = None) -> str:
        """Say yes to what waits about a task, or to a decision by its id."""

    def reject(self, subject: str, by: str, comment: str | None = None, *, is_final: bool = False) -> str:
        """Say no to it; where `is_final`, no attempt follows a rejected result."""

    def answer(self, given: Answer) -> str:
        """Answer a decision with one of its options."""

    def set_deadline(self, subject: str, until: str, by: str) -> str:
        """Let a decision wait until then, or for ever."""

    def edit(self, task_id: str, base_version: int, doc: dict[str, Any], by: str) -> EditResult:
        """Change a task from the text that a version of it had."""

    def set_priority(self, task_id: str, priority: int, by: str) -> str:
        """Let a task go sooner or later."""

    def steer_many(self, ids: Iterable[str], wanted: Steering) -> list[Steered]:
        """Do one thing to many tasks, each for itself; what came of each."""

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

    def set_limit(self, limit: str, micros: int | None, by: str, reason: str) -> str:
        """Set a limit in place of the settings'."""

    def clear_limit(self, limit: str, by: str, reason: str | None = None) -> str:
        """Let the settings' limit count again."""

    def run_now(self, task_id: str, by: str) -> str:
        """Let a schedule or a delayed task run."""

    def skip_next(self, task_id: str, by: str, expected: str | None = None) -> str:
        """Let the next time of a schedule pass."""

    def stop_schedule(self, task_id: str, by: str, reason: str | None = None) -> str:
        """Withdraw a schedule or a delayed task."""


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
    pings: Pings = field(default_factory=Pings)
    sessions: Sessions = field(default_factory=Sessions)
    streams: Streams = field(default_factory=Streams)
    pulse: Recent[dict[str, Any]] = field(default_factory=lambda: Recent(0.25))
    exports: Exports = field(default_factory=Exports)
    #: counters of model calls and runs, where this process follows the home
    counters: Callable[[], Counters | None] = lambda: None
    #: where each setting that is not a default came from
    sources: Mapping[str, str] = field(default_factory=dict)
    ends: PastEnds = field(default_factory=PastEnds)
    #: changes with every start, so that no page of an earlier one counts as fresh
    start_id: str = field(default_factory=lambda: secrets.token_hex(4))

    def __post_init__(self) -> None:
        #: judges texts as the home's files say now
        self.safety_rules = SafetyRules(self.home, self.settings)
        #: the tools of the home, and the router over them
        self.tools = KnownTools(self.home.root, self.settings, lambda: uses_of(self.reader))
        #: work beside the requests: the check of the audit, and doctor's checks
        self.audit_check, self.doctor_check = Job(self.clock), Job(self.clock)
        #: a rollback of files of the workspace, looked at or done, and what it is about
        self.rollback, self.rollback_of = Job(self.clock), ("", "")
        #: what was found in the queue file, by what was looked for, each with the save it was found in
        self.queue_file_looks: dict[str, tuple[object, Any]] = {}
        #: what identities did and earned, counted now and then
        self.identity_figures = Figures(Job(self.clock), self.clock)
        #: what runs used, kept while nothing of them ends
        self.run_usage = RunUsage(self.clock)

    def close(self) -> None:
        """Let everything end that goes on beside the requests."""
        self.streams.close()
        self.audit_check.close()
        self.doctor_check.close()
        self.rollback.close()
        self.identity_figures.close()
        self.run_usage.close()

    @property
    def reader(self) -> Reader:
        """What is read, without being able to write."""
        return self.store.reader

    @functools.cached_property
    def tasks(self) -> TaskList:
        """The tasks as people look for them."""
        return TaskList(self.reader, TaskSearch(self.reader))

    @functools.cached_property
    def foreteller(self) -> Foreteller:
        """What tells beforehand what would become of a task. Raises `InvalidSetting`."""
        from panel.foretelling import Foreteller  # noqa: PLC0415  large rooms, loaded when they are needed

        return Foreteller(self.home, self.settings, self.reader)


def panel() -> Panel:
    """The panel of the current request."""
    return cast("Panel", flask.current_app.extensions[EXTENSION])
