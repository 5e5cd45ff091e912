"""The page of money and models and its routes: limits with their source, spending, rates, a ping."""

from __future__ import annotations

import pytest

import control_panel
from panel.login import CodeBox
from settings import Settings
from store import budgets, rates
from tests.integration.only_text import check_only_text
from tests.integration.test_panel_page import HOSTILE_TEXTS, Seen
from tests.unit.panel.conftest import *  # noqa: F403  the fixtures
from tests.unit.panel.conftest import PORT, Browser
from tests.unit.panel.furnish import furnish_money
from tests.unit.panel.furnish_runs import RunFurnisher

DOLLAR = 1_000_000


def limits(browser):
    return {each["limit"]: each for each in browser.get("/api/v1/budget").json["limits"]}


def test_a_limit_is_set_with_a_reason_shown_with_its_source_and_cleared_again(browser, store):
    furnish_money(store)
    assert limits(browser)["day"]["source"] == "settings: budget_day_usd"

    given = {"limit": "day", "amount": "7.50", "reason": "release week"}
    assert browser.post("/api/v1/budget/set", given).status_code == 200

    day = limits(browser)["day"]
    assert (day["granted_micros"], day["settings_micros"]) == (7_500_000, 5 * DOLLAR)
    assert (day["source"], day["set_by_person"]["reason"]) == ("set by a person", "release week")
    page = Seen(browser.get("/budget"))
    assert "release week" in page.text
    assert "Clear day" in page.buttons()
    assert browser.post("/api/v1/budget/clear", {"limit": "day"}).status_code == 200
    assert limits(browser)["day"]["set_by_person"] is None


def test_what_limits_a_run_or_a_task_is_named_and_nothing_is_where_nothing_does(browser, store, home, by):
    work = RunFurnisher(store, home)
    task = [{"id": "a", "prompt": "x"}]
    work.start(id="own", tasks=task, policy={"budget_limit": {"amount": 0.12}})
    work.start(id="free", tasks=task)
    work.claim()

    told = limits(browser)
    assert (told["run:own"]["granted_micros"], told["run:own"]["source"]) == (120_000, "the run's policy")
    assert (told["task:own:a"]["granted_micros"], told["task:own:a"]["source"]) == (None, "no limit is set")


@pytest.mark.parametrize(
    "given",
    [
        {"limit": "day", "amount": "5.00"},
        {"limit": "day", "amount": "much", "reason": "x"},
        {"limit": "day", "amount": "-1", "reason": "x"},
        {"limit": "day", "reason": "x"},
        {"limit": "week", "amount": "5.00", "reason": "x"},
        {"limit": "day", "amount": "5.00", "reason": "x", "more": "x"},
        {"limit": "day", "amount": 5, "reason": "x"},
    ],
)
def test_a_limit_that_is_no_limit_is_refused(browser, store, given):
    assert browser.post("/api/v1/budget/set", given).status_code == 400
    assert budgets.overrides(store.reader) == {}


def test_no_limit_and_a_limit_of_nothing_can_be_set(browser, store):
    for amount, micros in (("none", None), ("0", 0), ("$0.00", 0)):
        given = {"limit": "total", "amount": amount, "reason": "x"}
        assert browser.post("/api/v1/budget/set", given).status_code == 200
        assert limits(browser)["total"]["granted_micros"] == micros


def test_spending_is_told_by_each_of_five(browser, store):
    furnish_money(store)

    def told(by, days=30):
        answer = browser.get(f"/api/v1/budget/spending?by={by}&days={days}").json
        return {row["name"]: row["micros"] for row in answer["rows"]}, answer["total_micros"]

    days, total = told("day")
    assert (len(days), sum(days.values())) == (20, total)
    assert set(told("model")[0]) == {"gpt-4o", "claude-sonnet"}
    assert set(told("identity")[0]) == {"", "ada"}
    assert set(told("run")[0]) == {"", "release-0.2"}
    assert set(told("tag")[0]) == {"docs", "nightly", "triage"}
    assert sum(told("identity")[0].values()) == total
    assert told("day", 3)[1] < total
    for by in ("day", "model", "identity", "run", "tag"):
        assert browser.get(f"/budget?by={by}&days=7").status_code == 200


@pytest.mark.parametrize("query", ["by=week", "days=0", "days=367", "days=x", "what=1"])
def test_a_wrong_address_is_refused(browser, query):
    assert browser.get(f"/api/v1/budget/spending?{query}").status_code == 400
    assert browser.get(f"/budget?{query}").status_code == 400


def test_calls_under_way_are_told_with_what_they_may_cost(browser, store):
    furnish_money(store)

    (told,) = browser.get("/api/v1/budget/reservations").json["reservations"]

    assert (told["task_id"], told["reserved_micros"]) == ("paid-2", 2 * DOLLAR)
    assert told["limits"] == ["model:claude-sonnet", "day", "total"]
    assert "At most" in Seen(browser.get("/budget")).text


def test_models_are_told_with_price_source_date_and_rate(browser, store, clock):
    furnish_money(store)

    told = browser.get("/api/v1/models").json
    (model,) = told["models"]

    assert (told["in_use"], model["price"]) == ("gpt-4o", "$2.5 read, $10 written per million tokens")
    assert model["source"].startswith("genai-prices")
    assert model["looked_up"] is not None
    by_kind = {rate["kind"]: rate for rate in model["rates"]}
    assert (by_kind["requests"]["left"], by_kind["tokens"]["left"]) == (59, 59_000)
    assert by_kind["tokens"]["full_at"] is not None
    clock.advance(60)
    assert browser.get("/api/v1/models").json["models"][0]["rates"][0]["full_at"] is None


def test_a_ping_tells_what_the_model_server_said(store, home, clock, model):
    settings = Settings(llm_base_url=model.url, llm_model="m")
    app = control_panel.create_app(store, home, settings, port=PORT, clock=clock)
    browser = Browser(app).log_in(CodeBox(home, clock).mint())

    told = browser.post("/api/v1/models/ping").json

    assert (told["reached"], told["welcome"], told["endpoint"]) == (True, True, model.url)
    assert model.url in told["message"]
    assert told["missing"] == ["m"]
    assert "but not m" in told["message"]
    home.kill_switch.write_text("stop")
    assert browser.post("/api/v1/models/ping").status_code == 503


def test_an_empty_home_teaches_what_stands_there_later(browser):
    seen = Seen(browser.get("/budget"))

    assert "Nothing was spent" in seen.text
    assert "skep budget set" in seen.text


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_text_of_unknown_origin_comes_out_as_text(browser, by, store, text):
    clean = text.encode("utf-8", "replace").decode()
    furnish_money(store)
    store.set_limit("day", DOLLAR, clean, f"x {clean}")
    store.set_limit(f"model:{clean}", DOLLAR, "ana", "x")
    known = {"context_window": None, "max_output": None, "now": 0.0}
    price = '["1", "1", "0", []]'
    store.write(lambda tx: tx.run("put_price", model=clean, price=price, source=clean, **known))
    limits = rates.RateLimits({clean: 5}, {})
    store.write(lambda tx: tx.set_meta(rates.RATE_LIMITS, limits.as_json()))
    store.set_fact(
        "model_status", {"ready": False, "model": clean, "endpoint": clean, "reason": clean}, "daemon.model"
    )

    for by_what in ("day", "tag"):
        check_only_text(browser.get(f"/budget?by={by_what}"))
