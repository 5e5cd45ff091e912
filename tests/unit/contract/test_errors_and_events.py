"""The tree of errors as clients see it, and events that were not declared."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

import errors
from errors import SkepError
from events import EVENT_KINDS, EVENT_STATUSES, check_event


def tree(root: type[SkepError] = SkepError) -> Iterator[type[SkepError]]:
    yield root
    for below in root.__subclasses__():
        yield from tree(below)


ERRORS = [error for error in tree() if error.__module__ == "errors"]


def test_every_error_has_a_code_of_its_own():
    codes = [error.code for error in ERRORS]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z_]+", code) for code in codes)


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_without_words_says_its_docstring_in_one_line(error):
    assert error().message == error.__doc__
    assert "\n" not in error.__doc__
    assert error.__doc__.endswith(".")


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_is_a_problem_of_rfc_9457(error):
    problem = json.loads(json.dumps(error("no luck", task_id="a").to_problem()))
    assert problem["type"] == f"urn:skep:problem:{error.code}"
    assert (problem["detail"], problem["code"], problem["task_id"]) == ("no luck", error.code, "a")
    assert (problem["title"], problem["status"]) == (error.__doc__, error.http_status)
    assert 400 <= problem["status"] < 600


def test_every_error_stands_in_the_tree_that_opens_the_module():
    drawn = re.findall(r"[├└]── (\w+)", errors.__doc__ or "")
    assert sorted(["SkepError", *drawn]) == sorted(error.__name__ for error in ERRORS)


@pytest.mark.parametrize(
    ("kind", "status", "fields"),
    [
        ("task.sang", "failed", {}),
        ("task.failed", "sang", {}),
        ("task.failed", "pending", {}),
        ("task.failed", "failed", {"colour": 1}),
    ],
)
def test_an_event_that_was_not_declared_cannot_be_written(kind, status, fields):
    with pytest.raises(ValueError, match="undeclared event"):
        check_event(kind, status, fields)


def test_every_declared_event_can_be():
    for kind in EVENT_KINDS:
        for status in [*EVENT_STATUSES, None]:
            check_event(kind, status, {"reason": "x"})


def test_an_undeclared_event_takes_the_change_it_tells_of_with_it(store):
    def change(tx) -> None:
        tx.set_meta("k", "v")
        tx.emit("task.sang")

    with pytest.raises(ValueError, match="undeclared event"):
        store.write(change)
    assert store.reader.one("get_meta", key="k") is None
