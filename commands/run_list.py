"""``skep run list``: runs of the daemon, the newest last."""

from __future__ import annotations

from typing import Any, Final

import click

from commands import terminal
from commands.exits import FINE
from commands.place import Place, json_option, with_place
from money import dollars_text
from store import lost_runs
from store.transaction import dump

STATES: Final = ("running", "aborting", "completed", "failed", "aborted")


@click.command(
    "list",
    help="""List the runs of the daemon, the newest last.

    Example: skep run list --state running""",
)
@click.option("--state", "states", multiple=True, type=click.Choice(STATES), help="Only runs in this state.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, help="The newest so many; 50.")
@json_option
@with_place
def list_runs(place: Place, states: tuple[str, ...], limit: int, as_json: bool) -> int:
    """List runs."""
    from runs import views

    with place.reader() as reader:
        rows = reader.all("list_runs", before=2**62, states=dump([*states]) if states else None, limit=limit)
        found = [
            views.brief(reader, row) | {"completed_tasks": views.completed_of(reader, row)}
            for row in reversed(rows)
        ]
    if as_json:
        terminal.print_json({"runs": found})
    elif not found:
        click.echo("No runs.")
    else:
        columns = ("run", "state", "completed", "spent", "what it came to")
        terminal.print_table(columns, [_line(each) for each in found])
    return FINE


def _line(run: dict[str, Any]) -> tuple[str, str, str, str, str]:
    done = f"{run['completed_tasks']:,} of {run['task_count']:,}"
    spent = dollars_text(run["cost_micros"])
    if run["budget_micros"] is not None:
        spent += f" of {dollars_text(run['budget_micros'])}"
    told = f"does {run['parent']}" if run["parent"] is not None else ""
    told = f"{lost_runs.LOST}: {lost_runs.TOLD}" if run["is_lost"] else told
    told = told if run["error"] is None else f"{run['error']['code']}: {run['error']['message']}"
    return run["id"], run["state"], done, spent, terminal.shorten(told, 100)
