"""Refused requests are on record, and no flood of them fills the disk."""

from __future__ import annotations

from typing import Any

import flask
import pytest

from errors import StoreFull
from localhost.refusals import MOST_IN_A_WINDOW, WINDOW_S, Refusals, Throttle
from testing.clock import FakeClock

KEY = ("request", "foreign_request")
OTHER = ("request", "not_authenticated")


class Records:
    """Keeps what would go into the audit."""

    def __init__(self) -> None:
        self.kept: list[dict[str, Any]] = []
        self.is_full = False

    def audit(self, event: str, decision: str, *, actor: str, **fields: Any) -> None:
        if self.is_full:
            raise StoreFull("no room")
        given = {name: value for name, value in fields.items() if value is not None}
        self.kept.append({"event": event, "decision": decision, "actor": actor, **given})


@pytest.fixture
def records() -> Records:
    return Records()


@pytest.fixture
def refusals(records: Records, clock: FakeClock):
    made = Refusals(records, "swarm", clock)
    yield made
    made.close()


def test_the_first_of_a_rule_are_written_and_the_rest_are_counted() -> None:
    throttle = Throttle(most=3)

    assert [throttle.is_written(KEY, 0.0) for _ in range(5)] == [True] * 3 + [False] * 2
    assert throttle.over(WINDOW_S - 1) == {}
    assert throttle.over(WINDOW_S) == {KEY: 2}
    assert throttle.is_written(KEY, WINDOW_S)


def test_rules_are_counted_apart() -> None:
    throttle = Throttle(most=1)

    assert throttle.is_written(KEY, 0.0)
    assert throttle.is_written(OTHER, 30.0)
    assert not throttle.is_written(KEY, 30.0)
    assert throttle.next_end() == WINDOW_S
    assert throttle.all() == {KEY: 1}


def test_nothing_is_due_where_nothing_was_counted() -> None:
    throttle = Throttle()
    throttle.is_written(KEY, 0.0)

    assert throttle.next_end() is None
    assert throttle.over(WINDOW_S) == {}


def test_a_million_refusals_leave_a_handful_of_records(
    records: Records, refusals: Refusals, clock: FakeClock
) -> None:
    for _ in range(5000):
        refusals.note("request", "foreign_request", path="/cycle")
    clock.advance(WINDOW_S)
    refusals.note("request", "foreign_request", path="/cycle")

    assert len(records.kept) == MOST_IN_A_WINDOW + 2
    assert records.kept[0] == {"event": "request", "decision": "blocked", "actor": "swarm",
                               "rule": "foreign_request", "path": "/cycle"}  # fmt: skip
    assert records.kept[MOST_IN_A_WINDOW]["count"] == 5000 - MOST_IN_A_WINDOW


def test_what_was_only_counted_is_written_at_the_stop(records: Records, refusals: Refusals) -> None:
    for _ in range(MOST_IN_A_WINDOW + 3):
        refusals.note("login", "not_authenticated")

    refusals.close()

    assert records.kept[-1]["count"] == 3


def test_what_was_only_counted_is_written_when_its_window_is_over(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localhost.refusals.Throttle", lambda: Throttle(most=1, window_s=0.05))
    refusals = Refusals(records, "swarm")
    for _ in range(4):
        refusals.note("request", "foreign_request")

    timer = refusals._timer
    assert timer is not None
    timer.join(10)

    assert records.kept[-1]["count"] == 3
    refusals.close()


def test_a_refusal_stands_though_it_cannot_be_kept(
    records: Records, refusals: Refusals, caplog: pytest.LogCaptureFixture
) -> None:
    records.is_full = True

    refusals.note("request", "foreign_request")

    assert "could not be put into the audit" in caplog.text


def test_a_refused_request_is_told_by_its_address_and_page_and_no_more(
    records: Records, refusals: Refusals
) -> None:
    app = flask.Flask(__name__)
    sent = {"Origin": "https://evil.example", "Authorization": "Bearer guess", "Cookie": "a=b"}
    with app.test_request_context("/cycle?token=guess", method="POST", data="a secret", headers=sent):
        refusals.note_request("foreign_request", flask.request, task_id="t")

    with app.test_request_context("/x", headers={"Referer": "https://user:pw@evil.example/?token=secret"}):
        refusals.note_request("foreign_request", flask.request)

    assert records.kept.pop()["origin"] == "https://evil.example"
    assert records.kept == [
        {"event": "request", "decision": "blocked", "actor": "swarm", "rule": "foreign_request",
         "method": "POST", "path": "/cycle", "origin": "https://evil.example", "task_id": "t"}
    ]  # fmt: skip
