"""The routing step: which tool a claimed task is given, what runs for it, and the receipt of that.

A tool's command takes the place of the model only where everything agrees: the router is sure, the request
fills the command, the gateway lets both the request and the command pass. It then runs as any command of the
queue does. Where the gateway refuses it, or a result of it was rejected, the task goes to the model as if the
tool had no command, and the receipt says why.
"""

from __future__ import annotations

import dataclasses
import sqlite3
import time
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from runtime_contract import Task
from safety.gateway import SafetyGateway
from safety.work import Work
from store import tool_uses
from store.records import Claim
from store.sqlite_store import SqliteStore
from tool_router import NO_ROUTE, HomeTools, Route, as_command
from toolbox.standing import Use

#: Seconds that the counts of uses are kept before they are read again.
COUNTS_KEPT_S: Final = 5.0


class Router(Protocol):
    """Finds the tool for a prompt."""

    def route(self, prompt: str, *, why_not_run: str = "") -> Route:
        """The tool for a prompt, or none."""


class Routing:
    """Routes the tasks of one home."""

    def __init__(self, router: Router, gateway: SafetyGateway) -> None:
        self._router = router
        self._gateway = gateway

    def route(self, claim: Claim, is_over: Callable[[], bool] = lambda: False) -> Route:
        """Tool first. Commands and profiles have been routed by whoever wrote them.

        `is_over`: whether nobody waits for it any more. Raises `GivenUp`.
        """
        task = claim.task
        if task.mode != "llm" or not task.prompt:
            return NO_ROUTE
        found = self._router.route(task.prompt, why_not_run=_why_not(claim))
        refused = self._refusal(task, found, is_over) if found.outcome == "run" else None
        return found if refused is None else self._router.route(task.prompt, why_not_run=refused)

    def _refusal(self, task: Task, route: Route, is_over: Callable[[], bool]) -> str | None:
        """Why the gateway lets the command not run, with the way out; none where it may."""
        for each in (task, as_command(task, route.command)):
            approved, report = self._gateway.examine(each, Work.of(each), is_over)
            if approved is None:
                return str(report["blocked_reason"])
        return None

    def resumed(self, claim: Claim, attempt: sqlite3.Row | None) -> Route:
        """The route of an attempt that another worker sent: what ran is told, whatever the tools are now."""
        ran = None if attempt is None or attempt["tool_effect"] is None else str(attempt["tool"])
        found = self.route(claim)
        if ran is None:
            return NO_ROUTE if found.outcome == "run" else found
        if found.outcome == "run" and found.name == ran:
            return found
        return Route("match", ran=ran, outcome="run", reason="it ran before this worker took the task over")


def _why_not(claim: Claim) -> str:
    """Why no command may answer a claim in place of a model; empty where one may."""
    if claim.is_planned:
        return "what is left to do is to put answers together, which takes a model"
    return "a result was rejected, so a model answers" if claim.feedback else ""


def going(claim: Claim, route: Route) -> Claim:
    """The claim with what runs for it: its own task, or the command of a tool."""
    if route.outcome != "run":
        return claim
    return dataclasses.replace(claim, task=as_command(claim.task, route.command))


class Uses:
    """What became of each tool's tasks, read from the store now and then."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self._read_at = -COUNTS_KEPT_S
        self._known: Mapping[str, Use] = {}

    def __call__(self) -> Mapping[str, Use]:
        """Each tool's use, by its name."""
        now = time.monotonic()
        if now - self._read_at >= COUNTS_KEPT_S:
            self._read_at = now
            found = tool_uses.uses(self._store.reader)
            self._known = {name: Use(*counts) for name, counts in found.items()}
        return self._known


def home_tools(store: SqliteStore) -> HomeTools:
    """The tools of a store's home; a change of their files is told in the history."""

    def tell(reason: str | None, count: int) -> None:
        event = "tools.taken_in" if reason is None else "tools.refused"
        store.write(lambda tx: tx.emit(event, count=count, reason=reason))

    return HomeTools(store.home.root, store.settings, Uses(store), tell)
