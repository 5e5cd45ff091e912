"""``skep run graph``: the graph of a run, as text or for a program that draws."""

from __future__ import annotations

import click

from commands import terminal
from commands.exits import FINE
from commands.place import Place, json_option, with_place
from store import lost_runs


@click.command(
    help="""Print the graph of a run: every task with its state and what it waits for. As
    mermaid or dot it can be drawn.

    Example: skep run graph newsletter-3f9a21c0 --format mermaid"""
)
@click.argument("run_id", metavar="RUN")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "mermaid", "dot"]),
    default="text",
    help="How; default text.",
)
@json_option
@with_place
def graph(place: Place, run_id: str, form: str, as_json: bool) -> int:
    """Print a graph."""
    from commands.run_house import run_row
    from runs import drawing, views

    with place.reader() as reader:
        row = run_row(reader, run_id)
        lost_runs.check(row, "drawn")
        tasks = views.whole(reader, row)["tasks"]
    if as_json:
        edges = [[dep, name] for name, task in tasks.items() for dep in task["deps"]]
        nodes = {name: task["state"] for name, task in tasks.items()}
        terminal.print_json({"id": run_id, "tasks": nodes, "edges": edges})
        return FINE
    draw = {"text": drawing.as_text, "mermaid": drawing.as_mermaid, "dot": drawing.as_dot}[form]
    for line in draw(tasks):
        click.echo(terminal.clean(line))
    return FINE
