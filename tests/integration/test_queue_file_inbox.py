from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from runtime_contract import Limits
from store.queue_file import Inbox, strict_json
from tests.unit.queue_file.keeping import Keeping


@pytest.fixture
def inbox(keeping: Keeping) -> Inbox:
    made = Inbox(
        keeping.home.inbox, keeping.store.writer, Limits(file_bytes=4096), keeping.store.limits, settle_s=0
    )
    made.look()
    return made


def drop(inbox: Inbox, name: str, content: Any) -> None:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    (inbox.tmp / name).write_bytes(data)
    (inbox.tmp / name).rename(inbox.new / name)


def test_a_task_a_list_and_a_queue_are_taken_in_and_the_files_removed(keeping: Keeping, inbox: Inbox) -> None:
    drop(inbox, "one.json", {"prompt": "x"})
    drop(inbox, "list.json", [{"prompt": "x"}, {"id": "own", "prompt": "y"}])
    drop(inbox, "queue.json", {"tasks": [{"prompt": "z"}]})

    assert inbox.look() == 3
    assert set(keeping.statuses()) == {"one", "list-1", "own", "queue-1"}
    assert list(inbox.new.iterdir()) == []
    assert inbox.look() == 0


def test_what_a_link_in_the_place_of_the_folder_leads_to_stays_as_it_is(
    keeping: Keeping, inbox: Inbox, tmp_path: Path
) -> None:
    mine = tmp_path / "mine"
    (mine / "thesis").mkdir(parents=True)
    (mine / "package.json").write_text('{"prompt": "x"}')
    inbox.new.rmdir()
    inbox.new.symlink_to(mine)

    assert [inbox.look(), inbox.look()] == [0, 0]

    assert sorted(path.name for path in mine.iterdir()) == ["package.json", "thesis"]
    assert keeping.statuses() == {}
    (told,) = keeping.events("inbox.refused")
    assert "no link is followed" in told["reason"]

    inbox.new.unlink()
    inbox.new.mkdir()
    drop(inbox, "one.json", {"prompt": "x"})
    assert inbox.look() == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives folders away")
def test_the_folder_of_another_user_is_not_the_inbox(keeping: Keeping, inbox: Inbox) -> None:
    drop(inbox, "one.json", {"prompt": "x"})
    os.chown(inbox.new, 65534, 65534)

    assert inbox.look() == 0
    assert "another user (uid 65534)" in keeping.events("inbox.refused")[0]["reason"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root works for others")
def test_root_takes_in_what_the_owner_of_the_home_put_in(keeping: Keeping, inbox: Inbox) -> None:
    drop(inbox, "one.json", {"prompt": "x"})
    for path in (keeping.home.root, inbox.new, inbox.new / "one.json"):
        os.chown(path, 65534, 65534)

    assert inbox.look() == 1
    assert list(keeping.statuses()) == ["one"]


def test_a_file_of_a_known_stem_is_a_duplicate_and_removed(keeping: Keeping, inbox: Inbox) -> None:
    for _ in range(2):
        drop(inbox, "one.json", {"prompt": "x"})
        inbox.look()

    assert list(keeping.statuses()) == ["one"]
    assert [each["task_id"] for each in keeping.events("task.duplicate")] == ["one"]
    assert list(inbox.new.iterdir()) == []


def test_a_stem_that_is_no_id_gets_one_that_is_always_the_same(keeping: Keeping, inbox: Inbox) -> None:
    for _ in range(2):
        drop(inbox, "mein Täsk!.json", {"prompt": "x"})
        inbox.look()

    [task_id] = keeping.statuses()
    assert task_id.startswith("inbox-")


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"{", "too early"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b"5", "must hold"),
        (b" " * 5000, "limit_file_bytes"),
    ],
)
def test_a_file_that_cannot_be_read_is_moved_aside_with_the_reason(
    keeping: Keeping, inbox: Inbox, content: bytes, rule: str
) -> None:
    drop(inbox, "bad.json", content)
    inbox.look()

    assert (inbox.refused / "bad.json").read_bytes() == content
    assert rule in (inbox.refused / "bad.json.error").read_text()
    assert rule in keeping.events("inbox.refused")[0]["reason"]
    assert keeping.statuses() == {}


@pytest.mark.parametrize(("name", "is_told"), [("x.jsonl", True), ("x.json", False)])
def test_a_file_of_json_lines_is_refused_with_the_way_they_go_in(
    keeping: Keeping, inbox: Inbox, name: str, is_told: bool
) -> None:
    drop(inbox, name, b'{"prompt": "a"}\n{"prompt": "b"}\n')
    inbox.look()

    way_in = "; JSON lines go in by `skep add --file`" if is_told else ""
    told = f"{name} line 2, column 1: the file goes on after its end{way_in}"
    assert (inbox.refused / f"{name}.error").read_text() == f"{told}\n"
    assert keeping.events("inbox.refused")[0]["reason"] == told


def test_links_pipes_and_folders_are_refused(keeping: Keeping, inbox: Inbox, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text('{"prompt": "x"}')
    (inbox.new / "link.json").symlink_to(tmp_path / "secret")
    os.mkfifo(inbox.new / "pipe.json")
    (inbox.new / "folder.json").mkdir()

    inbox.look()

    assert keeping.statuses() == {}
    assert len(keeping.events("inbox.refused")) == 3
    assert list(inbox.new.iterdir()) == []


def test_a_file_of_somebody_else_is_refused(
    keeping: Keeping, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(inbox, "one.json", {"prompt": "x"})
    monkeypatch.setattr(os, "geteuid", lambda: 4242)

    inbox.look()

    assert "another user" in keeping.events("inbox.refused")[0]["reason"]


def test_a_task_that_breaks_the_contract_is_entered_as_failed(keeping: Keeping, inbox: Inbox) -> None:
    drop(inbox, "mixed.json", [{"prompt": "x"}, {"prompt": 5}, "text", {"id": 5}])
    inbox.look()

    assert keeping.statuses() == {
        "mixed-1": "pending",
        "mixed-2": "failed",
        "mixed-3": "failed",
        "mixed-4": "failed",
    }


def test_a_crash_between_commit_and_removal_enters_nothing_twice(
    keeping: Keeping, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(inbox, "one.json", {"prompt": "x"})

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", die)
        with pytest.raises(KeyboardInterrupt):
            inbox.look()
    inbox.look()

    assert list(keeping.statuses()) == ["one"]
    assert list(inbox.new.iterdir()) == []


def test_a_thousand_files_are_taken_in_together(keeping: Keeping, inbox: Inbox) -> None:
    for number in range(1200):
        (inbox.new / f"t{number}.json").write_text('{"prompt": "x"}')

    assert inbox.look() == 1200
    assert len(keeping.statuses()) == 1200


@pytest.mark.parametrize("how", ["renamed over it", "written in its place", "a folder"])
def test_what_comes_under_the_name_of_a_file_that_is_being_taken_in_is_kept(
    keeping: Keeping, inbox: Inbox, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    drop(inbox, "x.json", {"id": "first", "prompt": "x"})
    write = keeping.store.writer.run

    def write_and_be_overtaken(work: Any) -> Any:
        done = write(work)
        monkeypatch.undo()
        if how == "renamed over it":
            drop(inbox, "x.json", {"id": "second", "prompt": "y"})
        elif how == "written in its place":
            (inbox.new / "x.json").write_text('{"id": "second", "prompt": "y and more"}')
        else:
            (inbox.new / "x.json").unlink()
            (inbox.new / "x.json").mkdir()
        return done

    monkeypatch.setattr(keeping.store.writer, "run", write_and_be_overtaken)
    inbox.look()
    inbox.look()

    expected = {"first"} if how == "a folder" else {"first", "second"}
    assert set(keeping.statuses()) == expected
    assert (inbox.refused / "x.json").is_dir() is (how == "a folder")
    assert list(inbox.new.iterdir()) == []


@pytest.mark.parametrize("when", ["read", "told"])
def test_what_comes_under_the_name_of_a_file_that_is_being_refused_is_taken_in(
    keeping: Keeping, inbox: Inbox, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    drop(inbox, "x.json", b"{bad")
    place, name = (strict_json, "parse") if when == "read" else (keeping.store.writer, "run")
    step = getattr(place, name)

    def step_and_be_overtaken(*arguments: Any) -> Any:
        monkeypatch.undo()
        drop(inbox, "x.json", {"id": "mended", "prompt": "y"})
        return step(*arguments)

    monkeypatch.setattr(place, name, step_and_be_overtaken)
    inbox.look()
    inbox.look()

    assert set(keeping.statuses()) == {"mended"}
    refused = [path.read_text() for path in inbox.refused.glob("*.json")]
    assert refused == (["{bad"] if when == "told" else [])
    assert list(inbox.new.iterdir()) == []


def test_a_file_that_cannot_be_removed_is_taken_in_once_and_told_of(
    keeping: Keeping, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(inbox, "stays.json", {"id": "one", "prompt": "x"})
    drop(inbox, "to-go.json", {"id": "two", "prompt": "x"})

    def immutable(step: Any) -> Any:
        def refuse(path: Path, *arguments: Any, **named: Any) -> Any:
            if path.name == "stays.json":
                raise PermissionError(errno.EPERM, "Operation not permitted")
            return step(path, *arguments, **named)

        return refuse

    monkeypatch.setattr(Path, "rename", immutable(Path.rename))
    monkeypatch.setattr(Path, "unlink", immutable(Path.unlink))
    inbox.look()
    for _ in range(3):
        assert inbox.look() == 0

    assert set(keeping.statuses()) == {"one", "two"}
    assert [path.name for path in inbox.new.iterdir()] == ["stays.json"]
    (told,) = keeping.events("inbox.refused")
    assert told["reason"] == (
        "stays.json cannot be removed (Operation not permitted); its tasks are taken in, and it stays in "
        "inbox/new"
    )
    assert len(keeping.events("inbox.taken_in")) == 2
