"""A run of the daemon as a tree on a terminal."""

from __future__ import annotations

import io
import time
from typing import Any

import pytest
from rich.console import Console

from commands import run_tree, run_view
from runs import drawing


def task(state: str = "completed", parent: str | None = None, **more: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"state": state, "deps": [], "model": "m", "attempts": 1}
    told["usage"] = {"tokens": 1200, "cost_micros": 1500}
    return told | ({} if parent is None else {"parent": parent}) | more


def run(**tasks: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "r-1", "state": "running", "created_at": time.time() * 1000 - 5000, "budget_micros": 500_000,
        "cost_micros": 3000, "usage": {"tokens": 2400}, "tasks": tasks, "is_lost": False,
    }  # fmt: skip


def shown(of: dict[str, Any]) -> list[str]:
    console = Console(file=io.StringIO(), width=160)
    console.print(run_tree.drawn(of))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


def test_the_tree_tells_states_tokens_and_money_against_the_budget() -> None:
    top, *lines = shown(run(a=task(output="fine\nand more"), b=task("running", waiting_for="a free slot")))

    assert top.startswith("r-1 running: 1 of 2 completed, 2,400 tokens, $0.003 of $0.50  5 s")
    assert lines[0].split() == ["a", "completed", "m", "1,200", "tokens", "$0.0015", "fine"]
    assert "waiting for: a free slot" in lines[1]


def test_items_stand_below_what_they_stem_from() -> None:
    tasks = {"each": task(), "other": task(), "each.1": task(parent="each"), "each.2": task(parent="each")}

    assert run_tree.tasks_to_show(tasks) == [(0, "each"), (1, "each.1"), (1, "each.2"), (0, "other")]


def test_of_many_tasks_those_that_move_are_shown_and_the_rest_is_counted() -> None:
    tasks = {f"t-{number}": task() for number in range(500)} | {"now": task("running"), "bad": task("failed")}
    lines = shown(run(**tasks))

    assert [line.split()[0] for line in lines[1:3]] == ["now", "bad"]
    assert lines[-1] == f"and {502 - run_view.MOST_ROWS} more tasks"


@pytest.mark.parametrize("text", ["\x1b[2Jgone", "[bold]x[/bold]", "a\u202eb"])
def test_what_others_wrote_stays_text(text: str) -> None:
    drawn = "\n".join(shown(run(a=task(output=text))))

    assert "\x1b" not in drawn
    assert "\u202e" not in drawn
    assert ("[bold]" in drawn) == ("[bold]" in text)


def test_a_chain_of_ten_thousand_is_levelled_as_fast_as_any_graph() -> None:
    tasks = {f"t-{number}": {"deps": [f"t-{number - 1}"] if number else []} for number in range(10_000)}

    assert [level[0] for level in drawing.levels(tasks)] == list(tasks)
