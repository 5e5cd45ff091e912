"""What `/metrics` tells of runs and model calls, and that what is asked costs no look through the history."""

from __future__ import annotations

import threading

import pytest
from prometheus_client.parser import text_string_to_metric_families

import control_panel
from setting_sources import load_settings
from stopping import Stop
from store import recording
from telemetry.follower import Follower, read_state
from testing.durable_runs import DurableRuns
from testing.running_daemon import free_port
from tests.integration.swarm_rig import eventually
from tests.unit.panel.conftest import *  # noqa: F403  the fixtures


@pytest.fixture
def figures(app, browser, store, home):
    """Follows the home from here on, and reads what the panel then tells."""
    home.traces.mkdir()
    follower = Follower(home, store.settings, store.reader, {}, "1.0")
    follower.take_up()
    app.extensions["skep-panel"].counters = lambda: follower.figures

    def read() -> dict[tuple[str, ...], float]:
        follower.follow_up()
        families = text_string_to_metric_families(browser.get("/metrics").text)
        samples = [sample for family in families for sample in family.samples]
        return {
            (each.name, *(value for _, value in sorted(each.labels.items()))): each.value for each in samples
        }

    return read


def test_runs_and_their_tasks_are_counted(figures, store, who):
    rig = DurableRuns(store, who, lambda name: f"ok:{name}")
    run = rig.start(tasks=[{"id": "a", "prompt": "x"}, {"id": "b", "prompt": "x", "deps": ["a"]}])
    rig.go(run)
    rig.start(tasks=[{"id": "a", "prompt": "x"}])

    told = figures()

    assert (told["skep_runs", "completed"], told["skep_runs", "running"], told["skep_runs", "failed"]) == (
        1,
        1,
        0,
    )
    assert told["skep_run_tasks_ended_total", "approved"] == 2


def test_calls_tokens_money_and_refusals_are_counted_by_model(figures, by, store):
    def calls(tx):
        told = {"actor": "swarm", "call": "c", "model": "m"}
        tx.audit("model_call", "blocked", rule="budget-day", **told)
        tx.audit("model_call", "settled", cost_micros=1_500_000, tokens_read=20, tokens_written=3, **told)
        tx.emit("budget.settled", call="c", model="m", reserved_micros=100, cost_micros=40)

    store.write(calls)

    told = figures()

    assert told["skep_model_tokens_total", "input", "m"] == 20
    assert told["skep_model_tokens_total", "output", "m"] == 3
    assert told["skep_model_cost_dollars_total", "m"] == 1.5
    assert told["skep_model_calls_total", "m", "settled"] == 1
    assert told["skep_budget_denials_total", "budget-day"] == 1
    assert told["skep_estimate_error_ratio_bucket", "0.75"] == 1
    assert told["skep_estimate_error_ratio_bucket", "0.5"] == 0
    assert told["skep_estimate_error_ratio_count",] == 1


def test_names_that_others_chose_stay_inside_their_label(figures, store):
    name = 'm"} 1\nskep_kill_switch 1\n\\'
    store.write(
        lambda tx: tx.audit("model_call", "settled", actor="swarm", call="c", model=name, cost_micros=1)
    )

    assert figures()["skep_model_cost_dollars_total", name] == 1e-06


def test_runs_are_counted_by_an_index_alone(store):
    plan = store.reader.connection.execute(
        "EXPLAIN QUERY PLAN " + store.reader._queries["runs_by_state"]
    ).fetchall()

    assert [row["detail"] for row in plan] == ["SCAN run USING COVERING INDEX run_state"]


def test_the_panel_follows_its_home_until_it_stops(home, store, by):
    stop = Stop()
    loaded = load_settings(home, {}, {"panel_port": free_port()})
    serving = threading.Thread(
        target=control_panel.run, args=(home, loaded, stop), kwargs={"supervised": True}
    )
    serving.start()
    try:
        eventually(lambda: read_state(home), "it follows")
        by.start("t")
        store.write(lambda tx: recording.fail(tx, tx.one("get_task", id="t"), "exit_code", "it failed"))
    finally:
        stop.ask("the test is over")
        serving.join(20)

    assert (home.traces / "spans.jsonl").read_text("utf-8").count('"name":"task"') == 1
