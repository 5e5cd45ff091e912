"""How things stand, in one plain sentence. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from clock import local_day, to_local_text
from panel.words import count_of, one_line
from runtime_contract import Status
from store.kill_file import KillFile
from store.lanes import Gate

START: Final = "Start one with skep up."


@dataclass(frozen=True)
class Health:
    """How things stand."""

    #: a stable word: killed, tripped, stopped, paused, asks, working, held, waiting, done, empty
    kind: str
    #: the sentence
    sentence: str
    #: what else there is to know or do
    detail: str = ""


@dataclass(frozen=True)
class Moment:
    """Who did something, and when."""

    by: str | None
    #: Unix seconds; none where that cannot be told
    at: float | None
    #: Unix seconds at which it is told
    now: float

    def __str__(self) -> str:
        """``14:02, by you``; with the day where that is another."""
        if self.at is None:
            return _who(self.by)
        day, time = to_local_text(self.at).split(" ")
        is_today = local_day(self.at) == local_day(self.now)
        return f"{'' if is_today else f'{day} '}{time[:5]}, {_who(self.by)}"


def _who(by: str | None) -> str:
    if by is None or by == "panel":
        return "by hand" if by is None else "by you"
    if by == "api":
        return "by a program"
    return (
        f"by {one_line(by.removeprefix('cli:'))} at a terminal"
        if by.startswith("cli:")
        else f"by {one_line(by)}"
    )


def health_of(
    counts: Mapping[str, int],
    gate: Gate,
    questions: int,
    worker_runs: bool,
    absent: str | None = None,
    pause: tuple[Moment, str] | None = None,
    refused: int = 0,
    *,
    are_of_tasks: bool = True,
) -> Health:
    """How things stand, from the counts by status, the gate, the open questions and the daemon.

    `absent` says why no worker runs, where more is known than that; `pause` who paused and why; `refused` is
    how many entries of the queue broke the contract; `are_of_tasks` whether each question is about a task.
    """
    waiting, running = counts[Status.PENDING], counts[Status.IN_PROGRESS]
    moving = f"{running:,} running, {waiting:,} waiting"
    if not any(counts.values()):
        return _of_empty(worker_runs)
    if gate.cause == "circuit_breaker" and gate.paused is not None:
        return Health("tripped", f"{_capital(one_line(gate.paused))}.", f"{_capital(moving)}.")
    if not worker_runs and (waiting or running):
        left = count_of(waiting + running, "task is", "tasks are")
        why = START if absent is None else f"{_capital(one_line(absent))}."
        return Health("stopped", f"Stopped: no worker runs, {left} left to do.", why)
    if gate.paused is not None:
        return _of_halt(gate, gate.paused, pause, f"{_capital(moving)}.")
    if questions:
        return Health("asks", _asked(questions, are_of_tasks=are_of_tasks), f"{_capital(moving)}.")
    if running:
        rest = _refused(refused) if refused else "nothing needs you"
        return Health("working", f"Working: {moving}, {rest}.")
    return _of_waiting(waiting, gate) if waiting else _of_done(refused)


def _asked(questions: int, *, are_of_tasks: bool) -> str:
    if are_of_tasks:
        return f"{count_of(questions, 'task needs', 'tasks need')} your decision."
    return f"{count_of(questions, 'question waits', 'questions wait')} for you."


def of_killed(killed: KillFile, now: float) -> Health:
    """The kill switch is on, and nothing else matters."""
    when = Moment(killed.by, killed.since, now)
    reason = f"{_capital(one_line(killed.reason))}. " if killed.reason else ""
    return Health(
        "killed", f"Stopped: kill switch, {when}.", f"{reason}Nothing starts, and what ran was stopped."
    )


def _of_halt(gate: Gate, why: str, pause: tuple[Moment, str] | None, moving: str) -> Health:
    """Nothing is claimed: a person paused it, or something else holds it."""
    if gate.cause == "pause" and pause is not None:
        when, reason = pause
        said = f"{_capital(one_line(reason))}. " if reason else ""
        return Health("paused", f"Paused: {when}.", f"{said}What runs goes on. {moving}")
    kind = "stopped" if gate.waits_for_swarm else "paused"
    return Health(kind, f"{_capital(one_line(why))}.", moving)


def _of_done(refused: int) -> Health:
    if refused:
        return Health("done", f"Nothing runs, nothing waits, {_refused(refused)}.")
    return Health("done", "All done: nothing runs, nothing waits.")


def _refused(count: int) -> str:
    return f"{count_of(count, 'refused entry', 'refused entries')} to correct"


def _of_empty(worker_runs: bool) -> Health:
    if worker_runs:
        return Health("empty", "Ready: nothing to do yet.")
    return Health("stopped", "Nothing here yet, and no worker runs.", START)


def _of_waiting(waiting: int, gate: Gate) -> Health:
    reasons = list(dict.fromkeys(one_line(reason) for reason in gate.closed_modes.values()))
    if reasons:
        why = f"{_capital('; '.join(reasons))}."
        return Health("held", f"Waiting: {count_of(waiting, 'task')}, nothing running.", why)
    return Health("waiting", f"Waiting: {count_of(waiting, 'task')} for a time, another task or a free slot.")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".")
