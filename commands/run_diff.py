"""``skep run diff``: two runs beside each other, by answers and cost."""

from __future__ import annotations

import functools
from typing import Any

import click

from commands import terminal
from commands.exits import FINE
from commands.place import Place, json_option, with_place
from money import dollars_text
from store import lost_runs


@click.command(
    help="""Compare two runs, such as one and its fork: whose answers differ, in which lines,
    and what each used.

    Example: skep run diff newsletter-3f9a21c0 newsletter-77b0c1d2"""
)
@click.argument("first")
@click.argument("second")
@json_option
@with_place
def diff(place: Place, first: str, second: str, as_json: bool) -> int:
    """Compare two runs."""
    from commands.run_house import run_row
    from runs import views
    from runs.answers import answer_of
    from runs.differing import differences

    with place.reader() as reader:
        rows = [run_row(reader, name) for name in (first, second)]
        for row in rows:
            lost_runs.check(row, "compared")
        one, other = (views.whole(reader, row) for row in rows)
    found = differences(one, other, functools.partial(answer_of, place.home.outputs))
    if as_json:
        terminal.print_json(found)
    else:
        _tell(found)
    return FINE


def _tell(found: dict[str, Any]) -> None:
    for task in found["tasks"]:
        states = " -> ".join(dict.fromkeys(str(state or "not there") for state in task["states"]))
        how = "reused" if task.get("is_reused") else "the same" if task["is_same"] else "differs"
        used = f"{task['tokens']:+,} tokens, {_signed(task['cost_micros'])}"
        click.echo(terminal.clean(f"{task['id']}: {how} ({states}), {used}"))
        for line in task["diff"]:
            click.echo(f"    {terminal.clean(line)}")
    used = f"{found['tokens']:+,} tokens, {_signed(found['cost_micros'])}"
    click.echo(terminal.clean(f"{found['second']} against {found['first']}: {used}"))


def _signed(micros: int) -> str:
    return f"{'-' if micros < 0 else '+'}{dollars_text(abs(micros))}"
