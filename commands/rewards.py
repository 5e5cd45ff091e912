"""``skep rewards``: the ledger of tokens, and why some approved tasks earned none."""

from __future__ import annotations

from typing import Any, Final

import click

from commands import terminal
from commands.exits import FINE
from commands.place import Place, json_option, with_place
from enrichment import telling
from store import ledger
from store.reading import Reader

#: Rows shown to a person who names no limit.
SHOWN: Final = 20


@click.command(
    help="""Tell what every identity earned, paid and has; the newest rows of the ledger; and the
    newest approvals that earned nothing, with the reason.

    Tokens are earned by tasks that are approved under their max_budget (docs/rewards.md).

    Example: skep rewards ada --limit 50"""
)
@click.argument("identity", required=False)
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=SHOWN, show_default=True, help="The newest so many."
)
@json_option
@with_place
def rewards(place: Place, identity: str | None, limit: int, as_json: bool) -> int:
    """Show the ledger."""
    with place.reader() as reader:
        told = situation(reader, identity, limit)
    if as_json:
        terminal.print_json(told)
    else:
        _print(told)
    return FINE


def situation(reader: Reader, identity: str | None, limit: int) -> dict[str, Any]:
    """Everything that is told."""
    purses = ledger.purses(reader) if identity is None else [ledger.purse_of(reader, identity)]
    rows = reader.all("newest_entries", identity=identity, limit=limit)
    refusals = reader.all("unrewarded", identity=identity, limit=limit)
    return {
        "identities": [purse.as_json() for purse in purses],
        "entries": [telling.entry(dict(row)) for row in rows],
        "refusals": [telling.refusal(dict(row)) for row in refusals],
    }


def _print(told: dict[str, Any]) -> None:
    if not told["identities"] and not told["refusals"]:
        click.echo(
            "Nobody has earned tokens yet: a task does with identity_id, max_budget and a good answer."
        )
        return
    terminal.print_table(
        ("identity", "earned", "paid", "has"),
        [_texts(each, "identity_id", "earned", "spent", "balance") for each in told["identities"]],
    )
    if told["entries"]:
        click.echo()
        columns = ("when", "identity", "for", "of", "tokens", "has then")
        rows = [_texts(each, "at", "identity_id", "kind", "subject", "tokens", "balance")
                for each in told["entries"]]  # fmt: skip
        terminal.print_table(columns, rows)
    if told["refusals"]:
        click.echo()
        rows = [
            _texts(each, "at", "identity_id", "task_id", "reason", "meaning") for each in told["refusals"]
        ]
        terminal.print_table(("when", "identity", "task", "earned nothing", "which means"), rows)


def _texts(each: dict[str, Any], *names: str) -> tuple[str, ...]:
    return tuple("" if each[name] is None else str(each[name]) for name in names)
