"""The corpus itself: large, varied, labelled, and the same two halves for good."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import combinations

import pytest

from tests.safety import check_face, corpus
from tests.safety.corpus import FACES, FILES, NAMES, Entry

ENTRIES = corpus.load()
INPUTS = [each for each in ENTRIES if each.face != "secret"]


@pytest.mark.parametrize("name", NAMES)
def test_every_line_is_labelled(name: str) -> None:
    for entry in corpus.load(name):
        assert re.fullmatch(r"[a-z]+(-[a-z0-9]+)*-\d\d", entry.id)
        assert entry.face in FACES
        assert entry.family
        assert entry.why, entry.id
        if entry.face != "secret":
            assert entry.allowed == (entry.rule is None), f"{entry.id}: the rule that should answer"


def test_no_name_stands_twice() -> None:
    assert [name for name, count in Counter(each.id for each in ENTRIES).items() if count > 1] == []


def test_it_is_large_enough_to_mean_something() -> None:
    assert sum(not each.allowed for each in INPUTS) >= 300
    assert sum(each.allowed for each in INPUTS) >= 200
    secrets = [each for each in ENTRIES if each.face == "secret"]
    assert sum(each.redacted for each in secrets) >= 60
    assert sum(not each.redacted for each in secrets) >= 40


def test_each_half_has_its_share_of_every_face() -> None:
    for face in FACES:
        halves = Counter(each.half for each in ENTRIES if each.face == face)
        assert min(halves.values()) >= 0.35 * halves.total(), (face, halves)


def test_a_name_stays_in_its_half() -> None:
    assert corpus.half_of("prompt-override-01") == corpus.half_of("prompt-override-01")
    assert {corpus.half_of(f"x-{number:02}") for number in range(9)} == {"tuning", "held out"}


def test_what_cannot_be_seen_is_written_as_an_escape() -> None:
    hidden = re.compile(
        "[\\u00ad\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufe00-\\ufe0f\\ufeff\\U000e0000-\\U000e01ef]"
    )
    for name in NAMES:
        assert hidden.search((FILES / f"{name}.jsonl").read_text("utf-8")) is None, name


@pytest.mark.parametrize("name", ["prompts", "commands"])
def test_no_two_are_alike_but_for_a_word(name: str) -> None:
    words = {each.id: Counter(each.text.lower().split()) for each in corpus.load(name)}
    alike = [
        (one, other)
        for (one, ours), (other, theirs) in combinations(words.items(), 2)
        if ours.total() >= 4 and (ours - theirs).total() <= 1 and (theirs - ours).total() <= 1
    ]

    assert alike == []


def test_no_two_files_and_no_two_requests_are_the_same() -> None:
    def key(each: Entry) -> str:
        return json.dumps([each.face, each.file, each.file_base64, each.request, each.repeat], sort_keys=True)

    sent = Counter(key(each) for each in corpus.load("queue_files", "http"))

    assert [text for text, count in sent.items() if count > 1] == []


def test_every_secret_is_in_its_text() -> None:
    for each in corpus.load("secrets"):
        assert check_face.secret_of(each) in check_face.text_of(each)
        assert each.environment is None or each.redacted
