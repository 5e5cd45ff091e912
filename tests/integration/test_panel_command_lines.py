"""Every button that does something stands beside the command line that does the same."""

from __future__ import annotations

import re
import shlex
from html.parser import HTMLParser

import pytest

import skep
from panel.navigation import PAGES
from store import decisions
from store.records import Question
from tests.unit.panel.conftest import *  # noqa: F403  the fixtures
from tests.unit.panel.furnish import furnish, furnish_money, furnish_pages_of_tasks, furnish_run
from tests.unit.panel.furnish_rooms import furnish_rooms
from tests.unit.panel.furnish_runs import RunFurnisher

#: Buttons that only change what the page shows, or carry out what another has asked, by their id.
OF_THE_PAGE = re.compile(
    "menu-button|log-out|notify|ask-(no|yes)|kept-drop|copy-.+|compare-.+|output-.+|graph-(fit|full|larger|smaller|way)|log-pause|filter-go|way-.+"
    "|bulk-(all|clear|close|stop|leave|send)|money-.+-yes"
)
PATHS = [page.name for page in PAGES if page.name != "overview"]


class Buttons(HTMLParser):
    """The buttons of a page with what they say, and the texts of its `code`."""

    def __init__(self, page):
        super().__init__()
        self.buttons: list[dict[str, str | None]] = []
        self.code: set[str] = set()
        self._open: list[str] = []
        self._text = ""
        self.feed(page.text)

    def handle_starttag(self, tag, attributes):
        if tag == "button" and "dialog" not in self._open:
            self.buttons.append(dict(attributes))
        if tag in {"dialog", "code"}:
            self._open.append(tag)
            self._text = ""

    def handle_endtag(self, tag):
        if tag in {"dialog", "code"}:
            self._open.remove(tag)
        if tag == "code":
            self.code.add(self._text)

    def handle_data(self, data):
        self._text += data


@pytest.fixture
def furnished(store, home, by, browser):
    furnish_run(store)
    furnish_money(store)
    furnish(store)
    furnish_pages_of_tasks(by)
    furnish_rooms(store, home)
    furnish_runs_to_steer(store, home)
    removal = Question("removal", "Cancel them?", ("accept", "keep"), {"ids": ["t-1"]})
    store.write(lambda tx: decisions.ask(tx, removal))
    return browser


def furnish_runs_to_steer(store, home):
    """A run that failed and may be resumed, and one that asks a person."""
    by = RunFurnisher(store, home, None)
    by.start(id="failed-1", tasks=[{"id": "a", "prompt": "x"}])
    by.go(str, fails="a")
    by.start(id="asks-1", tasks=[{"id": "a", "prompt": "x"}])
    (claim,) = by.claim()
    by.ask(claim, "An answer.")


def actions(page):
    """Each button that does something: its id and its line, which stands on the page, too."""
    assert page.status_code == 200
    seen = Buttons(page)
    for button in seen.buttons:
        name = button.get("id") or ""
        is_search = button.get("type") == "submit" and not name
        if is_search or OF_THE_PAGE.fullmatch(name):
            continue
        line = button.get("data-cli")
        assert line, button
        assert line in seen.code, button
        yield name, line


def test_every_button_that_does_something_has_a_line_whose_verb_there_is(furnished):
    met, lines = set(), {}
    for path in [
        "",
        *PATHS,
        "add",
        "start-run",
        "runs/failed-1",
        "runs/asks-1",
        "log/processes",
        "tasks?status=pending,failed",
    ]:
        for name, line in actions(furnished.get(f"/{path}")):
            program, verb, *_ = shlex.split(line)
            assert (program, verb in skep.VERBS) == ("skep", True), (path, name, line)
            met.add(name)
            lines[name] = line

    for name in (
        "kill-switch-on",
        "pause",
        "run-doctor",
        "verify-audit",
        "ping-models",
        "open-add",
        "check-go",
    ):
        assert name in met
    assert {"resume-failed-1", "abort-asks-1", "resume", "abort", "fork-go", "go"} <= met
    assert lines["bulk-set"] == "skep priority ID... N"
    assert lines["ping-models"] == "skep ping"
    for begins in ("accept-removal", "skip-", "approve-", "bulk-", "set-"):
        assert any(name.startswith(begins) for name in met)


def test_the_pages_of_tasks_in_every_state_too(furnished):
    ids = [task["id"] for task in furnished.get("/api/v1/tasks?limit=100").json["tasks"]]
    verbs = {
        shlex.split(line)[1]
        for task_id in ids[:40]
        for _, line in actions(furnished.get(f"/tasks/{task_id}"))
    }

    assert {"approve", "reject", "cancel", "retry", "edit", "add"} <= verbs <= set(skep.VERBS)
