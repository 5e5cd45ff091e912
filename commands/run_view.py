"""A run as a person sees it: while it runs a tree of its tasks, afterwards a table and the answers."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import click

from commands import terminal
from money import dollars_text
from redaction import clean, clean_value
from run_contract.records import Run, RunTask, TaskState
from runs.caching import REUSED_FROM
from runs.run_events import RunEvent

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

#: Tasks that a terminal shows at once.
MOST_ROWS: Final = 40
#: Times a second that the tree is drawn anew.
REDRAWN: Final = 8
WORDS_SHOWN: Final = 60
STATE_COLOURS: Final = {
    "completed": "green",
    "failed": "red",
    "running": "cyan",
    "ready": "yellow",
    "skipped": "bright_black",
    "aborted": "yellow",
}


class Watch:
    """Shows nothing; the run is told when it has ended."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """Show no more."""

    def listen(self, event: RunEvent) -> None:
        """Take an event."""


class Tree(Watch):
    """Draws the run on standard error while it runs."""

    def __init__(self, run: Run) -> None:
        from rich.console import Console
        from rich.live import Live

        colours = "auto" if terminal.wants_colour(os.environ) else None
        console = Console(stderr=True, highlight=False, color_system=colours)  # type: ignore[arg-type]
        self._run = run
        self._began = time.monotonic()
        self._notes: list[str] = []
        self._lock = threading.Lock()
        self._live: Live = Live(
            console=console, get_renderable=self._draw, refresh_per_second=REDRAWN, transient=True
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._live.stop()

    def listen(self, event: RunEvent) -> None:
        """Take an event; what a person would miss in the tree is told below it."""
        if event.event in {
            "budget.warning",
            "task.retried",
            "task.held",
            "context.compacted",
            "task.lingers",
        }:
            told = ", ".join(f"{name} {value}" for name, value in event.fields.items())
            with self._lock:
                self._notes = [*self._notes[-4:], f"{event.event} {event.task_id or ''}: {told}"]

    def _draw(self) -> RenderableType:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, show_header=False)
        for shown in rows_of(self._run):
            table.add_row(*(Text(cell, style=style) for cell, style in _cells(shown)))
        with self._lock:
            notes = [Text(terminal.clean(note), style="yellow") for note in self._notes]
        seconds = time.monotonic() - self._began
        return Group(Text(f"{headline(self._run)}  {seconds:.0f} s"), table, *notes)


def watch_of(run: Run, *, wanted: bool) -> Watch:
    """A tree on a terminal, nothing elsewhere."""
    import sys

    return Tree(run) if wanted and terminal.is_terminal(sys.stderr) else Watch()


def rows_of(run: Run) -> list[Shown]:
    """The tasks to show: all where they fit, else what moves, each below the one that added it."""
    with contextlib.suppress(RuntimeError):  # the run adds a task while it is looked at
        rows = as_tree(run)
        if len(rows) > MOST_ROWS:
            order = {"running": 0, "failed": 1, "ready": 2, "completed": 3}
            return sorted(rows, key=lambda row: order.get(row.task.state, 4))[:MOST_ROWS]
        return rows
    return []


@dataclasses.dataclass(frozen=True, slots=True)
class Shown:
    """A task as it stands in the tree."""

    depth: int
    #: with the tasks of the runs above that lead to it
    name: str
    task: RunTask
    #: the later round whose answer stands for its own; empty where none does
    answer_of: str = ""

    @property
    def cell(self) -> str:
        """Its name, indented."""
        return terminal.clean(f"{'  ' * self.depth}{self.name}")

    @property
    def words(self) -> str:
        """What came of it, shortened."""
        task = self.task
        if task.error is not None:
            return terminal.shorten(clean(f"{task.error.code}: {task.error.message}"), WORDS_SHOWN)
        again = f"(done again: its answer is that of {self.answer_of}) " if self.answer_of else ""
        return (
            "" if task.outputs is None else terminal.shorten(again + clean(task.outputs.output), WORDS_SHOWN)
        )


def as_tree(run: Run, depth: int = 0, before: str = "") -> list[Shown]:
    """The tasks of a run, each with those it added and those of the run that does it below it."""
    children: dict[str | None, list[RunTask]] = {}
    for task in list(run.tasks.values()):
        children.setdefault(task.parent, []).append(task)
    found: list[Shown] = []
    left = list(reversed(children.get(None, [])))
    while left:
        task = left.pop()
        found.append(Shown(depth + task.depth, f"{before}{task.id}", task, _answer_of(run, task)))
        if task.child is not None:
            found += as_tree(task.child, depth + task.depth + 1, f"{before}{task.id}:")
        left += reversed(children.get(task.id, []))
    return found


def _cells(shown: Shown) -> list[tuple[str, str]]:
    task = shown.task
    return [
        (shown.cell, ""),
        (str(task.state), STATE_COLOURS.get(task.state, "")),
        (terminal.shorten(task.asked or task.model, 30), "bright_black"),
        (f"{task.actual.tokens:,} tokens" if task.actual.tokens else "", ""),
        (dollars_text(task.actual.micros) if task.actual.micros else "", ""),
        (shown.words, "red" if task.state is TaskState.FAILED else "bright_black"),
    ]


def _answer_of(run: Run, task: RunTask) -> str:
    """The later round whose answer stands for that of a task; empty where none does."""
    found = run.answering(task.id) if task.round == 1 else None
    return "" if found is None or found is task else found.id


def headline(run: Run) -> str:
    """How a run stands, in a line."""
    limit = run.policy.budget_micros
    of = "" if limit is None else f" of {dollars_text(limit)}"
    done = sum(task.state is TaskState.COMPLETED for task in list(run.tasks.values()))
    spent = f"{run.usage.tokens:,} tokens, {dollars_text(run.usage.micros)}{of}"
    return terminal.clean(f"{run.id} {run.state}: {done} of {len(run.tasks)} completed, {spent}")


def tell(run: Run, *, whole: bool) -> None:
    """Print how a run ended."""
    columns = ("task", "state", "attempts", "tokens", "cost", "what came of it")
    rows = []
    shown = as_tree(run)
    for row in shown:
        task, cost = row.task, dollars_text(row.task.actual.micros)
        rows.append(
            [row.cell, str(task.state), str(task.attempts), f"{task.actual.tokens:,}", cost, row.words]
        )
    terminal.print_table(columns, rows)
    for row in shown if whole else ():
        if row.task.outputs is not None:
            text = terminal.clean_block(clean(row.task.outputs.output))
            click.echo(f"\n== {terminal.clean(row.name)}\n{text}")
    if run.error is not None:
        click.echo(terminal.clean(clean(f"{run.error.code}: {run.error.message}")))
    click.echo(headline(run))


def as_json(run: Run) -> dict[str, Any]:
    """A run that has ended, as JSON; secrets are taken out."""
    told: dict[str, Any] = clean_value(_run_json(run))
    return told


def _run_json(run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "state": str(run.state),
        "error": None if run.error is None else dataclasses.asdict(run.error),
        "usage": {"tokens": run.usage.tokens, "cost_micros": run.usage.micros},
        "budget_micros": run.policy.budget_micros,
        "tasks": [_task_json(run, task) for task in run.tasks.values()],
    }


def _task_json(run: Run, task: RunTask) -> dict[str, Any]:
    compaction = None if task.compaction is None else dataclasses.asdict(task.compaction)
    return {
        "id": task.id,
        "state": str(task.state),
        "deps": task.deps,
        "parent": task.parent,
        "model": task.asked or task.model or None,
        "attempts": task.attempts,
        "output": None if task.outputs is None else task.outputs.output,
        "answer_of": _answer_of(run, task) or None,
        "reused_from": None if task.outputs is None else task.outputs.metadata.get(REUSED_FROM),
        "error": None if task.error is None else dataclasses.asdict(task.error),
        "estimated": {"tokens": task.estimated.tokens, "cost_micros": task.estimated.micros},
        "used": {"tokens": task.actual.tokens, "cost_micros": task.actual.micros},
        "compaction": compaction,
        "run": None if task.child is None else _run_json(task.child),
    }
