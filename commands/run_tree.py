"""A run of the daemon on a terminal as it goes on: a tree of its tasks, tokens and money against budget."""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from commands import terminal
from commands.run_show import headline, words_of
from commands.run_view import MOST_ROWS, STATE_COLOURS, WORDS_SHOWN
from money import dollars_text
from runs import views

if TYPE_CHECKING:
    import sqlite3

    from rich.console import RenderableType

    from store.reading import Reader

#: Seconds between looks at the store, each of which costs little while nothing has changed.
POLL_S: Final = 0.1
#: Looks at the store for one for a daemon, which may only be starting.
_LOOKS: Final = 20
#: What comes first where not all tasks fit.
_FIRST: Final = ("running", "failed", "ready", "pending", "completed", "skipped")


def follow(
    reader: Reader, look: Callable[[], sqlite3.Row], expect_daemon: Callable[[], None]
) -> dict[str, Any]:
    """Draw a run on standard error until it has ended; what it is then.

    `look` gives the row of the run, `expect_daemon` raises where nobody works on it any more.
    """
    from rich.console import Console
    from rich.live import Live

    colours = "auto" if terminal.wants_colour(os.environ) else None
    console = Console(stderr=True, highlight=False, color_system=colours)  # type: ignore[arg-type]
    run, version = views.whole(reader, look()), reader.data_version()
    with Live(get_renderable=lambda: drawn(run), console=console, refresh_per_second=4, transient=True):
        for number in itertools.count():
            if run["state"] not in {"running", "aborting"}:
                return run
            if number % _LOOKS == _LOOKS - 1:
                expect_daemon()
            time.sleep(POLL_S)
            if (now := reader.data_version()) != version:
                run, version = views.whole(reader, look()), now
    raise AssertionError("counts have no end")


def is_wanted() -> bool:
    """Whether a person looks at both streams: the tree is drawn on one, the end is told on the other."""
    return terminal.is_terminal(sys.stderr) and terminal.is_terminal(sys.stdout)


def drawn(run: dict[str, Any]) -> RenderableType:
    """A run as it stands."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    shown = tasks_to_show(run["tasks"])
    for depth, name in shown:
        cells = _cells(depth, name, run["tasks"][name])
        table.add_row(*(Text(cell, style=style) for cell, style in cells))
    seconds = time.time() - run["created_at"] / 1000
    top = Text(f"{headline(run)}  {max(seconds, 0):.0f} s")
    left = len(run["tasks"]) - len(shown)
    return Group(top, table, *([Text(f"and {left} more tasks", style="bright_black")] if left else []))


def tasks_to_show(tasks: dict[str, dict[str, Any]]) -> list[tuple[int, str]]:
    """How deep each task stands, and its id: below what it stems from, or what moves where not all fit."""
    if len(tasks) > MOST_ROWS:
        first = sorted(tasks, key=lambda name: _FIRST.index(tasks[name]["state"]))
        return [(0, name) for name in first[:MOST_ROWS]]
    children: dict[str | None, list[str]] = {}
    for name, task in tasks.items():
        children.setdefault(task.get("parent"), []).append(name)
    found: list[tuple[int, str]] = []
    left = [(0, name) for name in reversed(children.get(None, []))]
    while left:
        depth, name = left.pop()
        found.append((depth, name))
        left += [(depth + 1, child) for child in reversed(children.get(name, []))]
    return found


def _cells(depth: int, name: str, task: dict[str, Any]) -> list[tuple[str, str]]:
    used = task["usage"]
    return [
        (terminal.clean(f"{'  ' * depth}{name}"), ""),
        (task["state"], STATE_COLOURS.get(task["state"], "")),
        (terminal.shorten(task["model"] or "", 30), "bright_black"),
        (f"{used['tokens']:,} tokens" if used["tokens"] else "", ""),
        (dollars_text(used["cost_micros"]) if used["cost_micros"] else "", ""),
        (
            terminal.shorten(words_of(task), WORDS_SHOWN),
            "red" if task["state"] == "failed" else "bright_black",
        ),
    ]
