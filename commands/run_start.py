"""``skep run start``: a workflow or a request from a file, handed to the daemon."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from commands import terminal
from commands.exits import FINE
from commands.place import Place, json_option, with_place

if TYPE_CHECKING:
    from runs.request import StartRunRequest


@click.command(
    help="""Start a run of the daemon. FILE holds a workflow, or a run as POST /api/v1/runs
    takes it, in YAML or JSON. Its tasks go into the queue of this home as RUN:TASK and
    are checked, paid, reviewed and kept like every other; a daemon that is started
    later does them then.

    Example: skep run start examples/workflows/compare.yaml"""
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--input", "inputs", multiple=True, metavar="NAME=TEXT", help="Give an input; @FILE reads one.")
@click.option("--policy", metavar="NAME", help="A policy of config/policies.toml, instead of the file's.")
@click.option("--run-id", metavar="ID", help="The id of the run; default the name and something new.")
@click.option("--watch", "is_watched", is_flag=True, help="Follow it until it has ended, as `watch` does.")
@json_option
@with_place
def start(
    place: Place,
    file: Path,
    inputs: tuple[str, ...],
    policy: str | None,
    run_id: str | None,
    is_watched: bool,
    as_json: bool,
) -> int:
    """Start a run."""
    from commands.run_house import house_of
    from commands.run_watch import follow
    from runs import views
    from runs.entering import new_run
    from store import runs

    request = request_of(place, file, inputs, policy, run_id)
    with place.store() as store:
        made = new_run(request, house_of(place, store.reader))
        row = store.write(lambda tx: runs.start(tx, made, place.by, store.limits))
        told = views.brief(store.reader, row)
    if as_json and not is_watched:
        terminal.print_json(told)
    elif not as_json:
        click.echo(f"{row['id']} is started: {row['tasks']} tasks. See it with `skep run show {row['id']}`.")
    return follow(place, row["id"], None, as_json) if is_watched else FINE


def request_of(
    place: Place, file: Path, inputs: tuple[str, ...], policy: str | None, run_id: str | None
) -> StartRunRequest:
    """The request in a file. Raises `InvalidFile`, `InvalidInput`, `InvalidSetting`, `OSError`."""
    from commands.run_setup import input_of
    from config_files.documents import read_document
    from runs import brought

    document = read_document(file)
    if inputs and brought.is_request(document):
        raise click.UsageError("--input is for workflows; a run's tasks have inputs of their own.")
    given = dict(map(input_of, inputs))
    return brought.request_of(document, place.home.policies_file, given, policy, run_id)
