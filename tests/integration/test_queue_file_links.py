"""A queue file in whose place stands a link that leads to no file: it is refused, and all else goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from testing.running_daemon import RunningDaemon
from tests.unit.queue_file.keeping import Keeping

A = {"id": "a", "prompt": "say hello"}
B = {"id": "b", "prompt": "say more"}


def to_itself(file: Path) -> None:
    file.symlink_to(file.name)


def round_in_a_circle(file: Path) -> None:
    (file.parent / "other.json").symlink_to(file.name)
    file.symlink_to("other.json")


def through_a_circle(file: Path) -> None:
    (file.parent / "folder").symlink_to("folder")
    file.symlink_to("folder/queue.json")


def into_no_folder(file: Path) -> None:
    file.symlink_to("nowhere/queue.json")


LINKS = [to_itself, round_in_a_circle, through_a_circle, into_no_folder]


@pytest.mark.parametrize("link", LINKS)
def test_a_link_that_leads_to_no_file_is_refused_once_and_left(
    keeping: Keeping, link: Callable[[Path], None]
) -> None:
    keeping.put(B)
    keeping.file.unlink()
    link(keeping.file)
    leads_to = keeping.file.readlink()
    for _ in range(3):
        keeping.store.write(lambda tx: tx.mark_dirty(1))  # there is something to show
        keeping.round()

    assert keeping.file.readlink() == leads_to
    (refused,) = keeping.events("queue_file.refused")
    assert refused["reason"].startswith(f"queue.json: is a symbolic link to {leads_to}, wh")
    assert ("mount or bring back what holds it" in refused["reason"]) == (link is into_no_folder)
    assert refused["reason"].endswith(" put a plain file of your own in its place")

    keeping.save({"tasks": [A, B]})
    keeping.round()
    assert keeping.status("a") == "pending"
    assert not keeping.file.with_name("queue.json.error").exists()


@pytest.mark.parametrize("link", LINKS)
def test_a_link_that_leads_to_no_file_is_refused_at_the_start_too(
    keeping: Keeping, link: Callable[[Path], None]
) -> None:
    keeping.file.unlink()
    link(keeping.file)
    keeping.restart()
    keeping.round()

    assert len(keeping.events("queue_file.refused")) == 1


def test_a_link_into_a_folder_that_comes_later_is_followed_then(keeping: Keeping) -> None:
    keeping.file.unlink()
    into_no_folder(keeping.file)
    keeping.round()
    keeping.file.with_name("nowhere").mkdir()
    keeping.file.with_name("nowhere").joinpath("queue.json").write_text(json.dumps({"tasks": [A]}))
    keeping.round()

    assert keeping.file.is_symlink()
    assert keeping.entry("a")["status"] == "pending"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[RunningDaemon]:
    running = RunningDaemon(tmp_path / "home")
    yield running
    running.kill_everything()


@pytest.mark.parametrize("link", [to_itself, into_no_folder])
def test_beside_such_a_link_the_daemon_leads_and_does_what_is_in_the_inbox(
    daemon: RunningDaemon, link: Callable[[Path], None]
) -> None:
    (daemon.root / "queue.json").unlink()
    link(daemon.root / "queue.json")
    new = daemon.root / "inbox" / "new"
    (new / "one.json").write_text(json.dumps({"id": "one", "command": "true"}))

    daemon.start("--no-panel")
    tasks = daemon.wait_for_ends("one")

    assert tasks["one"]["status"] == "approved", tasks
    told = json.loads(daemon.skep("status", "--json").stdout)
    assert "queue.json: is a symbolic link" in told["queue_file_trouble"]
    assert "leading broke off" not in daemon.log()
    assert "Traceback" not in daemon.log()


def a_pipe(file: Path) -> None:
    os.mkfifo(file)


def three_gigabytes(file: Path) -> None:
    with file.open("wb") as sparse:
        sparse.truncate(3 * 2**30)


@pytest.mark.parametrize("put", [a_pipe, three_gigabytes])
def test_until_idle_ends_where_what_stands_there_cannot_be_read(
    daemon: RunningDaemon, put: Callable[[Path], None]
) -> None:
    (daemon.root / "queue.json").unlink()
    put(daemon.root / "queue.json")

    answer = daemon.skep("up", "--no-panel", "--until-idle")

    assert answer.returncode == 3, answer
    assert "Traceback" not in answer.stderr
    assert "queue.json" in json.loads(daemon.skep("status", "--json").stdout)["queue_file_trouble"]
