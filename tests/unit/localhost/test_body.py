from __future__ import annotations

import flask
import pytest

from errors import SkepError
from localhost import body


def read(data, content_type="application/json", **options):
    app = flask.Flask(__name__)
    with app.test_request_context("/x", method="POST", data=data, content_type=content_type):
        return body.read_object(flask.request, **options)


def test_a_json_object_is_read():
    assert read('{"reason": "näh", "n": [1, {}]}') == {"reason": "näh", "n": [1, {}]}


def test_no_body_is_an_empty_object():
    assert read(b"") == {}


@pytest.mark.parametrize(
    ("data", "status", "line", "column"),
    [
        (b'{"a": 1,\n "a": 2}', 400, 2, 2),
        (b'{"a": NaN}', 400, 1, 7),
        (b'{"a": -Infinity}', 400, 1, 7),
        (b'{"a": 1e999}', 400, 1, 7),
        (b'{"a": ' + b"1" * 5000 + b"}", 400, 1, 7),
        (b"[" * 100_000, 400, 1, None),
        (b'{"a":' * 33 + b"1" + b"}" * 33, 400, 1, None),
        (b"{", 400, 1, None),
        (b"", 200, None, None),
        (b"\xff\xfe", 400, 1, 1),
        (b"[1]", 400, 1, 1),
        (b'"text"', 400, 1, 1),
        (b"null", 400, 1, 1),
        (b'{"a": "\\ud800"}', 400, None, None),
        (b'{"a": 1} x', 400, 1, 10),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(data, status, line, column):
    if status == 200:
        assert read(data) == {}
        return
    with pytest.raises(SkepError) as refused:
        read(data)
    assert refused.value.http_status == status
    if line is not None:
        assert refused.value.details["line"] == line
    if column is not None:
        assert refused.value.details["column"] == column


def test_a_body_over_the_bound_is_refused_before_it_is_parsed():
    with pytest.raises(SkepError) as refused:
        read(b'{"a": "' + b"x" * 2000 + b'"}', max_bytes=1000)
    assert refused.value.http_status == 413


def test_a_hundred_kilobytes_are_fine():
    assert len(read(b'{"a": "' + b"x" * 100_000 + b'"}')["a"]) == 100_000


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", None])
def test_only_json_is_read(content_type):
    with pytest.raises(SkepError) as refused:
        read(b"{}", content_type=content_type)
    assert refused.value.http_status == 415
