"""Whatever the API lets a program read bears an entity tag, and is not sent again to who has it."""

from __future__ import annotations

import pytest

from store import private_files
from tests.unit.panel.conftest import *  # noqa: F403  the fixtures
from tests.unit.panel.furnish import furnish_pages_of_tasks
from tests.unit.panel.furnish_runs import RunFurnisher

#: What goes on for ever, and what is handed over as a file in one piece after the other.
NO_TAGS = {"/api/v1/events/stream", "/api/v1/log/export", "/api/v1/tasks/<path:task_id>/download"}
PROCESS = "/api/v1/log/processes/<name>"


@pytest.fixture
def addresses(app, by, store, home):
    """One address of every route that is read, each of which has something to show."""
    furnish_pages_of_tasks(by)
    RunFurnisher(store, home).start(id="r", tasks=[{"id": "a", "prompt": "x"}])
    logs = home.state / "logs"
    logs.mkdir(mode=0o700)
    private_files.write(logs / "worker-1.jsonl", '{"msg": "it is up"}\n')
    named = {
        PROCESS: PROCESS.replace("<name>", "worker-1"),
        "<path:task_id>": "write-notes",
        "<decision_id>": store.reader.decisions()[0]["id"],
        "<run_id>": "r",
        "<other>": "r",
        "<name>": "a",
    }
    found = []
    for rule in app.url_map.iter_rules():
        address = rule.rule
        if "GET" in rule.methods and address.startswith("/api/v1/") and address not in NO_TAGS:
            for name, value in named.items():
                address = address.replace(name, value)
            found.append(address + ("?find=x" if address.endswith("/output/find") else ""))
    return found


def test_every_answer_to_a_get_has_a_tag_and_is_304_to_who_has_it(browser, addresses):
    assert len(addresses) > 40
    for address in [*addresses, "/api/v1/tasks?limit=5"]:
        first = browser.get(address)
        assert (first.status_code, "ETag" in first.headers) == (200, True), (address, first.text[:300])

        again = browser.get(address, {"If-None-Match": first.headers["ETag"]})

        assert (again.status_code, again.data) == (304, b""), address
        assert browser.get(address, {"If-None-Match": '"another"'}).status_code == 200, address


def test_a_tag_is_another_once_there_is_something_new(browser, by):
    tag = browser.get("/api/v1/tasks?limit=5").headers["ETag"]
    by.add("new")

    assert browser.get("/api/v1/tasks?limit=5", {"If-None-Match": tag}).status_code == 200
