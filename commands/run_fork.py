"""``skep run fork``: a run anew from one of its tasks on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from commands import terminal
from commands.exits import FINE
from commands.place import Place, json_option, with_place
from money import dollars_text


@click.command(
    help="""Start a run that begins with the answers of another: the named task and all that
    stand behind it are done anew, with another prompt, model or context where one is
    given. The rest keeps its answers, as far as they were approved.

    Example: skep run fork newsletter-3f9a21c0 --task write --model qwen3"""
)
@click.argument("run_id", metavar="RUN")
@click.option("--task", required=True, metavar="ID", help="The task from which on all is done anew.")
@click.option("--prompt", metavar="TEXT", help="Its prompt, in place of what it was; @FILE reads one.")
@click.option("--model", metavar="NAME", help="Its model, in place of what it was.")
@click.option("--context", metavar="JSON", help="Its context policy, in place of what it was.")
@click.option("--run-id", "new_id", metavar="ID", help="The id of the new run.")
@json_option
@with_place
def fork(place: Place, /, run_id: str, as_json: bool, **given: str | None) -> int:
    """Fork a run."""
    from commands.run_house import house_of, run_row
    from runs import views
    from runs.entering import forked
    from runs.originals import original_of
    from runs.request import read_fork
    from store import runs

    request = read_fork(_body(**given))
    with place.store() as store:
        row = run_row(store.reader, run_id)
        made = forked(original_of(store.reader, row), request, house_of(place, store.reader))
        found = store.write(lambda tx: runs.start(tx, made, place.by, store.limits))
        told = views.brief(store.reader, found)
    if as_json:
        terminal.print_json(told)
    else:
        kept = found["tasks"] - found["open"]
        click.echo(f"{found['id']} is started: {found['open']} tasks anew, {kept} answers of {run_id}.")
        if row["parent"] is not None:
            click.echo(_alone(row["parent"], found["budget_micros"]))
    return FINE


def _alone(parent: str, micros: int | None) -> str:
    """What it means that the run it was forked from does a task of another."""
    most = (
        "It has no budget of its own." if micros is None else f"It may cost {dollars_text(micros)} at most."
    )
    return f"It is a run of its own: {parent} does not wait for it, nor pay for it. {most}"


def _body(
    task: str | None, prompt: str | None, model: str | None, context: str | None, new_id: str | None
) -> dict[str, Any]:
    if prompt is not None and prompt.startswith("@"):
        prompt = Path(prompt[1:]).read_text("utf-8")
    try:
        policy = None if context is None else json.loads(context)
    except ValueError as error:
        raise click.UsageError(f"--context must be JSON: {error}") from error
    told = {"task": task, "prompt": prompt, "model": model, "context": policy, "id": new_id}
    return {name: value for name, value in told.items() if value is not None}
