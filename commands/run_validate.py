"""``skep run validate``: everything that is wrong with a workflow file, without running it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from commands import terminal
from commands.exits import FAILED, FINE
from commands.place import json_option
from errors import InvalidFile


@click.command(
    help="""Check a workflow file: its shape, its ids, its graph, its references, and the roles of
    the type spec-default. What is wrong is told with line and column.

    Exit code 0: it can be run. 1: something is wrong. 3: it cannot be read.

    Example: skep run validate examples/workflows/compare.yaml"""
)
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def validate(file: Path, as_json: bool) -> int:
    """Check a workflow."""
    from runs.workflow_file import read_workflow

    try:
        workflow = read_workflow(file)
    except InvalidFile as error:
        found: list[dict[str, Any]] = error.details.get("problems") or [{"text": error.message}]
        if as_json:
            terminal.print_json({"file": str(file), "ok": False, "problems": found})
        else:
            for each in found:
                click.echo(terminal.clean(each["text"]))
        return FAILED
    told = {"name": workflow.name, "type": workflow.type, "steps": len(workflow.steps)}
    if as_json:
        terminal.print_json({"file": str(file), "ok": True, "problems": []} | told)
    else:
        click.echo(
            terminal.clean(f"{workflow.name} can be run: {len(workflow.steps)} steps, {workflow.type}.")
        )
    return FINE
