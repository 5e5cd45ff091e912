"""What the tests of the panel's tasks ask for and look at."""

from __future__ import annotations

from tests.integration.test_panel_page import Seen

BULK = "/api/v1/tasks/bulk"
ADD = "/api/v1/tasks"
CHECK = "/api/v1/tasks/check"


def ids(answer):
    return [task["id"] for task in answer.json["tasks"]]


def shown(answer):
    return [found["data-task"] for tag, found in Seen(answer).tags if tag == "tr" and "data-task" in found]


def events(store):
    return store.reader.one("last_event_seq")["seq"]


def audits(store):
    return [row for row in store.reader.all("last_audit", limit=50) if row["event"] == "steering"]
