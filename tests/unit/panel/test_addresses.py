"""Addresses are those that Flask makes, and made once."""

from __future__ import annotations

from panel.addresses import url_for


def test_an_address_is_as_flask_makes_it(app):
    values = {"task_id": "a/b c", "after": "5", "tag": None, "q": "ä&b"}
    with app.test_request_context():
        assert url_for("api_tasks.show_task", **values) == "/api/v1/tasks/a/b%20c?after=5&q=%C3%A4%26b"
        assert url_for("api_tasks.show_task", **values) == "/api/v1/tasks/a/b%20c?after=5&q=%C3%A4%26b"


def test_values_that_are_equal_and_written_differently_have_addresses_of_their_own(app):
    with app.test_request_context():
        assert [url_for("inbox.show", show=value) for value in (1, True, 1.0)] == [
            "/inbox?show=1",
            "/inbox?show=True",
            "/inbox?show=1.0",
        ]


def test_a_list_of_values_stands_one_by_one(app):
    with app.test_request_context():
        assert url_for("inbox.show", show=["a", "b"]) == "/inbox?show=a&show=b"
