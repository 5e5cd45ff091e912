"""``skep doctor``: what is wrong with this machine or home, and what to do."""

from __future__ import annotations

from typing import Final

import click

from commands import terminal
from commands.exits import FAILED, FINE
from commands.place import Place, json_option, with_any_place
from doctor.examination import examine
from doctor.findings import Finding

_SIGNS: Final = {"ok": " ok ", "warn": "warn", "fail": "FAIL"}


@click.command(
    help="""Check this machine and home, and say what to do. Works without a home and beside a
    running daemon. Exit code 0: nothing is broken (warnings may be told). 1: something is.

    Example: skep doctor"""
)
@json_option
@with_any_place
def doctor(place: Place, as_json: bool) -> int:
    """Look at everything."""
    found = []
    for finding in examine(place):
        found.append(finding)
        if not as_json:
            _print(finding)
    failed = [each for each in found if each.level == "fail"]
    if as_json:
        terminal.print_json({"ok": not failed, "checks": [each.to_json() for each in found]})
    return FAILED if failed else FINE


def _print(finding: Finding) -> None:
    sign = click.style(_SIGNS[finding.level], fg=terminal.STATUS_COLOURS[finding.level])
    click.echo(f"{sign}  {finding.check:<14} {terminal.clean(finding.told)}")
    if finding.way_out:
        click.echo(f"{'':<20} -> {terminal.clean(finding.way_out)}")
