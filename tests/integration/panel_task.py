"""What the tests of a task's own page ask for."""

from __future__ import annotations

from urllib.parse import quote

from outcome import Verdict

REVIEWED = {"prompt": "Write the notes.", "review": "human", "max_attempts": 3}
SECRET = "sk-proj-" + "aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5z"


def page_of(browser, task_id, query=""):
    answer = browser.get(f"/tasks/{quote(task_id)}{query}")
    assert answer.status_code == 200, answer.text
    return answer


def api(browser, task_id, what, query=""):
    return browser.get(f"/api/v1/tasks/{quote(task_id)}/{what}{query}")


def answered(by, task_id, data, may_write=None, **fields):
    """A task with an attempt that printed some bytes and was approved by the critics."""
    claim = by.start(task_id, **fields)
    sink = by.write_live(claim)
    sink.write(data)
    by.end(claim, sink, Verdict(decision="APPROVE", confidence=0.9), may_write=may_write)
    return claim
