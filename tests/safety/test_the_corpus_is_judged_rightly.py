"""Every line of the corpus at the face it belongs to.

Nothing hostile passes and nothing honest is refused but
what is known to, and that is known to the line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.safety import check_face, corpus, faces, known
from tests.safety.homes import ENVIRONMENT, furnished
from tests.safety.verdicts import Verdict

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]


def expect_no_news(verdicts: list[Verdict]) -> None:
    lines = known.news(verdicts)
    if lines:
        pytest.fail("\n".join(lines), pytrace=False)


def test_prompts_and_commands_are_told_apart(tmp_path: Path) -> None:
    expect_no_news(faces.ask_check(tmp_path / "home", corpus.load("prompts", "commands")))


def test_secrets_are_taken_out_and_what_looks_like_one_stays(tmp_path: Path) -> None:
    expect_no_news(faces.ask_check(tmp_path / "home", corpus.load("secrets")))


def test_one_text_is_answered_as_a_line_of_many_is(tmp_path: Path) -> None:
    home = furnished(tmp_path / "home", **ENVIRONMENT)
    (entry,) = (each for each in corpus.load("secrets") if each.id == "secret-structure-01")

    told = home.skep("check", check_face.text_of(entry), "--json")

    answer = json.loads(told.stdout)
    assert told.returncode == 0
    assert answer["allowed"] is True
    assert check_face.secret_of(entry) not in told.stdout


def test_queue_files_do_no_harm_and_honest_ones_run(tmp_path: Path) -> None:
    expect_no_news(faces.ask_queue(tmp_path / "home", corpus.load("queue_files")))


def test_requests_are_answered_to_those_who_may_ask(tmp_path: Path) -> None:
    expect_no_news(faces.ask_http(tmp_path / "home", corpus.load("http")))
