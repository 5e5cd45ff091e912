from __future__ import annotations

import pytest

from llm.contracts import ChatRequest, Message, Usage
from llm.draft import MOST_TOKENS, WORD_CHARS, Draft, estimate_usage, whole_number

REQUEST = ChatRequest((Message("system", "abcd"), Message("user", "\u00e4")), "asked", 10, None, 1.0)


def test_usage_is_estimated_from_bytes_rounded_up():
    assert estimate_usage(REQUEST, "abcde") == Usage(2, 2, "estimate")
    assert estimate_usage(REQUEST, "") == Usage(2, 0, "estimate")
    assert estimate_usage(REQUEST, "\ud800") == Usage(2, 1, "estimate")


def test_half_a_count_is_no_count():
    draft = Draft(lambda _: None)
    draft.count(7, None)
    assert draft.result(REQUEST).usage.source == "estimate"

    draft.count(None, 5)
    assert draft.result(REQUEST).usage == Usage(7, 5, "server")


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (None, "stop"),
        ("", "stop"),
        ("stop", "stop"),
        ("STOP", "stop"),
        ("end_turn", "stop"),
        ("length", "length"),
        ("max_tokens", "length"),
        ("MAX_TOKENS", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("something_new", "something_new"),
    ],
)
def test_odd_reasons_are_read(said, meant):
    assert Draft(lambda _: None, finish=said).result(REQUEST).finish_reason == meant


def test_what_a_server_calls_itself_is_one_short_printable_line():
    draft = Draft(lambda _: None, finish="\udfffdone\n")
    draft.name({"id": "a\x1b[31m\udfff", "model": "m\ud800" + "x" * 1_000_000})
    result = draft.result(REQUEST)

    assert (result.response_id, result.finish_reason) == ("a [31m", "done")
    assert result.model.startswith("m xxx")
    assert len(result.model) == WORD_CHARS

    draft.name({"id": 5, "model": "\ud800"})
    assert draft.result(REQUEST).response_id == "a [31m"


def test_only_an_answer_that_has_begun_and_ended_is_complete():
    draft = Draft(lambda _: None, ended=True)
    assert not draft.complete

    draft.begun = True
    assert draft.complete


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (3, 3),
        (0, 0),
        (-1, None),
        (True, None),
        (2.5, None),
        ("3", None),
        (None, None),
        (MOST_TOKENS, MOST_TOKENS),
        (MOST_TOKENS + 1, None),
        (10**4000, None),
    ],
)
def test_a_count_is_a_whole_number_that_everybody_can_read(value, count):
    assert whole_number(value) == count
