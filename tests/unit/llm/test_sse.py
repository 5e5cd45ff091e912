from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm.sse import EventParser, ServerEvent


def parse(*pieces: bytes) -> list[ServerEvent]:
    parser = EventParser()
    events = [event for piece in pieces for event in parser.feed(piece)]
    return events + parser.finish()


def message(data: str) -> ServerEvent:
    return ServerEvent("message", data)


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: a\n\n", [message("a")]),
        (b"data: a\r\n\r\n", [message("a")]),
        (b"data: a\r\r", [message("a")]),
        (b"data:a\n\ndata:  b\n\n", [message("a"), message(" b")]),
        (b"data: a\ndata: b\n\n", [message("a\nb")]),
        (b"data\n\n", [message("")]),
        (b": heartbeat\n\n: another\ndata: a\n\n", [message("a")]),
        (b"event: error\ndata: a\n\ndata: b\n\n", [ServerEvent("error", "a"), message("b")]),
        (b"event: nothing\n\ndata: b\n\n", [message("b")]),
        (b"id: 1\nretry: 5\nunknown: x\ndata: a\n\n", [message("a")]),
        (b"\xef\xbb\xbfdata: a\n\n", [message("a")]),
        ("data: b\u00e4h\u2028x\n\n".encode(), [message("b\u00e4h\u2028x")]),
        (b"data: \xff\n\n", [message("\ufffd")]),
        (b"data: no blank line", [message("no blank line")]),
        (b"data: no blank line\n", [message("no blank line")]),
        (b"", []),
    ],
)
def test_a_stream_becomes_events(stream, events):
    assert parse(stream) == events


lines = st.one_of(
    st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), max_size=8).map(lambda t: f"data: {t}"),
    st.sampled_from(["", "event: error", ": comment", "data", "id: 7", "{}"]),
)
streams = st.lists(st.tuples(lines, st.sampled_from(["\n", "\r\n", "\r"])), max_size=12).map(
    lambda parts: "".join(line + end for line, end in parts).encode()
)


@given(streams, st.lists(st.integers(0, 200), max_size=12))
def test_the_boundaries_of_pieces_change_nothing(stream, cuts):
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    pieces = [stream[a:b] for a, b in itertools.pairwise(places)]

    assert parse(*pieces) == parse(stream)


@given(streams)
def test_single_bytes_change_nothing(stream):
    assert parse(*(bytes([byte]) for byte in stream)) == parse(stream)


def test_a_long_line_in_many_pieces_is_joined_once():
    pieces = [b"data: "] + [b"x" * 1000] * 5000 + [b"\n\n"]

    assert parse(*pieces) == [message("x" * 5_000_000)]
