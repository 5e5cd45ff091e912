"""The first page over a real store: who works, what ended, what changed; and how the daemon is steered."""

from __future__ import annotations

import html
import json
import re
import sqlite3

import pytest

from panel.past_ends import PastEnds
from store import database, processes, rates, sql
from store.processes import PROCESSES
from store.transaction import dump
from tests.integration.test_panel_page import HOSTILE_TEXTS, Seen
from tests.unit.panel.conftest import *  # noqa: F403  the fixtures
from tests.unit.panel.furnish import row_of, worker_with_room


def figure(browser, name):
    """The value of a metric without labels, or with exactly these."""
    lines = browser.get("/metrics").text.splitlines()
    return next(float(line.rpartition(" ")[2]) for line in lines if line.rpartition(" ")[0] == name)


def tell_model(store, reason, *, reached):
    """What the daemon tells of a model that can be asked."""
    fact = {"ready": True, "model": "m", "endpoint": "http://x/v1", "reason": reason, "reached": reached}
    store.set_fact("model_status", fact, "daemon.model")


def words_of(page):
    """The words of a page, a space between each two."""
    return " ".join(Seen(page).text.split())


def end_later(by, clock, task_id, seconds):
    """A task that ran for so long."""
    by.start(task_id)
    clock.advance(seconds)
    from store import recording

    by.store.write(lambda tx: recording.fail(tx, row_of(tx, task_id), "exit_code", "exit code 1"))


# -- what it shows ----------------------------------------------------------------------------------------


def test_it_tells_the_queue_what_runs_and_what_ended_in_a_day(browser, by, clock):
    by.fail("old", "exit code 1")
    clock.advance(2 * 86_400)
    by.approve("good")
    by.fail("bad", "exit code 1")
    by.block("evil", "rm is not allowed")
    by.start("runs")
    by.add("waits", "waits-too")

    seen = Seen(browser.get("/"))
    tiles = dict.fromkeys(["tile-queue", "tile-running", "tile-finished", "tile-failed"])
    page = browser.get("/").text
    for name in tiles:
        tiles[name] = int(page.partition(f'id="{name}"')[2].partition("<b>")[2].partition("</b>")[0])

    assert tiles == {"tile-queue": 2, "tile-running": 1, "tile-finished": 1, "tile-failed": 2}
    assert len(seen.ids) == len(set(seen.ids))


def test_it_tells_each_worker_with_what_it_runs_and_its_heartbeat(browser, by, store, clock):
    by.start("runs")
    store.write(lambda tx: processes.enter(tx, ["swarm", "worker-1", "worker-2", "worker-3"]))
    store.write(lambda tx: processes.come_up(tx, "worker-1"))
    store.write(lambda tx: processes.fall(tx, "worker-2", "<b>no port</b>"))
    store.set_capacity({"workers": 2, "pace": 4}, "panel")
    store.write(lambda tx: processes.come_up(tx, "worker-3"))

    seen = Seen(browser.get("/live"))

    assert "1 of 4 running" in seen.text
    assert "<b>no port</b>" in seen.text
    assert "goes when what it runs has ended" in seen.text
    beats = [found["datetime"] for tag, found in seen.tags if tag == "time" and "datetime" in found]
    assert len(beats) == 1


def test_a_worker_that_runs_more_than_its_pace_by_now_is_told_in_words(browser, by, store):
    for number in range(3):
        by.start(f"runs-{number}")
    assert "3 of 8 running" in Seen(browser.get("/live")).text
    store.set_capacity({"workers": 1, "pace": 2}, "panel")

    assert "3 running, then at most 2" in Seen(browser.get("/live")).text


def test_it_tells_the_model_and_how_often_one_whose_rate_is_limited_may_be_asked(browser, store):
    assert "has not looked for a model yet" in Seen(browser.get("/live")).text
    tell_model(store, "m answers at http://x/v1", reached=True)

    assert "m up answers at http://x/v1" in words_of(browser.get("/live"))


def test_of_a_model_that_nobody_has_asked_it_says_where_it_is_configured_alone(browser, store):
    tell_model(store, "m is configured at http://x/v1, and was not asked yet", reached=None)

    told = words_of(browser.get("/live"))

    assert "m configured at http://x/v1, not asked yet" in told
    assert "answers" not in told
    assert browser.get("/api/v1/models").json["reached"] is None


def test_of_a_model_that_the_last_call_could_not_reach_every_face_says_that(browser, store, clock):
    trouble = "The model server at http://x/v1 cannot be reached: nothing listens there."
    limits = rates.RateLimits({"m": 60})
    store.write(lambda tx: tx.set_meta(rates.RATE_LIMITS, limits.as_json()))
    store.write(lambda tx: rates.take(tx, limits, "m", 1))
    tell_model(store, f"m: {trouble}", reached=False)

    told = words_of(browser.get("/live"))

    assert f"m down {trouble}" in told
    assert "requests left" in told
    assert "m up" not in told
    assert browser.get("/api/v1/models").json["reached"] is False
    assert browser.get("/api/v1/status").json["model"]["reason"] == f"m: {trouble}"
    assert trouble in Seen(browser.get("/budget")).text
    assert figure(browser, "skep_model_ready") == 0


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_text_of_unknown_origin_comes_out_as_text(browser, by, store, text):
    clean = text.encode("utf-8", "replace").decode()
    fact = {f"worker-{clean}": {"up": False, "reason": clean, "passes": False}}
    store.write(lambda tx: tx.set_meta(PROCESSES, dump(fact)))
    store.set_fact(
        "model_status", {"ready": False, "model": clean, "endpoint": clean, "reason": clean}, "daemon.model"
    )
    store.pause("cli", clean)
    by.refuse(f"x {clean}", clean, clean)

    seen = Seen(page := browser.get("/"))

    assert page.status_code == 200
    assert not any(name.startswith(("on", "hx-on")) for _, found in seen.tags for name in found)
    assert [found for tag, found in seen.tags if tag == "script" and "src" not in found] == []
    assert not set("\x00\x08\x1b\u202e") & set(page.text)
    assert json.loads(browser.get("/api/v1/changes?since=0").text)["failed"][0]["reason"] != "\u202e"


def test_an_unknown_parameter_is_refused(browser):
    for path in ("/?x=1", "/live?x=1", "/metrics?x=1", "/api/v1/series?x=1", "/api/v1/pause?x=1"):
        assert browser.get(path).status_code == 400


# -- over time --------------------------------------------------------------------------------------------


def test_a_series_tells_ends_and_seconds_in_columns(browser, by, clock):
    by.approve("good")
    for number in range(4):
        end_later(by, clock, f"slow-{number}", 4)

    told = browser.get("/api/v1/series?span=1h").json

    assert (sum(told["approved"]), sum(told["failed"])) == (1, 4)
    assert 2.5 <= max(each for each in told["median_s"] if each is not None) <= 5
    assert browser.get("/api/v1/series?span=year").status_code == 400


def test_a_task_that_is_sent_back_and_ends_again_counts_again(browser, by, store):
    by.fail("x", "exit code 1")
    store.retry("x", "panel")
    by.approve("x")

    assert figure(browser, 'skep_tasks_ended_total{status="failed"}') == 1
    assert figure(browser, 'skep_tasks_ended_total{status="approved"}') == 1
    assert figure(browser, 'skep_tasks{status="failed"}') == 0


def test_a_home_of_before_has_its_ends_counted_when_it_is_opened(tmp_path):
    path = tmp_path / "state.db"
    opened = database.open_writer(path)
    steps = sql.migrations()
    for number, text in steps:
        if number < 11:
            opened.executescript(text)
    row = "INSERT INTO task (seq, id, state, lane, priority, doc, source, created, started, finished) VALUES "
    opened.execute(row + "(1, 'a', 'approved', 'llm', 0, '{}', 'cli', 0, 600, 603)")
    opened.execute(row + "(2, 'b', 'failed', 'llm', 0, '{}', 'cli', 0, NULL, 660)")
    opened.execute(row + "(3, 'c', 'ready', 'llm', 0, '{}', 'cli', 0, NULL, NULL)")
    opened.executescript(next(text for number, text in steps if number == 11))

    found = [tuple(each) for each in opened.execute("SELECT * FROM task_end ORDER BY minute")]
    opened.close()

    assert found == [(10, "approved", 5.0, 1, 3.0), (11, "failed", 0.0, 1, 0.0)]


def test_what_changed_since_a_time_is_told_in_a_few_lines(browser, by, store, clock):
    by.fail("before", "exit code 1")
    clock.advance(120)
    since = int(clock.now())
    clock.advance(60)
    by.approve("good")
    by.fail("bad", "exit code 2: no such file")
    by.ask("asked", "Send it?")
    store.pause("panel", "lunch")

    told = browser.get(f"/api/v1/changes?since={since}").json

    assert told["sentence"] == "1 approved, 1 failed, 1 new decision waits for you."
    assert [each["id"] for each in told["failed"]] == ["bad"]
    assert [each["event"] for each in told["daemon"]] == ["daemon.paused"]
    clock.advance(120)
    later = browser.get(f"/api/v1/changes?since={int(clock.now())}").json
    assert later["sentence"] == "Nothing ended, and nothing new waits for you."
    assert browser.get("/api/v1/changes").json["ended"]["failed"] == 2


# -- figures ----------------------------------------------------------------------------------------------


def test_metrics_tell_the_home_in_figures_to_who_may_know(browser, stranger, by, store, home, clock):
    by.add("waits")
    by.ask("asked", "Send it?")
    store.set_capacity({"workers": 3}, "panel")
    end_later(by, clock, "slow", 4)
    home.kill_switch.write_text("")

    assert figure(browser, 'skep_tasks{status="pending"}') == 1
    assert figure(browser, "skep_decisions_open") == 1
    assert figure(browser, "skep_workers_wanted") == 3
    assert figure(browser, "skep_kill_switch") == 1
    assert figure(browser, 'skep_task_seconds_bucket{le="2.5"}') == 0
    assert figure(browser, 'skep_task_seconds_bucket{le="+Inf"}') == 1
    assert figure(browser, "skep_task_seconds_sum") == 4
    assert stranger.get("/metrics").status_code == 401
    assert "waits" not in browser.get("/metrics").text.split('"')


def test_past_ends_are_summed_once_and_told_with_what_came_since(by, store, clock):
    ends = PastEnds()
    by.approve("a")
    clock.advance(600)
    assert ends.read(store.reader).by_state["approved"] == 1
    by.approve("b")
    assert [ends.read(store.reader).by_state["approved"] for _ in range(2)] == [2, 2]
    clock.advance(600)
    by.approve("c")
    assert [ends.read(store.reader).by_state["approved"] for _ in range(2)] == [3, 3]


# -- steering ---------------------------------------------------------------------------------------------


def test_pause_and_resume_are_told_and_put_on_record(browser, by, store, running_worker):
    by.add("x")
    assert browser.get("/api/v1/pause").json == {"paused": False, "by": None, "reason": None, "since": None}

    told = browser.post("/api/v1/pause", {"reason": "lunch"})

    assert told.json["message"] == "Paused: nothing new is started; what runs goes on."
    now = browser.get("/api/v1/pause").json
    assert (now["paused"], now["by"], now["reason"]) == (True, "panel", "lunch")
    assert "by you" in Seen(browser.get("/live")).text
    assert browser.post("/api/v1/resume").json["message"] == "Work goes on."
    assert browser.post("/api/v1/resume").json["message"] == "It was not paused."
    assert store.reader.gate().paused is None


def test_a_resume_says_what_holds_all_the_same(browser, store, home):
    store.pause("panel")
    home.kill_switch.write_text("stop")

    told = browser.post("/api/v1/resume").json["message"]

    assert told.startswith("It is no longer paused, but nothing is started all the same: the kill switch")


def test_workers_and_pace_are_set_and_taken_back(browser, store):
    assert browser.post("/api/v1/workers", {"count": 4}).json["workers"] == 4
    assert browser.post("/api/v1/pace", {"count": 2}).json == {
        "workers": 4,
        "pace": 2,
        "set": {"workers": True, "pace": True},
        "message": "Each worker runs 2 tasks at once now.",
    }
    assert {"workers-fewer", "workers-more", "workers-default", "pace-default"} <= set(
        Seen(browser.get("/live")).ids
    )

    assert browser.post("/api/v1/workers", {"count": None}).json["workers"] == store.settings.workers
    assert browser.get("/api/v1/pace").json["set"] == {"workers": False, "pace": True}


@pytest.mark.parametrize(
    "body", [{"count": 0}, {"count": 17}, {"count": "4"}, {"count": 1.5}, {"count": True}, {}, {"n": 1}]
)
def test_what_is_no_number_of_workers_is_refused(browser, store, body):
    answer = browser.post("/api/v1/workers", body)

    assert answer.status_code == 400, answer.json
    assert store.reader.fact("capacity") is None


def test_a_change_of_capacity_changes_the_tag_of_the_page(browser, store):
    tag = browser.get("/live").headers["ETag"]
    store.set_capacity({"pace": 3}, "cli")

    assert browser.get("/live", headers={"If-None-Match": tag}).status_code == 200


def test_a_heartbeat_changes_the_tag_of_the_page(browser, by, store, clock):
    claim = by.start("runs")
    tag = browser.get("/live").headers["ETag"]
    assert browser.get("/live", headers={"If-None-Match": tag}).status_code == 304
    clock.advance(5)
    store.heartbeat(worker_with_room(store), [claim.ref])

    assert browser.get("/live", headers={"If-None-Match": tag}).status_code == 200


def test_counting_an_end_is_one_row_however_many_there_were(store):
    plan = store.reader.connection.execute(
        "EXPLAIN QUERY PLAN SELECT min(within_s) FROM task_end_bound WHERE within_s >= 3"
    ).fetchall()
    assert isinstance(plan[0], sqlite3.Row)
    assert all("SEARCH" in each["detail"] for each in plan)


@pytest.mark.parametrize("path", ["/", "/tasks", "/add", "/graph"])
def test_the_first_commands_that_are_taught_are_allowed_and_need_no_repository(browser, path):
    page = html.unescape(browser.get(path).text)
    taught = re.findall(r'"command": "([^"]+)"', page)

    assert taught or path == "/graph"
    for command in taught:
        said = browser.post("/api/v1/safety/check", {"mode": "local", "text": command}).json
        assert (said["allowed"], command.startswith("git")) == (True, False), command
