"""``skep run abort``, ``resume`` and ``close``: what is done to a whole run."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from commands import terminal
from commands.exits import FINE
from commands.place import Place, json_option, with_place

if TYPE_CHECKING:
    from store.transaction import Transaction


@click.command(
    help="""Abort a run: what has not begun never will, what runs is asked to end. It is
    aborted when the last has ended.

    Example: skep run abort newsletter-3f9a21c0"""
)
@click.argument("run_id", metavar="RUN")
@json_option
@with_place
def abort(place: Place, run_id: str, as_json: bool) -> int:
    """Abort a run."""
    from store import run_steering

    return _steer(place, lambda tx: run_steering.abort(tx, run_id, place.by), as_json)


@click.command(
    help="""Send back to the queue what did not complete of a run that failed or was
    aborted. What was approved stays so and is not done again. A run whose tasks are all
    approved, such as one whose last answer came while it was ending, completes.

    Example: skep run resume newsletter-3f9a21c0"""
)
@click.argument("run_id", metavar="RUN")
@json_option
@with_place
def resume(place: Place, run_id: str, as_json: bool) -> int:
    """Resume a run."""
    from store import run_steering

    def resumed(tx: Transaction) -> sqlite3.Row:
        return run_steering.resume(tx, run_id, place.by)

    return _steer(place, resumed, as_json, run_steering.ALL_DONE)


@click.command(
    help="""Let a run end that was started with "open": true: nothing more is added to it.

    Example: skep run close collect-3f9a21c0"""
)
@click.argument("run_id", metavar="RUN")
@json_option
@with_place
def close(place: Place, run_id: str, as_json: bool) -> int:
    """Close a run."""
    from store import run_steering

    return _steer(place, lambda tx: run_steering.close(tx, run_id, place.by), as_json)


def _steer(
    place: Place, work: Callable[[Transaction], sqlite3.Row], as_json: bool, why_completed: str = ""
) -> int:
    """Do it and tell how the run stands; `why_completed`: why one that it completed did."""
    from runs import views

    with place.store() as store:
        told = views.brief(store.reader, store.write(work))
    if as_json:
        terminal.print_json(told)
    else:
        left = f", {told['open_tasks']:,} tasks have not ended" if told["open_tasks"] else ""
        why = f": {why_completed}" if why_completed and told["state"] == "completed" else ""
        click.echo(f"{told['id']} is {told['state']}{left}{why}.")
    return FINE
