"""``skep journal``: what identities wrote down, which costs them tokens."""

from __future__ import annotations

import sys
from typing import Any, Final

import click

from commands import terminal
from commands.exits import FINE
from commands.place import Place, json_option, with_place
from enrichment.roster import Roster
from enrichment.telling import journal_entry
from errors import InvalidRequest, NotFound
from faults import fault_point
from store import journal as journals

#: Entries shown to a person who names no limit.
SHOWN: Final = 20
#: Bytes read from standard input.
_MOST_READ: Final = 8 * journals.MOST_CHARS


@click.command(
    help="""List the journals' entries (`list`, with the name of an identity those of one), read
    one (`read NUMBER`), or write one (`write NAME TEXT`; TEXT - reads standard input).

    An entry costs its identity tokens (setting journal_cost); the same words cost nothing
    twice. What an identity did in its free time is written there by itself.

    Example: skep journal write ada "Bees dance to tell the way." """
)
@click.argument("action", type=click.Choice(["list", "read", "write"]), default="list")
@click.argument("name", required=False)
@click.argument("text", required=False)
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=SHOWN, show_default=True, help="The newest so many."
)
@json_option
@with_place
def journal(place: Place, action: str, name: str | None, text: str | None, limit: int, as_json: bool) -> int:
    """Read or write journals."""
    if action == "write":
        return _write(place, name or "", text, as_json=as_json)
    if action == "read":
        return _read(place, name or "", as_json=as_json)
    with place.reader() as reader:
        found = [dict(row) for row in reader.all("journal_entries", identity=name, limit=limit)][::-1]
    if as_json:
        terminal.print_json({"entries": list(map(journal_entry, found))})
    elif not found:
        click.echo("The journals are empty." if name is None else f"{terminal.clean(name)} wrote nothing.")
    else:
        columns = ("number", "identity", "when", "by", "words")
        terminal.print_table(columns, [_row(each) for each in found])
    return FINE


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    words = terminal.shorten(row["text"], 60)
    return (str(row["number"]), row["identity_id"], row["written_at"], row["written_by"], words)


def _read(place: Place, number: str, *, as_json: bool) -> int:
    if not number.isascii() or not number.isdigit():
        raise InvalidRequest("Name the entry by its number: skep journal read 3.")
    with place.reader() as reader:
        row = reader.one("journal_entry", number=min(int(number), 2**62))
    if row is None:
        raise NotFound(f"There is no entry {number}; `skep journal` lists those there are.")
    if as_json:
        terminal.print_json(journal_entry(dict(row)))
    else:
        click.echo(terminal.clean(f"{row['identity_id']}, {row['written_at']}, by {row['written_by']}:"))
        click.echo(terminal.clean_block(row["text"]))
    return FINE


def _write(place: Place, name: str, text: str | None, *, as_json: bool) -> int:
    if not name or text is None:
        raise InvalidRequest('Name the identity and give the words: skep journal write ada "...".')
    entry = Roster(place.home.identities).get(name)
    if entry.fault is not None:
        raise InvalidRequest(f"{entry.file}: {entry.fault}.")
    words = sys.stdin.read(_MOST_READ) if text == "-" else text
    cost = place.settings.journal_cost
    with place.store() as store:
        done = store.write(lambda tx: journals.write(tx, name, words, place.by, cost))
        fault_point("reward.committed")
    if as_json:
        told = {"entry": done.number, "is_new": done.is_new, "balance": done.balance}
        terminal.print_json({"identity_id": name, **told})
    elif done.is_new:
        click.echo(terminal.clean(f"Entry {done.number} is written; {name} has {done.balance} tokens left."))
    else:
        click.echo(f"These words stand there already, as entry {done.number}; nothing was paid.")
    return FINE
