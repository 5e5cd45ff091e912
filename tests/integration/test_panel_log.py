"""The page of the log over a real store: filters, pages, new rows, exports, and what the processes keep."""

from __future__ import annotations

import csv
import io
import json
import logging
import os

import pytest

import daemon_log
from clock import to_rfc3339
from panel.log_export import Exports
from settings import Settings
from store import event_pages
from store.event_pages import EventFilter
from tests.integration.test_panel_page import HOSTILE_TEXTS, Seen
from tests.unit.panel.conftest import *  # noqa: F403  the fixtures


def places(answer):
    return [event["seq"] for event in answer.json["events"]]


def test_events_are_told_newest_first_with_what_they_mean(browser, by):
    by.fail("bad", "exit code 2: no such file")

    seen = Seen(browser.get("/log"))

    assert seen.text.index("task.failed") < seen.text.rindex("task.queued")
    assert "exit code 2: no such file" in seen.text


@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        ("kind=task.failed", {"task.failed"}),
        ("kind=task.failed,task.approved", {"task.failed", "task.approved"}),
        ("kind=decision.", {"decision.asked"}),
        ("status=approved", {"task.approved"}),
        ("text=NO SUCH", {"task.failed"}),
        ("text=no such&task=good", set()),
        ("task=bad&status=failed", {"task.failed"}),
    ],
)
def test_filters_choose(browser, by, query, kinds):
    by.fail("bad", "exit code 2: no such file")
    by.approve("good", "fine")
    by.ask("asked", "Send it?")

    answer = browser.get(f"/api/v1/log?{query}")

    assert {event["event"] for event in answer.json["events"]} == kinds
    assert answer.json["older"] is None


def test_words_are_found_as_they_stand_with_quotes_and_letters_of_every_script(browser, by):
    by.fail("bad", 'it said "Größe \\ Maß" and went')

    assert len(places(browser.get('/api/v1/log?text="größe \\ maß"'.replace("größe", "Größe")))) == 1


@pytest.mark.parametrize(
    "query",
    [
        "kind=nonsense",
        "status=nonsense",
        "from=yesterday",
        "to=9e99",
        "what=1",
        "before=x",
        "text=" + "x" * 201,
    ],
)
def test_a_filter_that_cannot_be_meant_is_refused_with_its_rule(browser, query):
    assert browser.get(f"/api/v1/log?{query}").status_code == 400
    answer = browser.get(f"/log?{query}", headers={"Accept": "text/html"})
    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.text


def test_pages_go_both_ways_and_miss_nothing(browser, by):
    by.add(*[f"t{number}" for number in range(25)])
    seen = []
    page = browser.get("/api/v1/log?limit=10")
    while True:
        seen += places(page)
        if page.json["older"] is None:
            break
        page = browser.get(f"/api/v1/log?limit=10&before={page.json['older']}")

    assert seen == sorted(seen, reverse=True) == list(range(25, 0, -1))
    newer = browser.get("/api/v1/log?limit=10&after=5")
    assert places(newer) == list(range(15, 5, -1))
    assert (newer.json["older"], newer.json["newer"]) == ("6", "15")


def test_a_search_looks_through_a_stretch_and_says_where_it_goes_on(browser, by, monkeypatch):
    by.fail("rare", "the needle")
    by.add(*[f"t{number}" for number in range(40)])
    monkeypatch.setattr(event_pages, "STRETCH", 10)

    looks, page = 1, browser.get("/api/v1/log?text=needle")
    while not places(page):
        looks, page = looks + 1, browser.get(f"/api/v1/log?text=needle&before={page.json['older']}")

    assert looks == 5
    assert page.json["events"][0]["reason"] == "the needle"
    assert "Nothing fits among the 10 events" in browser.get("/log?text=needle").text
    assert "Look further back" in browser.get("/log?text=needle").text


def test_the_stretch_of_one_task_is_counted_in_its_own_events(store, by, monkeypatch):
    for name in ("a", "b", "c"):
        by.fail(name, "again")
    for name in ("a", "b", "c"):
        store.retry(name, "cli")
    monkeypatch.setattr(event_pages, "STRETCH", 3)
    asked = EventFilter(task_id="b")

    newest = event_pages.back(store.reader, asked, None, 100)
    older = event_pages.back(store.reader, asked, newest.first, 100)

    whole = [row["seq"] for row in store.reader.all("events_of", task_id="b", after=0, limit=99)]
    assert [row["seq"] for row in newest.rows + older.rows] == whole[::-1][: len(newest.rows + older.rows)]
    assert (len(newest.rows), newest.has_older) == (3, True)
    assert not event_pages.onward(store.reader, asked, whole[-3], 100).has_newer


def test_a_range_of_time_is_found_however_long_the_history(browser, by, clock):
    by.add("before")
    clock.advance(100)
    start = clock.now()
    by.add("within")
    clock.advance(100)
    by.add("after")

    found = browser.get(f"/api/v1/log?from={to_rfc3339(start)}&to={to_rfc3339(start + 50)}").json["events"]

    assert [event["task_id"] for event in found] == ["within"]
    assert browser.get(f"/api/v1/log?from={to_rfc3339(start + 500)}").json["events"] == []


def test_new_rows_come_as_a_piece_that_says_how_far_it_goes(browser, by):
    by.add("x")
    by.add("y")

    answer = browser.get("/log/new?after=1")

    assert answer.headers["Skep-Seen"] == "2"
    assert "y" in Seen(answer).text
    assert 'data-seq="1"' not in answer.text
    again = browser.get("/log/new?after=2")
    assert (again.headers["Skep-Seen"], again.text.strip()) == ("2", "")


def test_more_than_a_page_at_once_is_cut_and_said(browser, by):
    by.add(*[f"t{number}" for number in range(150)])

    answer = browser.get("/log/new?after=10")

    assert answer.text.count("data-seq=") == 100
    assert "More came at once than are shown here." in answer.text
    assert "/log?before=51" in answer.text


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_text_is_only_text(browser, by, text, home):
    clean = text.encode("utf-8", "replace").decode()
    by.refuse(f"task {clean}", clean, clean)
    by.fail("reason", clean, prompt=clean)
    folder = home.state / "logs"
    folder.mkdir()
    (folder / "swarm.jsonl").write_text(json.dumps(dict.fromkeys(("ts", "level", "message", "error"), clean)))

    for path in ("/log", f"/log?text={clean.replace('&', '')[:20]}", "/log/processes", "/log/new?after=0"):
        page = browser.get(path)
        seen = Seen(page)
        assert page.status_code == 200
        assert [found for tag, found in seen.tags if tag == "script" and "src" not in found] == []
        assert [found for tag, found in seen.tags if tag == "img" and "onerror" in found] == []
        assert not any(name.startswith(("on", "hx-on")) for _, found in seen.tags for name in found)
        assert not any(mark in page.text for mark in "\x00\x07\x1b\u202e")


# -- export ------------------------------------------------------------------------------------------------


def test_the_range_comes_as_json_lines(browser, by):
    by.fail("bad", "exit code 2")
    by.add(*[f"t{number}" for number in range(600)])

    answer = browser.get("/api/v1/log/export")
    lines = [json.loads(line) for line in answer.text.splitlines()]

    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    assert len(lines) > 600
    assert answer.headers["Content-Disposition"] == 'attachment; filename="skep-log.jsonl"'
    only = browser.get("/api/v1/log/export?task=bad&kind=task.failed").text.splitlines()
    assert [json.loads(line)["reason"] for line in only] == ["exit code 2"]


def test_a_spreadsheet_calculates_nothing_of_it(browser, by):
    ids = ["=1+1", "+1", "-1", "@SUM(A1)", "\uff1d1"]
    for name in ids:
        by.refuse(name, '=cmd|"/c calc"!A1\nnext line', "{}")

    rows = list(csv.DictReader(io.StringIO(browser.get("/api/v1/log/export?format=csv").text)))

    assert [row["task_id"] for row in rows] == [f"'{name}" for name in ids]
    assert json.loads(rows[0]["fields"])["reason"].startswith("=cmd")
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())


def test_few_exports_run_at_once(app, browser, by):
    app.extensions["skep-panel"].exports = Exports(most=0)

    answer = browser.get("/api/v1/log/export")

    assert (answer.status_code, answer.json["code"]) == (503, "too_many_exports")
    assert browser.get("/api/v1/log/export?format=xml").status_code == 400


# -- the processes' own logs -------------------------------------------------------------------------------


@pytest.fixture
def logging_here(home):
    """Logging as a process of the daemon sets it up; put back afterwards."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield lambda name: daemon_log.configure_logging(Settings(), name.partition("-")[0], home, name)
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = before
    root.setLevel(level)


def test_a_process_keeps_its_lines_for_its_user_alone_and_without_secrets(browser, home, logging_here):
    logging_here("worker-1")
    secret = "sk-ant-api03-" + "a1B2" * 12
    logging.getLogger("road").warning("the key is %s", secret)
    path = home.state / "logs/worker-1.jsonl"

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert secret not in path.read_text()
    (line,) = browser.get("/api/v1/log/processes/worker-1").json["lines"]
    assert (line["level"], line["process"], line["logger"]) == ("warning", "worker", "road")
    seen = Seen(browser.get("/log/processes?process=worker-1"))
    assert "the key is" in seen.text
    assert browser.get("/api/v1/log/processes").json == {"processes": ["worker-1"]}


def test_the_file_is_bounded_and_the_page_shows_its_end(browser, home, logging_here, monkeypatch):
    monkeypatch.setattr(daemon_log, "MOST_BYTES", 5_000)
    logging_here("swarm")
    for number in range(300):
        logging.getLogger("swarm").error("line %d", number)

    files = sorted(each.name for each in (home.state / "logs").iterdir())
    assert files == ["swarm.jsonl", "swarm.jsonl.1", "swarm.jsonl.2"]
    assert all(each.stat().st_size <= 5_000 for each in (home.state / "logs").iterdir())
    assert browser.get("/api/v1/log/processes/swarm").json["lines"][-1]["message"] == "line 299"


def test_no_link_is_followed_and_no_name_leads_elsewhere(browser, home, logging_here, tmp_path, capsys):
    (home.state / "logs").mkdir()
    target = tmp_path / "precious"
    target.write_text("precious")
    (home.state / "logs/swarm.jsonl").symlink_to(target)
    logging_here("swarm")
    logging.getLogger("swarm").error("not there")

    assert target.read_text() == "precious"
    assert browser.get("/api/v1/log/processes/swarm").json["lines"] == []
    for name in ("..%2Fexecution_token", "../state", "none"):
        assert browser.get(f"/api/v1/log/processes/{name}").status_code == 404
    assert "Traceback" not in capsys.readouterr().err


def test_new_lines_of_a_process_change_the_tag_of_the_page(browser, home, logging_here):
    logging_here("swarm")
    logging.getLogger("swarm").error("one")
    tag = browser.get("/log/processes/live").headers["ETag"]
    assert browser.get("/log/processes/live", headers={"If-None-Match": tag}).status_code == 304

    logging.getLogger("swarm").error("two")

    assert browser.get("/log/processes/live", headers={"If-None-Match": tag}).status_code == 200


def test_a_torn_or_foreign_line_costs_only_itself(home):
    (home.state / "logs").mkdir(parents=True)
    (home.state / "logs/swarm.jsonl").write_bytes(b'{"message": "one"}\n[1]\n\xff\n{"mess\n{"message": 7}\n')

    assert [line["message"] for line in daemon_log.tail(home, "swarm")] == ["one", "7"]
    os.mkfifo(home.state / "logs/panel.jsonl")
    assert daemon_log.tail(home, "panel") == []
