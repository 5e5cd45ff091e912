"""Prices: whole micro-dollars, rounded up, unknown where unknown."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cost.cost_calculator import MOST_BELIEVED, Counted, bill_of, worst_case
from cost.model_catalog import ModelFacts, price_of_settings
from cost.price import Price, Step
from money import dollar_places, dollars_text, read_amount, to_dollars
from settings import Settings

DEARER_WHEN_LONG = Price(
    Decimal(1), Decimal(10), steps=(Step(100, Decimal(2), Decimal(20)), Step(1000, Decimal(4), Decimal(15)))
)


@pytest.mark.parametrize(
    ("read", "written", "is_loopback", "cost"),
    [
        (None, None, True, 0),
        (None, None, False, None),
        (1.0, None, False, None),
        (None, 1.0, False, None),
        (1.0, 10.0, False, 1100),
        (1.0, 10.0, True, 1100),
        (1.0, None, True, 1000),
        (0.05, 0.08, False, 51),  # 50.8
        (0.0, 0.0, False, 0),
    ],
)
def test_the_cost_of_a_call(
    read: float | None, written: float | None, is_loopback: bool, cost: int | None
) -> None:
    settings = Settings(llm_price_input=read, llm_price_output=written)

    price = price_of_settings(settings, is_loopback=is_loopback)

    assert (None if price is None else price.cost_micros(1000, 10)) == cost


def test_the_worst_case_counts_a_token_for_each_byte_and_every_token_allowed() -> None:
    facts = ModelFacts(Price(Decimal(1), Decimal(2)))

    assert worst_case(facts, ["ab", "\u00e9"], 100) == 2 + 2 + 2 * 16 + 200


def test_the_worst_case_counts_no_more_than_the_model_reads_and_writes() -> None:
    facts = ModelFacts(Price(Decimal(1), Decimal(2)), context_window=1000, max_output=50)

    assert worst_case(facts, ["x" * 5000], 100) == 1000 + 2 * 50


def test_a_long_prompt_is_paid_by_its_step_and_feared_by_the_dearest_it_may_reach() -> None:
    price = DEARER_WHEN_LONG

    assert price.cost_micros(100, 1) == 100 + 10
    assert price.cost_micros(101, 1) == 202 + 20
    assert price.cost_micros(1001, 1) == 4004 + 15
    assert price.most_micros(100, 1) == 100 + 10
    assert price.most_micros(1001, 1) == 4004 + 20
    assert Price.from_json(price.as_json()) == price


def test_a_price_for_each_call_counts_once() -> None:
    assert Price(Decimal(0), Decimal(0), call=Decimal("5000.5")).cost_micros(0, 0) == 5001


@pytest.mark.parametrize(
    ("counted", "is_settled", "micros"),
    [
        (Counted(100, 10, "server", has_text=True), True, 200),
        (Counted(100, 0, "server", has_text=False), True, 100),
        (Counted(100, 10, "estimate", has_text=True), False, 999),
        (Counted(0, 0, "server", has_text=True), False, 999),
        (Counted(0, 10, "server", has_text=True), False, 999),
        (Counted(100, 0, "server", has_text=True), False, 999),
        (Counted(MOST_BELIEVED + 1, 1, "server", has_text=True), False, 999),
        (Counted(1, 10**30, "server", has_text=True), False, 999),
        # What a server really charged counts, also where it is more than was reserved.
        (Counted(5000, 10, "server", has_text=True), True, 5100),
    ],
)
def test_what_nobody_counted_is_booked_at_the_worst_case(
    counted: Counted, is_settled: bool, micros: int
) -> None:
    bill = bill_of(Price(Decimal(1), Decimal(10)), counted, 999)

    assert (bill.is_settled, bill.micros) == (is_settled, micros)


def test_micro_dollars_are_read_as_dollars() -> None:
    assert to_dollars(1_500_000) == 1.5


@pytest.mark.parametrize(
    ("micros", "text"),
    [(0, "$0.00"), (123, "$0.000123"), (4_970_000, "$4.97"), (5_000_000, "$5.00"), (1_234_567, "$1.234567")],
)
def test_a_person_reads_cents_and_more_only_where_there_is_more(micros: int, text: str) -> None:
    assert dollars_text(micros) == text
    assert read_amount(text) == (micros or None)


@pytest.mark.parametrize(
    "text",
    ["", "0", "-5", "nan", "inf", "1e3", "5,00", "0.0000001", "$", "True", "5 dollars", "\u0665", "1" * 10],
)
def test_what_is_no_amount_over_nothing_is_not_read(text: str) -> None:
    assert read_amount(text) is None


def test_amounts_of_a_column_have_as_many_digits_as_the_finest_of_them():
    amounts = [90_000, 64_100, None, 5_000_000]
    places = dollar_places(amounts)

    told = [dollars_text(each, places) for each in amounts if each is not None]

    assert told == ["$0.0900", "$0.0641", "$5.0000"]
    assert (dollar_places([]), dollar_places([1_000_000])) == (2, 2)
