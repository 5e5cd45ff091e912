"""Pieces of an output: nothing of it is missing, and no cut lets a secret through."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panel.task_output import Opened, piece_of
from panel.words import plain
from redaction import clean
from tests.unit.redaction.test_secrets_are_taken_out import SHAPES


def piece(data, start, most, *, is_live=False):
    return piece_of(Opened(io.BytesIO(data), len(data), is_live, 1, 1), start, most)


def read_all(data: bytes, most: int) -> str:
    shown, place = [], 0
    while place < len(data):
        found = piece(data, place, most)
        assert found["next"] > place
        shown.append(found["text"])
        place = found["next"]
    return "".join(shown)


@given(st.text(max_size=300), st.integers(4, 50))
def test_a_text_without_secrets_comes_whole_whatever_the_pieces(text, most):
    data = text.encode("utf-8", "replace")
    shown = data.decode()

    if clean(shown) == shown:
        assert read_all(data, most) == plain(shown)


@given(st.binary(max_size=300), st.integers(4, 50))
def test_any_bytes_come_to_an_end_and_are_harmless(data, most):
    assert plain(read_all(data, most)) == read_all(data, most)


@pytest.mark.parametrize("kind", SHAPES)
def test_no_cut_shows_a_part_of_a_secret(kind):
    secret = SHAPES[kind]
    data = f"one two\nthree {secret} four\nfive\n".encode()
    begin = data.index(secret.encode())

    for cut in range(begin, begin + len(secret), 3):
        first = piece(data, 0, cut)
        second = piece(data, first["next"], 1000)
        shown = first["text"] + second["text"]
        assert shown.startswith("one two\nthree [redacted:")
        assert shown.endswith("four\nfive\n")
        assert shown.replace(f"[redacted:{kind}]", "") == "one two\nthree  four\nfive\n"


@pytest.mark.parametrize("kind", SHAPES)
def test_of_what_is_being_written_no_part_of_a_secret_is_shown(kind):
    secret = SHAPES[kind]
    data = f"one two\nthree {secret} four\nfive\n".encode()

    shown, place = "", 0
    for length in range(1, len(data) + 1):
        found = piece(data[:length], place, 100_000, is_live=True)
        shown, place = shown + found["text"], found["next"]
        assert found["next"] >= found["offset"]

    shown += piece(data, place, 100_000)["text"]
    assert shown == f"one two\nthree [redacted:{kind}] four\nfive\n"
