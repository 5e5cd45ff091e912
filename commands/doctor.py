"""``skep doctor``: what is wrong with this machine or home, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import click

from commands import (
    checks_daemon,
    checks_halts,
    checks_home,
    checks_identities,
    checks_machine,
    checks_review,
    checks_safety,
    terminal,
)
from commands.exits import FAILED, FINE
from commands.findings import Finding, fail, warn
from commands.place import Place, json_option, with_place
from errors import InvalidSetting
from settings import Settings

_SIGNS: Final = {"ok": " ok ", "warn": "warn", "fail": "FAIL"}


@click.command(
    help="""Check this machine and home, and say what to do. Works without a home and beside a
    running daemon. Exit code 0: nothing is broken (warnings may be told). 1: something is.

    Example: skep doctor"""
)
@json_option
@with_place
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


def examine(place: Place) -> Iterator[Finding]:
    """Everything there is to find, in order."""
    settings = Settings()
    try:
        settings = place.settings
    except InvalidSetting as error:
        yield fail(
            "settings", error.message, "Correct it; `skep init --config` writes a file with every setting."
        )
    yield from _machine(place, settings)
    yield from checks_safety.check_constitution(place.home)
    if not place.home.database.exists():
        yield warn(
            "home",
            f"There is no Skep home here ({place.home.root}).",
            "skep init, or name one with SKEP_HOME.",
        )
        return
    yield from _home(place)


def _machine(place: Place, settings: Settings) -> Iterator[Finding]:
    yield from checks_machine.check_python()
    yield from checks_machine.check_sqlite()
    yield from checks_machine.check_disk(place.home, settings)
    yield from checks_machine.check_file_system(place.home)
    yield from checks_daemon.check_ports(place.home, settings)
    yield from checks_machine.check_clock()
    yield from checks_machine.check_sandbox(settings)
    yield from checks_home.check_commands(place.home, settings)
    yield from checks_review.check_git(settings)
    yield from checks_identities.check_identities(place.home, settings.default_identity)
    yield from checks_home.check_tools(place.home)
    yield from checks_machine.check_model(place.home, settings)
    yield from checks_machine.check_platform()


def _home(place: Place) -> Iterator[Finding]:
    yield from checks_home.check_rights(place.home)
    yield from checks_home.check_workspace(place.home)
    yield from checks_daemon.check_daemon(place.home)
    yield from checks_halts.check_kill_switch(place.home)
    try:
        yield from checks_daemon.check_processes(place)
        yield from checks_daemon.check_used_sandbox(place)
        yield from checks_home.check_store(place)
        yield from checks_halts.check_breaker(place)
        yield from checks_home.check_queue_file(place)
        yield from checks_home.check_audit(place)
    except InvalidSetting:
        pass  # told as the first finding
    yield from checks_home.check_log(place.home)
    yield from checks_home.check_leftovers(place.home)


def _print(finding: Finding) -> None:
    sign = click.style(_SIGNS[finding.level], fg=terminal.STATUS_COLOURS[finding.level])
    click.echo(f"{sign}  {finding.check:<14} {terminal.clean(finding.told)}")
    if finding.way_out:
        click.echo(f"{'':<20} -> {terminal.clean(finding.way_out)}")
