"""Where the entries of a queue file stand."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.queue_file.places import places_of

FILE = b"""{"note": {"id": "a"}, "tasks": [
  {"id": "a", "prompt": "x\\n", "more": {"id": "b"}},
  5, {"prompt": "no id"}, {"id": "b"}
 ],
 "failed": [{"id": "c", "raw": "{\\"id\\": \\"d\\"}"}, {"id": "a"}]}
"""


def test_every_entry_is_found_by_its_id_where_it_begins():
    assert places_of(FILE) == {"a": (2, 3), "b": (3, 27), "c": (5, 13)}
    assert places_of(b"\xef\xbb\xbf" + FILE)["b"] == (3, 27)


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{", b'{"tasks": [{"id": "a"}', b'{"tasks": 5', b'{"tasks": [{"id": "a"} {]}', b"\xff"],
)
def test_of_a_broken_file_as_much_is_told_as_can_be_read(data):
    assert set(places_of(data)) <= {"a"}


def test_nesting_without_end_is_left_alone():
    assert places_of(b'{"tasks": ' + b"[" * 100_000) == {}


@given(st.lists(st.text('ab"\\n{}[]', max_size=5), unique=True, max_size=6), st.sampled_from([None, 1, 3]))
def test_what_json_writes_is_found_again(ids, indent):
    text = json.dumps({"completed": [{"x": [{"id": "z"}], "id": each} for each in ids]}, indent=indent)

    for task_id, (line, column) in places_of(text.encode()).items():
        rest = "\n".join([text.split("\n")[line - 1][column - 1 :], *text.split("\n")[line:]])
        assert json.JSONDecoder().raw_decode(rest)[0]["id"] == task_id
    assert set(places_of(text.encode())) == set(ids)
