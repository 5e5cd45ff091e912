"""``skep budget``: what was spent, what is left, and more of it."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

import click

from commands import terminal
from commands.exits import FINE
from commands.place import Place, json_option, with_place
from cost.model_catalog import ModelFacts
from cost.usage_tracker import Standing, standings
from errors import InvalidRequest
from money import dollars_text, is_nothing, read_amount
from safety.headroom import limits_of
from store import budgets
from store.reading import Reader
from store.sqlite_store import SqliteStore

#: The amount that sets no limit at all.
NO_LIMIT: Final = "none"
#: How the amount of each action is named in JSON.
_DONE: Final = {"add": "added", "set": "limit", "clear": "limit"}


@click.command(
    help="""Tell every limit, what was spent of it and what is reserved for calls under way,
    and the prices in use; let a limit have more: `add` and an amount in dollars; or say what
    the limit is: `set` and an amount, or `none`, until `clear` lets the settings' count again.

    A limit is day (today's), total, model:NAME (today's), run:ID, subtree:ID or task:ID. What waits
    for it goes on at once. `set` and `clear` know day, total, model:NAME, and run for
    each run's; a task's own limit is its max_budget.

    Example: skep budget add 5.00 --limit day,
    or: skep budget set 20.00 --limit day --reason "release week\""""
)
@click.argument("action", type=click.Choice(["add", "set", "clear"]), required=False)
@click.argument("amount", required=False)
@click.option("--limit", default="day", show_default=True, metavar="LIMIT", help="Which limit.")
@click.option("--reason", metavar="TEXT", help="Why; `set` needs it. Only with set and clear.")
@json_option
@with_place
def budget(
    place: Place, action: str | None, amount: str | None, limit: str, reason: str | None, as_json: bool
) -> int:
    """Show the limits, let one have more, or set it."""
    if reason is not None and action not in {"set", "clear"}:
        raise click.UsageError("--reason goes with `skep budget set` and `skep budget clear`.")
    if action is None:
        with place.reader() as reader:
            told = situation(reader, limits_of(place.settings))
        _print(told, as_json=as_json)
        return FINE
    if action == "clear" and amount is not None:
        raise click.UsageError("`skep budget clear` takes no amount.")
    micros = (
        None if action == "clear" or (action == "set" and amount == NO_LIMIT) else _micros(amount, action)
    )
    with place.store() as store:
        done = _change(store, action, limit, micros, place.by, reason)
    if as_json:
        terminal.print_json({"limit": limit, f"{_DONE[action]}_micros": micros, "result": done})
    else:
        click.echo(terminal.clean(done))
    return FINE


def _micros(amount: str | None, action: str) -> int:
    """An amount in micro-dollars; a limit may be nothing at all. Raises `InvalidRequest`."""
    if action == "set" and is_nothing(amount or ""):
        return 0
    micros = read_amount(amount or "")
    if micros is None:
        least = "dollars, such as 5.00, or none" if action == "set" else "dollars over 0, such as 5.00"
        raise InvalidRequest(f"{amount or 'nothing'!r} is no amount; write {least}.")
    return micros


def _change(
    store: SqliteStore, action: str, limit: str, micros: int | None, by: str, reason: str | None
) -> str:
    if action == "set":
        return store.set_limit(limit, micros, by, reason or "")
    if action == "clear":
        return store.clear_limit(limit, by, reason)
    return store.top_up(limit, micros or 0, by)


def situation(reader: Reader, by_settings: budgets.BudgetLimits) -> dict[str, Any]:
    """Everything that is told; the limits of the settings for as long as no daemon has run here."""
    return {
        "limits": [each.as_json() for each in standings(reader, reader.now(), by_settings)],
        "set_by_person": budgets.overrides(reader),
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
    for limit, each in told["set_by_person"].items():
        amount = "no limit" if each["micros"] is None else dollars_text(each["micros"])
        click.echo(
            terminal.clean(f"{limit}: {amount}, set by {each['by']} at {each['at']}: {each['reason']}")
        )
    for each in told["limits"]:
        if each["declined_by"]:
            click.echo(terminal.clean(f"{each['declined_by']} said no to more for {each['limit']}"))


def _row(each: Standing) -> tuple[str, ...]:
    amount = "no limit" if each.granted_micros is None else dollars_text(each.granted_micros)
    left = "" if each.left_micros is None else dollars_text(each.left_micros)
    counted = map(dollars_text, (each.spent_micros, each.unsettled_micros, each.reserved_micros))
    return (each.limit, amount, *counted, left, str(each.waiting))
