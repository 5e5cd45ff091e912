"""The kill switch on disk: set by whatever stands there, clear only where nothing does."""

from __future__ import annotations

import errno
import json
import os
import socket
from pathlib import Path

import pytest

from errors import StoreError, StoreReadOnly
from store import kill_file
from store.kill_file import KillFile

NOW = 1_800_000_000.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "KILL"


def reason(path: Path) -> str:
    found = kill_file.look(path)
    assert found is not None
    return found.reason


def refuse(monkeypatch, name: str, number: int) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, name, fail)


# -- what counts as set ------------------------------------------------------------------------------------


def test_where_nothing_stands_it_is_clear(path):
    assert kill_file.is_set(path) is False
    assert kill_file.look(path) is None


def test_a_home_that_has_no_state_yet_is_not_killed(tmp_path):
    assert kill_file.is_set(tmp_path / "nowhere" / "KILL") is False


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda path: path.mkdir(), "a directory"),
        (lambda path: path.symlink_to("nowhere"), "a symbolic link"),
        (lambda path: path.symlink_to("/etc/passwd"), "a symbolic link"),
        (os.mkfifo, "a pipe"),
    ],
)
def test_whatever_else_stands_there_has_set_it(path, make, what):
    make(path)

    assert kill_file.is_set(path)
    assert reason(path) == f"cannot be read: {what} stands there"


def test_a_socket_has_set_it(path, monkeypatch):
    monkeypatch.chdir(path.parent)  # the path of a socket has a short bound
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path.name)

        assert reason(path) == "cannot be read: a socket stands there"


def test_a_strangers_file_has_set_it(path, monkeypatch):
    path.write_text("let me in")
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    expected = "let me in" if path.stat().st_uid == 0 else f"belongs to uid {path.stat().st_uid}"

    assert kill_file.is_set(path)
    assert expected in reason(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_not_read(path):
    path.write_text("let me in")
    os.chown(path, 12345, 12345)

    assert reason(path) == "cannot be read: it belongs to uid 12345"


def test_a_file_that_cannot_be_opened_has_set_it(path, monkeypatch):
    path.write_text("why")
    refuse(monkeypatch, "open", errno.EACCES)

    assert reason(path) == "cannot be read: Permission denied"


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ELOOP, errno.ENOTDIR])
def test_a_place_that_cannot_be_looked_at_has_set_it(path, monkeypatch, number):
    refuse(monkeypatch, "lstat", number)

    assert kill_file.is_set(path)
    assert reason(path) == f"cannot be read: {os.strerror(number)}"


def test_a_state_directory_that_is_none_has_set_it(tmp_path):
    (tmp_path / ".swarm").write_text("not a directory")

    assert kill_file.is_set(tmp_path / ".swarm" / "KILL")


# -- what it says ------------------------------------------------------------------------------------------


def test_a_touched_file_gives_no_reason(path):
    path.touch()

    assert kill_file.look(path) == KillFile("", None, path.stat().st_mtime)
    assert KillFile().sentence == "the kill switch is on (skep kill-switch off)"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"it loops\n", "it loops"),
        (b"  two\n\tlines \r\n", "two lines"),
        (b'{"reason": "by a program"}', "by a program"),
        (b'{"reason": 7}', '{"reason": 7}'),
        (b'["x"]', '["x"]'),
        (b'{"reason": "cut', '{"reason": "cut'),
        (b"\xff\xfe", "��"),
        (b"\x1b[31mred\x00", "\\u001b[31mred\\u0000"),
        ("safe\u202etxt\u200b".encode(), "safe\\u202etxt\\u200b"),
        (b'{"reason": "\\ud800"}', "\\ud800"),
        (b'{"a":' * 900, ('{"a":' * 900)[:499] + "…"),
        (b"9" * 4096, "9" * 499 + "…"),
    ],
)
def test_the_reason_is_one_line_of_characters_that_can_be_seen(path, text, told):
    path.write_bytes(text)

    assert reason(path) == told


def test_a_million_bytes_are_not_read(path):
    path.write_bytes(b"x" * 1_000_000)

    assert reason(path) == "x" * 499 + "…"


@pytest.mark.parametrize("since", ["yesterday", 17, None, "9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00"])
def test_a_time_that_is_none_does_no_harm(path, since):
    path.write_text(json.dumps({"reason": "r", "since": since}))
    found = kill_file.look(path)

    assert found is not None
    assert found.to_json()["reason"] == "r"


def test_a_file_from_the_far_future_does_no_harm(path):
    path.touch()
    os.utime(path, (2**34, 2**34))
    found = kill_file.look(path)

    assert found is not None
    found.to_json()


# -- setting and clearing ----------------------------------------------------------------------------------


def test_it_is_set_for_this_user_alone_with_who_when_and_why(path):
    kill_file.turn_on(path, "cli:ada", NOW, "it  loops\n")
    found = kill_file.look(path)

    assert found == KillFile("it loops", "cli:ada", NOW)
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]
    assert found.sentence == "the kill switch is on: it loops (skep kill-switch off)"


def test_what_stood_there_gives_way(path, tmp_path):
    target = tmp_path / "target"
    target.write_text("mine")
    path.symlink_to(target)

    kill_file.turn_on(path, "cli", NOW, "why")

    assert reason(path) == "why"
    assert target.read_text() == "mine"


def test_where_a_directory_stands_it_is_set_already(path):
    path.mkdir()

    kill_file.turn_on(path, "cli", NOW, "why")

    assert reason(path) == "cannot be read: a directory stands there"
    assert list(path.parent.iterdir()) == [path]


def test_on_a_full_disk_it_is_set_without_its_reason(path, monkeypatch):
    refuse(monkeypatch, "write", errno.ENOSPC)

    kill_file.turn_on(path, "cli", NOW, "why")

    assert kill_file.is_set(path)
    assert reason(path) == ""


def test_a_full_disk_does_not_take_a_reason_that_is_there(path, monkeypatch):
    kill_file.turn_on(path, "cli", NOW, "first")
    refuse(monkeypatch, "write", errno.ENOSPC)

    kill_file.turn_on(path, "cli", NOW, "second")

    assert reason(path) == "first"


def test_where_it_cannot_be_set_that_is_said(path, monkeypatch):
    refuse(monkeypatch, "open", errno.EROFS)

    with pytest.raises(StoreReadOnly, match="cannot be written"):
        kill_file.turn_on(path, "cli", NOW, "why")


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.touch(),
        lambda path: path.mkdir(),
        lambda path: path.symlink_to("nowhere"),
        lambda path: path.symlink_to("."),
        os.mkfifo,
    ],
)
def test_whatever_stands_there_is_cleared(path, make):
    make(path)

    assert kill_file.turn_off(path) is True
    assert kill_file.is_set(path) is False
    assert kill_file.turn_off(path) is False


def test_a_directory_with_something_in_it_is_left_to_the_person(path):
    (path / "deep").mkdir(parents=True)

    with pytest.raises(StoreError, match="not empty; remove it by hand"):
        kill_file.turn_off(path)
    assert kill_file.is_set(path)
