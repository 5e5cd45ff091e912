"""``skep identities``: who tasks may run as, and how they are doing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from commands import terminal
from commands.exits import FAILED, FINE
from commands.place import Place, json_option, with_place
from enrichment import new_identity, telling
from enrichment.hats import HATS
from enrichment.identity import Unreadable, described
from enrichment.roster import Roster
from enrichment.statistics import statistics_of
from errors import InvalidRequest
from money import dollars_text
from store.reading import Reader


@click.command(
    help="""Tell who tasks may run as, or one of them whole (`show`), or make a new one (`add`).

    An identity is a file, .swarm/identities/NAME.toml, that is yours to edit. A task names
    it in identity_id (skep add --identity NAME). A file with a mistake is told with its
    line or field, and the exit code is 1.

    Example: skep identities add ada --hat builder --trait careful"""
)
@click.argument("action", type=click.Choice(["add", "show"]), required=False)
@click.argument("who", metavar="[NAME]", required=False)
@click.option("--hat", type=click.Choice(list(HATS)), help="Of a new one: its way of working.")
@click.option("--called", "name", metavar="TEXT", help="Of a new one: its name, where that is not NAME.")
@click.option("--trait", "traits", multiple=True, metavar="TEXT", help="What it is like (may be repeated).")
@click.option(
    "--preference", "preferences", multiple=True, metavar="TEXT",
    help="How it likes to work (may be repeated).",
)  # fmt: skip
@click.option("--model", help="The model that answers where a task names none.")
@click.option(
    "--free-time", "free_time", multiple=True, metavar="TEXT",
    help="What it does with free time (may be repeated).",
)  # fmt: skip
@json_option
@with_place
def identities(place: Place, /, action: str | None, who: str | None, as_json: bool, **said: Any) -> int:
    """Show identities, or add one."""
    if action is not None and not who:
        raise InvalidRequest(f"Name the identity: skep identities {action} NAME.")
    given = {key: list(value) if isinstance(value, tuple) else value for key, value in said.items() if value}
    if action == "add":
        return _add(place, str(who), given, as_json=as_json)
    if given:
        raise InvalidRequest(f"{', '.join(given)} describe a new identity: skep identities add NAME.")
    with place.reader() as reader:
        told = _told(place, reader, who)
    if as_json:
        terminal.print_json({"identities": told})
    elif action == "show":
        for each in told:
            _print_whole(each)
    else:
        _print_table(told)
    return FAILED if any(each["fault"] for each in told) else FINE


def _add(place: Place, name: str, said: dict[str, Any], *, as_json: bool) -> int:
    place.check_state()
    try:
        identity = described(said)
    except Unreadable as error:
        raise InvalidRequest(str(error)) from None
    path = new_identity.add(place.home.identities, name, identity)
    if as_json:
        terminal.print_json({"identity_id": name, "file": str(path)})
    else:
        click.echo(terminal.clean(f"{name} is there: {path}. A task runs as it with identity_id = {name}."))
    return FINE


def _told(place: Place, reader: Reader, name: str | None) -> list[dict[str, Any]]:
    """What is told of one identity, or of all that have a file or ever did anything."""
    return telling.identities(Roster(place.home.identities), statistics_of(reader, name), name)


def _print_table(told: list[dict[str, Any]]) -> None:
    if not told:
        click.echo("No identities. `skep identities add NAME` makes one.")
        return
    rows = [_row(each) for each in told]
    columns = ("id", "hat", "model", "tasks", "approved", "rejected", "failed", "cost", "tokens")
    terminal.print_table(columns, rows)
    for each in told:
        if each["fault"]:
            terminal.note(f"{each['file']}: {each['fault']}")


def _row(each: dict[str, Any]) -> tuple[str, ...]:
    did = each["statistics"]
    counts = (str(did[name]) for name in ("tasks", "approved", "rejected", "failed"))
    has_no_file = each["fault"] is None and "hat" not in each
    return (
        each["id"], "(no file)" if has_no_file else each.get("hat") or "", each.get("model") or "", *counts,
        dollars_text(did["cost_micros"]), str(did["balance"]),
    )  # fmt: skip


def _print_whole(each: dict[str, Any]) -> None:
    for label, text in _lines(each):
        click.echo(f"{label:<13} {terminal.clean(text)}".rstrip())


def _lines(each: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "identity", each["id"]
    yield "file", each["file"]
    if each["fault"]:
        yield "fault", each["fault"]
    for field in ("name", "hat", "model"):
        if each.get(field):
            yield field, each[field]
    for field in ("traits", "preferences", "free_time"):
        for number, entry in enumerate(each.get(field) or ()):
            yield ("" if number else field.replace("_", " ")), entry
    did = each["statistics"]
    yield (
        "did",
        (
            f"{did['tasks']} tasks in {did['attempts']} attempts: {did['approved']} approved, "
            f"{did['rejected']} rejected, {did['failed']} failed, for {dollars_text(did['cost_micros'])}"
        ),
    )
    yield "tokens", f"{did['balance']} (earned {did['earned']}, paid {did['spent']})"
    yield "last", did["last_ended"] or "never"
