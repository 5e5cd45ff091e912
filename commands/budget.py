"""``skep budget``: what was spent, what is left, and more of it."""

from __future__ import annotations

import sqlite3
from typing import Any

import click

from commands import terminal
from commands.exits import FINE
from commands.place import Place, json_option, with_place
from cost.model_catalog import ModelFacts
from cost.usage_tracker import Standing, standings
from errors import InvalidRequest
from money import dollars_text, read_amount
from store.reading import Reader


@click.command(
    help="""Tell every limit, what was spent of it and what is reserved for calls under way,
    and the prices in use; or let a limit have more: `add` and an amount in dollars.

    A limit is day (today's), total, model:NAME (today's), run:ID or task:ID. What waits
    for it goes on at once. Limits themselves are settings (budget_day_usd and others),
    or a task's max_budget.

    Example: skep budget add 5.00 --limit day"""
)
@click.argument("action", type=click.Choice(["add"]), required=False)
@click.argument("amount", required=False)
@click.option("--limit", default="day", show_default=True, metavar="LIMIT", help="What gets more.")
@json_option
@with_place
def budget(place: Place, action: str | None, amount: str | None, limit: str, as_json: bool) -> int:
    """Show the limits, or let one have more."""
    if action is None:
        with place.reader() as reader:
            told = situation(reader)
        _print(told, as_json=as_json)
        return FINE
    micros = read_amount(amount or "")
    if micros is None:
        raise InvalidRequest(f"{amount or 'nothing'!r} is no amount; write dollars over 0, such as 5.00.")
    with place.store() as store:
        done = store.top_up(limit, micros, place.by)
    if as_json:
        terminal.print_json({"limit": limit, "added_micros": micros, "result": done})
    else:
        click.echo(terminal.clean(done))
    return FINE


def situation(reader: Reader) -> dict[str, Any]:
    """Everything that is told."""
    return {
        "limits": [each.as_json() for each in standings(reader, reader.now())],
        "prices": [_price(row) for row in reader.all("prices")],
    }


def _price(row: sqlite3.Row) -> dict[str, Any]:
    return {"model": row["model"], "price": str(ModelFacts.of_row(row).price), "source": row["source"]}


def _print(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        terminal.print_json(told)
        return
    rows = [_row(Standing(**each)) for each in told["limits"]]
    terminal.print_table(("limit", "amount", "spent", "of it unsettled", "reserved", "left", "waiting"), rows)
    for each in told["prices"]:
        click.echo(terminal.clean(f"price of {each['model']}: {each['price']} ({each['source']})"))
    for each in told["limits"]:
        if each["declined_by"]:
            click.echo(terminal.clean(f"{each['declined_by']} said no to more for {each['limit']}"))


def _row(each: Standing) -> tuple[str, ...]:
    amount = "no limit" if each.granted_micros is None else dollars_text(each.granted_micros)
    left = "" if each.left_micros is None else dollars_text(each.left_micros)
    counted = map(dollars_text, (each.spent_micros, each.unsettled_micros, each.reserved_micros))
    return (each.limit, amount, *counted, left, str(each.waiting))
