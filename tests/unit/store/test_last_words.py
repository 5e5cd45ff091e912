"""What a process leaves for its supervisor: whole, once, without secrets, and never a reason to fail."""

from __future__ import annotations

import stat

import pytest

from redaction import KNOWN
from store import last_words


@pytest.fixture(autouse=True)
def _state(home):
    home.state.mkdir(mode=0o700)


def test_words_are_taken_once_and_only_by_their_name(home):
    last_words.leave(home, "swarm", "Port 1 is taken: müde.")

    assert last_words.take(home, "worker-1") is None
    assert last_words.take(home, "swarm") == "Port 1 is taken: müde."
    assert last_words.take(home, "swarm") is None


def test_words_are_private_hold_no_secret_and_fit(home):
    KNOWN.learn("hunter2-hunter2-hunter2", "test-key")
    last_words.leave(home, "swarm", "the key hunter2-hunter2-hunter2 is wrong " + "\U0001f41d" * 10_000)

    (file,) = home.state.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    words = last_words.take(home, "swarm")
    assert words is not None
    assert "hunter2" not in words


@pytest.mark.parametrize("content", [b"", b"not json", b"[1]", b'"x', b"\xff" * 9000])
def test_what_is_not_ours_is_no_word(home, content):
    path = home.state / "swarm.last_words"
    path.write_bytes(content)
    path.chmod(0o600)

    assert last_words.take(home, "swarm") is None
    assert not path.exists()


def test_a_home_that_takes_no_words_is_no_failure(home):
    home.state.rmdir()
    last_words.leave(home, "swarm", "anything")

    assert last_words.take(home, "swarm") is None
