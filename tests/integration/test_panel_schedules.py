"""The page of schedules and its routes: plain English, the next times, and three buttons."""

from __future__ import annotations

import pytest

from tests.integration.only_text import check_only_text
from tests.integration.test_panel_page import HOSTILE_TEXTS, Seen
from tests.unit.panel.conftest import *  # noqa: F403  the fixtures


def state(store, task_id):
    return store.reader.task(task_id)["state"]


def test_schedules_stand_there_in_plain_english_with_their_next_five_times(browser, by):
    by.add("nightly", every="0 3 * * *", prompt="Write the report.")

    (told,) = browser.get("/api/v1/schedules").json["schedules"]
    seen = Seen(browser.get("/schedules"))

    assert (told["id"], told["words"], len(told["next"])) == ("nightly", "every day at 03:00", 5)
    assert "every day at 03:00" in seen.text
    assert [found["datetime"] for tag, found in seen.tags if tag == "time"].count(told["next"][4]) == 1
    assert seen.buttons() == ["Run now nightly", "Skip the next nightly", "Stop nightly"]


def test_a_schedule_is_run_skipped_and_stopped(browser, by, store):
    by.add("nightly", every="0 3 * * *")
    (told,) = browser.get("/api/v1/schedules").json["schedules"]

    ran = browser.post("/api/v1/schedules/nightly/run")
    skipped = browser.post("/api/v1/schedules/nightly/skip", {"next": told["next"][0]})
    again = browser.post("/api/v1/schedules/nightly/skip", {"next": told["next"][0]})
    stopped = browser.post("/api/v1/schedules/nightly/stop", {"reason": "enough"})

    assert [answer.status_code for answer in (ran, skipped, again, stopped)] == [200, 200, 409, 200]
    assert "is in the queue" in ran.json["message"]
    assert state(store, "nightly") == "cancelled"
    assert browser.get("/api/v1/schedules").json["schedules"] == []
    actors = {
        row["actor"]
        for row in store.reader.connection.execute("SELECT actor FROM audit WHERE event = 'schedule'")
    }
    assert len(actors) == 1


def test_delayed_tasks_are_let_go_or_stopped(browser, by, store, clock):
    by.add("later", not_before=clock.now() + 500)
    by.requeue("again", "the model asks to come back later", 95)

    told = browser.get("/api/v1/schedules/delayed").json["delayed"]
    assert [(each["id"], each["reason"]) for each in told] == [
        ("again", "the model asks to come back later"),
        ("later", None),
    ]
    assert browser.post("/api/v1/schedules/later/run").status_code == 200
    assert browser.post("/api/v1/schedules/again/stop").status_code == 200
    assert (state(store, "later"), state(store, "again")) == ("ready", "cancelled")
    assert browser.post("/api/v1/schedules/later/run").status_code == 409
    assert browser.post("/api/v1/schedules/nobody/run").status_code == 404


def test_long_lists_come_in_pages(browser, by, clock):
    by.add(*[f"s{number}" for number in range(60)], every="0 3 * * *")
    by.add(*[f"d{number:02}" for number in range(60)], not_before=clock.now() + 500)

    for path, name in (("/api/v1/schedules", "schedules"), ("/api/v1/schedules/delayed", "delayed")):
        seen, place = [], ""
        while place is not None:
            page = browser.get(path, query_string={"limit": 25, "after": place}).json
            seen += [each["id"] for each in page[name]]
            place = page["next"]
        assert len(seen) == len(set(seen)) == 60
    page = Seen(browser.get("/schedules"))
    more = {found["id"]: found["href"] for _, found in page.tags if found.get("id", "").endswith("-more")}
    assert "s39" in Seen(browser.get(more["schedules-more"])).text
    assert "d39" in Seen(browser.get(more["delayed-more"])).text


@pytest.mark.parametrize("place", ["x", "1", "1:x", "nan:x", "1:-2", "1:" + "9" * 80])
def test_a_place_that_no_page_named_is_refused(browser, place):
    assert browser.get("/api/v1/schedules/delayed", query_string={"after": place}).status_code == 400


def test_empty_lists_teach_what_makes_them(browser):
    seen = Seen(browser.get("/schedules"))

    assert '"every"' in seen.text
    assert '"not_before"' in seen.text


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_text_of_unknown_origin_comes_out_as_text(browser, by, clock, text):
    clean = text.encode("utf-8", "replace").decode()
    by.add("s", every="0 3 * * *", prompt=clean)
    by.requeue("d", clean, 95, prompt=clean)

    seen = check_only_text(browser.get("/schedules"))
    assert len(seen.ids) == len(set(seen.ids))
