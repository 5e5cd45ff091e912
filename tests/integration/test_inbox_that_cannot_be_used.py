"""An inbox with something else in its folders' places, and files that can be neither read nor put aside."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runtime_contract import Limits
from store.queue_file import Inbox
from store.transaction import Transaction
from supervisor.idleness import Idleness
from tests.unit.queue_file.keeping import Keeping


@pytest.fixture
def keeping(tmp_path: Path) -> Iterator[Keeping]:
    made = Keeping(tmp_path / "home")
    yield made
    made.close()


@pytest.fixture
def inbox(keeping: Keeping) -> Inbox:
    return Inbox(
        keeping.home.inbox, keeping.store.writer, Limits(file_bytes=4096), keeping.store.limits, settle_s=0
    )


def a_file(path: Path) -> None:
    path.write_text("mine")


def a_dangling_link(path: Path) -> None:
    path.symlink_to("nowhere")


def a_circle_of_links(path: Path) -> None:
    path.symlink_to(path.name)


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_link_to_a_folder(path: Path) -> None:
    elsewhere = path.with_name("elsewhere")
    (elsewhere / "new").mkdir(parents=True)
    (elsewhere / "new" / "thesis.txt").write_text("mine")
    (elsewhere / "thesis.json").write_text('{"command": "true"}')
    path.symlink_to(elsewhere)


SHAPES = [a_file, a_dangling_link, a_circle_of_links, a_pipe, a_link_to_a_folder]


def everything_in(folder: Path) -> dict[str, str | None]:
    return {
        str(path.relative_to(folder)): path.read_text() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


@pytest.mark.parametrize("place", ["inbox", "inbox/new", "inbox/refused"])
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_what_stands_in_a_folder_s_place_is_told_once_and_left_as_it_is(
    keeping: Keeping, inbox: Inbox, place: str, shape: Callable[[Path], None]
) -> None:
    inbox.look()
    path = keeping.home.root / place
    shutil.rmtree(path)
    shape(path)
    elsewhere = path.with_name("elsewhere")
    before = everything_in(elsewhere)

    assert [inbox.look(), inbox.look()] == [0, 0]

    (told,) = keeping.events("inbox.refused")
    assert told["reason"].startswith(f"{place} is no folder")
    assert "no link is followed" in told["reason"]
    assert everything_in(elsewhere) == before
    path.unlink()
    assert inbox.look() == 0
    (inbox.new / "one.json").write_text('{"prompt": "x"}')
    assert inbox.look() == 1


@pytest.mark.parametrize("gone", ["inbox", "inbox/new", "inbox/refused"])
def test_a_folder_that_is_gone_is_made_again(keeping: Keeping, inbox: Inbox, gone: str) -> None:
    inbox.look()
    shutil.rmtree(keeping.home.root / gone)

    assert inbox.look() == 0
    (inbox.new / "bad.json").write_text('{"prompt": "x",}')
    inbox.look()

    assert (inbox.refused / "bad.json").read_text() == '{"prompt": "x",}'


def test_a_folder_and_a_file_of_a_name_that_was_refused_before_are_kept_beside_it(
    keeping: Keeping, inbox: Inbox
) -> None:
    for count in (1, 2):
        inbox.look()
        (inbox.new / "folder").mkdir()
        (inbox.new / "folder" / f"{count}.txt").write_text("mine")
        (inbox.new / "bad.json").write_text(f"{{bad {count}")
        inbox.look()

    kept = everything_in(inbox.refused)
    assert sorted(text for text in kept.values() if text and text.startswith("{bad")) == ["{bad 1", "{bad 2"]
    assert sorted(Path(name).name for name, text in kept.items() if text == "mine") == ["1.txt", "2.txt"]
    assert len([name for name in kept if name.endswith(".error")]) == 4
    assert len(keeping.events("inbox.refused")) == 4
    assert list(inbox.new.iterdir()) == []


def test_the_reason_beside_a_refused_file_overwrites_nothing_through_a_link(
    keeping: Keeping, inbox: Inbox, tmp_path: Path
) -> None:
    mine = tmp_path / "mine"
    mine.write_text("mine")
    inbox.look()
    (inbox.refused / "bad.json.error").symlink_to(mine)
    (inbox.new / "bad.json").write_text("{bad")

    inbox.look()

    assert mine.read_text() == "mine"
    assert [path.read_text() for path in inbox.refused.glob("*-bad.json")] == ["{bad"]


@pytest.mark.parametrize("name", [b"b\xffad.json", b"x" * 250 + b".json"], ids=["no UTF-8", "long"])
def test_a_file_of_an_odd_name_is_refused_alone(keeping: Keeping, inbox: Inbox, name: bytes) -> None:
    inbox.look()
    (inbox.new / os.fsdecode(name)).write_text("{bad")
    (inbox.new / "good.json").write_text('{"prompt": "x"}')

    inbox.look()

    assert keeping.statuses() == {"good": "pending"}
    assert len(keeping.events("inbox.refused")) == 1
    (reason,) = inbox.refused.glob("*.error")
    assert "line 1, column 2" in reason.read_text()
    assert reason.with_name(reason.name.removesuffix(".error")).read_text() == "{bad"


def test_what_cannot_be_moved_aside_stays_until_it_is_another(
    keeping: Keeping, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox.look()
    (inbox.new / "bad.json").write_text("{bad")
    (inbox.new / "good.json").write_text('{"prompt": "x"}')

    def busy(self: Path, target: Path) -> Path:
        raise OSError(errno.EBUSY, "Device or resource busy")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", busy)
        inbox.look()
        assert inbox.look() == 0

    assert keeping.statuses() == {"good": "pending"}
    assert (inbox.new / "bad.json").read_text() == "{bad"
    told = [each["reason"] for each in keeping.events("inbox.refused")]
    assert told[1:] == [
        "bad.json cannot be moved to inbox/refused (Device or resource busy) and stays in inbox/new"
    ]
    (inbox.new / "bad.json").unlink()
    (inbox.new / "bad.json").write_text('{"prompt": "y"}')
    assert inbox.look() == 1
    assert set(keeping.statuses()) == {"good", "bad"}


@pytest.mark.parametrize("name", [".taken-", ".taken-.", ".taken-..", ".taken-.hidden", ".hidden"])
def test_a_name_with_a_dot_is_passed_over_whatever_it_is_like(
    keeping: Keeping, inbox: Inbox, name: str
) -> None:
    inbox.look()
    (inbox.new / name).write_text("mine")
    (inbox.new / "good.json").write_text('{"prompt": "x"}')

    inbox.look()

    assert keeping.statuses() == {"good": "pending"}
    assert (inbox.new / name).read_text() == "mine"


def test_a_file_that_a_crash_left_amid_its_removal_is_taken_in_if_it_is_another(
    keeping: Keeping, inbox: Inbox
) -> None:
    inbox.look()
    (inbox.new / ".taken-late.json").write_text('{"prompt": "x"}')

    inbox.look()

    assert keeping.statuses() == {"late": "pending"}
    assert list(inbox.new.iterdir()) == []


def test_a_folder_that_is_called_like_what_a_crash_leaves_stops_nothing(
    keeping: Keeping, inbox: Inbox
) -> None:
    inbox.look()
    (inbox.new / ".taken-one.json").mkdir()
    (inbox.new / ".taken-two.json").mkdir()
    (inbox.new / "one.json").write_text('{"prompt": "x"}')

    inbox.look()
    inbox.look()

    assert keeping.statuses() == {"one": "pending"}
    assert (inbox.refused / "two.json").is_dir()


@pytest.mark.parametrize("third", [False, True])
def test_without_links_of_files_what_came_meanwhile_goes_back_as_well(
    keeping: Keeping, inbox: Inbox, monkeypatch: pytest.MonkeyPatch, third: bool
) -> None:
    def no_links(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    inbox.look()
    monkeypatch.setattr(os, "link", no_links)
    (inbox.new / ".taken-late.json").write_text('{"prompt": "x"}')
    if third:
        (inbox.new / "late.json").write_text('{"prompt": "of the third"}')

    inbox.look()

    assert keeping.statuses() == {"late": "pending"}
    late = keeping.store.reader.task("late")
    assert late is not None
    assert late["doc"].count("of the third") == third
    assert list(inbox.new.iterdir()) == []


def is_idle(keeping: Keeping) -> bool:
    """What ``skep up --until-idle`` would find once everything has started."""
    looking = Idleness(keeping.home, keeping.store.reader, Limits())

    def start(tx: Transaction) -> None:
        tx.emit("daemon.started", process="worker")
        tx.emit("daemon.started", process="swarm")
        tx.emit("daemon.leader")

    keeping.store.write(start)
    looking.look()
    return looking.look().is_idle


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives folders away")
def test_files_that_nobody_will_take_in_are_nothing_left_to_do(keeping: Keeping, inbox: Inbox) -> None:
    inbox.look()
    (inbox.new / "one.json").write_text('{"prompt": "x"}')
    assert not is_idle(keeping)

    os.chown(inbox.new, 65534, 65534)

    assert inbox.look() == 0
    assert is_idle(keeping)
