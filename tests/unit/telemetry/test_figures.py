"""Counters are bounded, cumulative, and read again as they were told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from telemetry.figures import MOST_LABELS, OTHER, SHARES, Figures


def call(model: str, decision: str = "settled", **told: Any) -> dict[str, Any]:
    row = {"decision": decision, "rule": told.pop("rule", None), "cost_micros": 7}
    return row | {"data": json.dumps({"model": model, **told})}


def test_names_that_are_made_up_count_together() -> None:
    figures = Figures()
    for number in range(MOST_LABELS + 50):
        figures.add_call(call(f"m-{number}", tokens_read=2))
        figures.add_call(call("m-0", "blocked", rule=f"rule-{number}"))

    assert figures.calls[(OTHER, "settled")] == 50
    assert figures.tokens[(OTHER, "input")] == 100
    assert len({key[0] for key in figures.calls}) == MOST_LABELS + 1
    assert figures.denials[(OTHER,)] == 50


def test_an_estimate_is_counted_by_what_it_was_too_much() -> None:
    figures = Figures()
    for cost, unsettled in ((100, None), (40, None), (100, True)):
        told = {"reserved_micros": 100, "cost_micros": cost, "unsettled": unsettled}
        figures.add_event({"event": "budget.settled", "task_id": "t", "data": json.dumps(told)}, [])

    assert figures.errors.counts[SHARES.index(0.0)] == 1
    assert figures.errors.counts[SHARES.index(0.75)] == 1
    assert sum(figures.errors.counts) == 2


def test_counters_are_read_as_they_were_told_and_others_are_refused() -> None:
    figures = Figures()
    figures.add_call(call("m", tokens_read=2, tokens_written=3))
    told = json.loads(json.dumps(figures.as_json()))

    assert Figures.of_json(told).as_json() == figures.as_json()
    told["errors"] = [[1], 0]
    with pytest.raises(ValueError, match="bounds"):
        Figures.of_json(told)
