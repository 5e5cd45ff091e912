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


@pytest.mark.parametrize("is_live", [False, True])
@pytest.mark.parametrize("most", [10_000, 65_536])
def test_no_piece_of_a_key_far_longer_than_what_is_looked_at_with_it_is_shown(most, is_live):
    line = "MIIEpAIBAAKCAQEA7bq" * 3 + "+/=9\n"
    key = "-----BEGIN RSA PRIVATE KEY-----\n" + line * 8_000 + "-----END RSA PRIVATE KEY-----"
    data = f"before\n{key}\n(after)\nthe end\n".encode()

    shown, place = "", 0
    while place < len(data):
        found = piece(data, place, most, is_live=is_live)
        shown, place = shown + found["text"], found["next"]

    assert shown == "before\n[redacted:private-key]\n(after)\nthe end\n"
    assert piece(data, None, most)["text"].endswith("\n(after)\nthe end\n")
    assert line[:20] not in piece(data, None, most)["text"]


def test_what_follows_a_key_that_has_ended_is_shown_however_much_it_looks_like_one():
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n"
    data = (key + "hay\n" * 100_000).encode()

    assert piece(data, 300_000, 8)["text"] in "hay\n" * 4
