"""Prices: whole micro-dollars, rounded up, unknown where unknown."""

from __future__ import annotations

import pytest

from cost.price import price_of, to_dollars, worst_case_micros
from settings import Settings


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
    price = price_of(Settings(llm_price_input=read, llm_price_output=written), is_loopback=is_loopback)

    assert (None if price is None else price.cost_micros(1000, 10)) == cost


def test_the_worst_case_counts_a_token_for_each_byte_and_every_token_allowed() -> None:
    price = price_of(Settings(llm_price_input=1.0, llm_price_output=2.0), is_loopback=False)

    assert price is not None
    assert worst_case_micros(price, ["ab", "é"], 100) == 2 + 2 + 2 * 16 + 200


def test_micro_dollars_are_read_as_dollars() -> None:
    assert to_dollars(1_500_000) == 1.5
