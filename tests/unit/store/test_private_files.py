"""A secret is read only from a file that nobody else could have read or made."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from errors import StoreReadOnly
from store import database, private_files
from store.private_files import NotPrivate


def test_what_is_written_is_read_again_and_closed_from_the_first_moment(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        private_files.write(tmp_path / "secret", "one")
        private_files.write(tmp_path / "secret", "two")
    finally:
        os.umask(before)

    assert private_files.read(tmp_path / "secret") == "two"
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o666])
def test_what_others_can_read_or_change_is_not_read(tmp_path: Path, mode: int) -> None:
    private_files.write(tmp_path / "secret", "one")
    (tmp_path / "secret").chmod(mode)

    with pytest.raises(NotPrivate, match="chmod 600"):
        private_files.read(tmp_path / "secret")


@pytest.mark.parametrize("kind", ["symlink", "fifo", "directory"])
def test_what_is_no_plain_file_is_not_read_and_nothing_waits_for_it(tmp_path: Path, kind: str) -> None:
    private_files.write(tmp_path / "other", "one")
    path = tmp_path / "secret"
    if kind == "symlink":
        path.symlink_to(tmp_path / "other")
    elif kind == "fifo":
        os.mkfifo(path, 0o600)
    else:
        path.mkdir(0o700)

    with pytest.raises(NotPrivate):
        private_files.read(path)


def test_a_link_in_the_way_of_writing_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    (tmp_path / f"secret.{os.getpid()}").symlink_to(tmp_path / "precious")
    (tmp_path / "secret").symlink_to(tmp_path / "precious")

    private_files.write(tmp_path / "secret", "one")

    assert (tmp_path / "precious").read_text() == "precious"
    assert private_files.read(tmp_path / "secret") == "one"


def test_a_missing_file_is_told_as_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        private_files.read(tmp_path / "secret")


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")
def test_a_state_directory_of_another_user_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / ".swarm"
    path.mkdir()
    os.chown(path, 12345, 12345)
    monkeypatch.setattr("os.geteuid", lambda: 54321)

    with pytest.raises(StoreReadOnly, match="belongs to another user"):
        database.prepare_state_directory(path)
