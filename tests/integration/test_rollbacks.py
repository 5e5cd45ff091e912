"""The way back to a kept state of the workspace."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from commands import rollback as rollback_verb
from review.checkpoints import restoring, telling
from review.checkpoints.keeping import Keeper
from settings import Home
from store import tool_uses
from store.records import Intake
from store.sqlite_store import SqliteStore
from testing.tasks import new_task
from tests.integration.checkpoint_rig import Rig

HERE = Path(__file__).resolve().parents[2]


@pytest.fixture
def rig(home: Home, store: SqliteStore, who) -> Rig:
    return Rig(home, store, who)


def test_a_rollback_is_shown_first_and_changes_nothing(rig):
    rig.did("a", one_txt="1")
    rig.did("b", one_txt="2", new_txt="n")
    shown = rig.skep("rollback", "b", "--before")
    *paths, question = shown.splitlines()
    assert paths == ["delete  new.txt", "change  one.txt"]
    assert question == (
        "Nothing was changed; --yes brings 2 files back to the last state that was kept before b. "
        "What anybody changed in them from then on goes, be it the task or somebody else."
    )
    assert (rig.files / "one.txt").read_text() == "2"


def test_a_rollback_undoes_what_a_task_did_and_leaves_the_rest(rig):
    rig.did("a", one_txt="1", deep__two_txt="2", other_txt="o")
    rig.did("b", one_txt="broken", deep__two_txt=None, extra__x_txt="x")
    rig.did("c", other_txt="later")
    rig.skep("rollback", "b", "--before", "--yes")
    assert (rig.files / "one.txt").read_text() == "1"
    assert (rig.files / "deep/two.txt").read_text() == "2"
    assert not (rig.files / "extra").exists()
    assert (rig.files / "other.txt").read_text() == "later"
    (told,) = rig.events("checkpoint.restored")
    assert (told["task_id"], told["count"], told["source"][:4]) == ("b", 3, "cli:")
    assert (
        told["reason"] == "files are as last kept before checkpoint 2; the state until then is checkpoint 4"
    )


def test_newer_changes_are_marked_and_can_be_brought_back(rig):
    rig.did("a", one_txt="1")
    (rig.files / "one.txt").write_text("by hand")
    assert "change  one.txt (changed since)" in rig.skep("rollback", "a")
    told = json.loads(rig.skep("rollback", "a", "--yes", "--json"))
    assert (rig.files / "one.txt").read_text() == "1"
    rig.skep("rollback", f"checkpoint:{told['kept_as']}", "--all", "--yes")
    assert (rig.files / "one.txt").read_text() == "by hand"


def test_what_was_changed_since_is_told_first_and_counted_however_many_files_there_are(rig, monkeypatch):
    monkeypatch.setattr(rollback_verb, "MOST_SHOWN", 1)
    rig.did("first", a_txt="0", b_txt="0", y_txt="0", z_txt="0")
    rig.did("t", a_txt="1", b_txt="1", y_txt="1", z_txt="1")
    for name in ("y.txt", "z.txt"):
        (rig.files / name).write_text("mine")

    shown = rig.skep("rollback", "t", "--before").splitlines()

    assert shown[0] == "change  y.txt (changed since)"
    assert shown[1] == "... and 3 more, 1 of them changed since (--json tells all)"
    assert "2 files were changed since the checkpoint, and would lose that." in shown[2]
    told = json.loads(rig.skep("rollback", "t", "--before", "--json"))
    assert (told["changed_since"], [each["path"] for each in told["paths"]]) == (
        2, ["y.txt", "z.txt", "a.txt", "b.txt"],
    )  # fmt: skip


def test_all_of_a_checkpoint_takes_away_what_came_later_but_not_what_was_never_kept(home, store, who):
    rig = Rig(home, store, who, checkpoint_file_bytes=100)
    (home.root / "skep.toml").write_text("checkpoint_file_bytes = 100\n")
    rig.did("a", one_txt="1")
    (rig.files / "large.bin").write_bytes(b"x" * 200)
    rig.did("b", later_txt="l")
    rig.skep("rollback", "a", "--all", "--yes")
    assert {path.name for path in rig.files.iterdir()} == {"one.txt", "large.bin"}


def test_a_file_that_could_not_be_kept_is_not_written_over(home, store, who):
    rig = Rig(home, store, who)
    (home.root / "skep.toml").write_text("checkpoint_file_bytes = 100\n")
    rig.did("a", one_txt="1")
    (rig.files / "one.txt").write_bytes(b"x" * 200)
    told = rig.skep("rollback", "a", "--yes", code=1)
    assert told.splitlines()[-1] == "Nothing was changed. 1 file is left as it is."
    assert (rig.files / "one.txt").stat().st_size == 200


def test_a_file_comes_back_where_a_folder_took_its_place(rig):
    rig.did("a", thing="file")
    (rig.files / "thing").unlink()
    (rig.files / "thing").mkdir()
    (rig.files / "thing" / "x").write_text("mine")

    rig.skep("rollback", "a", "--all", "--yes")

    assert (rig.files / "thing").read_text() == "file"


def test_an_empty_folder_in_a_file_s_place_holds_nothing_up(rig):
    rig.did("a", thing="file")
    (rig.files / "thing").unlink()
    (rig.files / "thing/in/it").mkdir(parents=True)

    assert "create  thing (changed since)\n" in rig.skep("rollback", "a")
    assert rig.skep("rollback", "a", "--yes").startswith("create  thing (changed since)\n")
    assert (rig.files / "thing").read_text() == "file"


@pytest.mark.parametrize("options", [(), ("--all",)])
def test_what_is_shown_of_a_folder_in_a_file_s_place_is_what_is_done(rig, options):
    rig.did("a", thing="file", deep__x_txt="x")
    (rig.files / "thing").unlink()
    (rig.files / "thing").mkdir()
    (rig.files / "thing/mine").write_text("mine")
    os.mkfifo(rig.files / "thing/pipe")  # never kept, so never taken away
    (rig.files / "deep/x.txt").unlink()
    (rig.files / "deep").rmdir()
    (rig.files / "deep").write_text("a file now")

    shown = rig.skep("rollback", "a", *options).splitlines()
    done = rig.skep("rollback", "a", *options, "--yes", code=1).splitlines()
    assert shown[:-1] == done[:-1]
    assert any(line.startswith("leave   thing") and "a folder is in its place" in line for line in done)
    is_made = (rig.files / "deep").is_dir()
    assert is_made is ("--all" in options)
    assert any("deep is no folder" in line for line in done) is not is_made


def test_where_nothing_is_to_be_done_no_checkpoint_is_made(rig):
    rig.did("a", one_txt="1")
    assert rig.skep("rollback", "a", "--yes") == "The files are so already.\n"
    assert json.loads(rig.skep("rollback", "a", "--yes", "--json"))["kept_as"] is None
    assert rig.keeper.keep_due() == 0
    assert [each["kind"] for each in rig.events("checkpoint.made")] == ["task"]


def test_links_and_programs_are_brought_back_as_such(rig):
    (rig.files / "link").symlink_to("one.txt")
    (rig.files / "run.sh").write_text("#!/bin/sh\n")
    (rig.files / "run.sh").chmod(0o755)
    rig.did("a", one_txt="1")
    (rig.files / "link").unlink()
    (rig.files / "run.sh").unlink()
    rig.skep("rollback", "a", "--yes")
    assert (rig.files / "link").readlink() == Path("one.txt")
    assert os.access(rig.files / "run.sh", os.X_OK)


def test_a_rollback_follows_no_link_out_of_the_workspace(rig, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    rig.did("a", sub__one_txt="1", two_txt="2")
    (rig.files / "sub" / "one.txt").unlink()
    (rig.files / "sub").rmdir()
    (rig.files / "sub").symlink_to(outside)
    (rig.files / "two.txt").unlink()
    (rig.files / "two.txt").symlink_to(outside / "target")
    rig.skep("rollback", "a", "--yes", code=1)
    assert list(outside.iterdir()) == []
    assert (rig.files / "two.txt").read_text() == "2"
    assert not (rig.files / "two.txt").is_symlink()


@pytest.mark.parametrize(
    "busy", [{"command": "sleep 9"}, {"prompt": "x", "expect": {"commands": ["pytest"]}}]
)
def test_while_commands_run_nothing_is_rolled_back(rig, store, who, busy):
    rig.did("a", one_txt="1")
    store.submit(Intake(new=[new_task(id="busy", **busy)]), "test")
    store.claim(who, 1)
    assert "A command runs (busy)" in rig.skep("rollback", "a", "--yes", code=1)


def test_while_a_tool_answers_a_prompt_with_a_command_nothing_is_rolled_back(rig, store, who):
    rig.did("a", one_txt="1")
    store.submit(Intake(new=[new_task(id="asks", prompt="count the lines")]), "test")
    (claim,) = store.claim(who, 1)
    rig.skep("rollback", "a", "--yes")  # it only asks a model
    store.write(lambda tx: tool_uses.note_start(tx, claim.seq, claim.ref.lease, "count", "idempotent"))
    assert "A command runs (asks)" in rig.skep("rollback", "a", "--yes", code=1)


def test_a_command_that_comes_during_a_rollback_waits_and_none_is_overtaken(rig, store, who, monkeypatch):
    rig.did("a", one_txt="1")
    (rig.files / "one.txt").write_text("by hand")
    under_way, may_go_on, order = threading.Event(), threading.Event(), []

    def slow(*arguments):
        under_way.set()
        assert may_go_on.wait(30)
        done = restoring_apply(*arguments)
        order.append((rig.files / "one.txt").read_text())
        return done

    def command():
        Keeper(rig.home, rig.settings, store).before_change()
        order.append("command")

    restoring_apply = restoring.apply
    monkeypatch.setattr(restoring, "apply", slow)
    row = rig.row("a")
    planned = restoring.Rollback(rig.home, store, rig.keeper, row["number"], to_before=False, all_of_it=False)
    rollback = threading.Thread(target=planned.restore, args=("test",))
    rollback.start()
    assert under_way.wait(30)
    store.submit(Intake(new=[new_task(id="late", command="true")]), "test")
    store.claim(who, 1)  # after the look
    late = threading.Thread(target=command)
    late.start()
    late.join(0.1)
    assert order == []
    may_go_on.set()
    rollback.join()
    late.join()
    assert order == ["1", "command"]


def test_a_command_that_is_stopped_while_it_waits_for_a_rollback_waits_no_longer(rig):
    with rig.keeper.turns.of_a_rollback(rig.store.reader):
        rig.keeper.turns.of_a_command(lambda: True)


def test_an_edit_while_the_state_before_is_kept_stops_a_rollback_before_it_touches_anything(rig, monkeypatch):
    rig.did("a", one_txt="1", two_txt="2")
    (rig.files / "one.txt").write_text("by hand")

    def keep_and_edit(self, kind):
        number = keep(self, kind)
        (rig.files / "one.txt").write_text("saved meanwhile")
        return number

    keep = Keeper.keep
    monkeypatch.setattr(Keeper, "keep", keep_and_edit)

    assert "nothing was touched" in rig.skep("rollback", "a", "--yes", code=1)
    assert (rig.files / "one.txt").read_text() == "saved meanwhile"


def test_an_edit_right_before_a_file_is_written_leaves_that_file_alone_and_says_so(rig, monkeypatch):
    rig.did("a", one_txt="1", two_txt="2")
    for name in ("one.txt", "two.txt"):
        (rig.files / name).write_text("by hand")

    def edit_and_apply(*arguments):
        (rig.files / "one.txt").write_text("saved meanwhile")
        return restoring_apply(*arguments)

    restoring_apply = restoring.apply
    monkeypatch.setattr(restoring, "apply", edit_and_apply)

    assert "it has changed since it was looked at" in rig.skep("rollback", "a", "--yes", code=1)
    assert (rig.files / "one.txt").read_text() == "saved meanwhile"
    assert (rig.files / "two.txt").read_text() == "2"


def test_files_are_on_the_disk_before_any_of_them_comes_into_its_place(rig, monkeypatch):
    rig.did("a", one_txt="1", two_txt="2", three_txt="3")
    for name in ("one.txt", "two.txt", "three.txt"):
        (rig.files / name).write_text("by hand")
    done = []

    def sync(handle):
        done.append(("sync", os.fstat(handle).st_ino))
        fsync(handle)

    def move(old, new, *, src_dir_fd=None, dst_dir_fd=None):
        inode = os.stat(old, dir_fd=src_dir_fd).st_ino
        done.append(("move", inode))
        rename(old, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    fsync, rename = os.fsync, os.rename
    row = rig.row("a")
    planned = restoring.Rollback(
        rig.home, rig.store, rig.keeper, row["number"], to_before=False, all_of_it=False
    )
    with monkeypatch.context() as patched:
        patched.setattr("review.checkpoints.writing.os.fsync", sync)
        patched.setattr("review.checkpoints.writing.os.rename", move)
        planned.restore("test")

    moved = [inode for what, inode in done if what == "move"]
    first = done.index(("move", moved[0]))
    assert len(moved) == 3
    assert {("sync", inode) for inode in moved} <= set(done[:first])


def test_numbers_are_told_in_one_way():
    assert telling.joined(telling.left_told(1), telling.newer_told(4000), telling.left_told(0)) == (
        "1 file is left as it is. 4,000 files were changed since the checkpoint, and would lose that."
    )


def test_where_the_state_before_cannot_be_kept_nothing_is_touched(rig):
    rig.did("a", one_txt="1")
    (rig.home.root / "skep.toml").write_text("checkpoint_bytes = 3\n")
    (rig.files / "one.txt").write_text("much more than that")
    assert "nothing was touched" in rig.skep("rollback", "a", "--yes", code=1)
    assert (rig.files / "one.txt").read_text() == "much more than that"


def test_a_task_without_a_checkpoint_says_why(rig):
    rig.approve("reads", may_write=False)
    rig.approve("waits")
    assert "one is kept when a task is approved" in rig.skep("rollback", "reads", code=1)
    assert "still to be made" in rig.skep("rollback", "waits", code=1)
    assert "no such task" in rig.skep("rollback", "nobody", code=1)
