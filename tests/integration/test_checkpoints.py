"""Kept states of the workspace: what they hold, and what they cannot be made to hold."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from review.checkpoints import workspace
from review.checkpoints.keeping import Keeper
from settings import Home
from store.sqlite_store import SqliteStore
from tests.integration.checkpoint_rig import Rig

HERE = Path(__file__).resolve().parents[2]


@pytest.fixture
def rig(home: Home, store: SqliteStore, who) -> Rig:
    return Rig(home, store, who)


def test_a_checkpoint_holds_the_files_after_a_task_and_says_what_changed(rig):
    rig.did("a", one_txt="1", deep__er__two_txt="2")
    rig.did("b", one_txt="changed", three_txt="3")
    assert rig.held("a") == {"one.txt", "deep/er/two.txt"}
    assert rig.held("b") == {"one.txt", "deep/er/two.txt", "three.txt"}
    assert [(each["task_id"], each["count"]) for each in rig.events("checkpoint.made")] == [
        ("a", 2),
        ("b", 2),
    ]
    assert rig.git("log", "--format=%s", "checkpoints").splitlines() == ["checkpoint 2: b", "checkpoint 1: a"]


def test_a_task_that_could_not_write_costs_nothing(rig):
    rig.approve("reads", may_write=False)
    assert rig.keeper.keep_due() == 0
    assert rig.row("reads") is None
    assert not rig.home.checkpoints.exists()


def test_a_task_that_wrote_nothing_shares_the_commit_before_it(rig):
    rig.did("a", one_txt="1")
    rig.did("b")
    assert rig.row("b")["commit_id"] == rig.row("a")["commit_id"]
    assert rig.row("b")["paths"] == 0


def test_tasks_approved_before_one_could_be_made_share_it(rig):
    (rig.files / "x").write_text("x")
    rig.approve("a")
    rig.approve("b")
    assert rig.keeper.keep_due() == 2
    assert rig.row("a")["commit_id"] == rig.row("b")["commit_id"]


def test_only_what_changed_is_read_again(rig, monkeypatch):
    rig.did("a", **{f"f{number}_txt": "x" for number in range(20)})
    for path in rig.files.iterdir():
        os.utime(path, ns=(10**18, 10**18))
    monkeypatch.setattr(workspace, "RACY_NS", -(10**18))  # the test is too fast for the clock's ticks
    rig.did("settles")
    seen: list[bytes] = []
    real = workspace.read

    def note(root, path, most):
        seen.append(path)
        return real(root, path, most)

    monkeypatch.setattr(workspace, "read", note)
    rig.did("b", f3_txt="y")
    assert seen == [b"f3.txt"]


def test_a_change_within_a_tick_of_the_clock_is_seen(rig):
    rig.did("a", one_txt="aaa")
    told = (rig.files / "one.txt").stat()
    (rig.files / "one.txt").write_text("bbb")
    os.utime(rig.files / "one.txt", ns=(told.st_atime_ns, told.st_mtime_ns))
    rig.did("b")
    assert rig.git("show", f"{rig.row('b')['commit_id']}:one.txt") == "bbb"


def test_names_modes_and_links_come_through_as_they_are(rig):
    strange = ["spa ce", "new\nline", 'quo"te', "back\\slash", "ünï", "tab\t"]
    for name in strange:
        (rig.files / name).write_text(name)
    (rig.files / os.fsdecode(b"\xff\xfe")).write_text("bytes")
    (rig.files / "run.sh").write_text("#!/bin/sh\n")
    (rig.files / "run.sh").chmod(0o755)
    (rig.files / "link").symlink_to("/etc/passwd")
    rig.did("a")
    told = {
        os.fsencode(name): mode
        for mode, name in (
            (line.split()[0], line.split("\t", 1)[1])
            for line in subprocess.run(
                ["git", "--git-dir", rig.home.checkpoints, "ls-tree", "-r", "-z", "checkpoints"],
                check=True, capture_output=True,
            ).stdout.decode("utf-8", "surrogateescape").split("\0") if line
        )
    }  # fmt: skip
    assert told.keys() == {os.fsencode(name) for name in [*strange, "run.sh", "link"]} | {b"\xff\xfe"}
    assert (told[b"run.sh"], told[b"link"], told[b"spa ce"]) == ("100755", "120000", "100644")
    assert rig.git("show", "checkpoints:link") == "/etc/passwd", "a link is kept as a link"


def test_what_is_no_file_or_too_large_is_left_out_and_told(home, store, who):
    rig = Rig(home, store, who, checkpoint_file_bytes=100)
    os.mkfifo(rig.files / "pipe")
    (rig.files / "large").write_bytes(b"x" * 101)
    rig.did("a", small_txt="x")
    assert rig.held("a") == {"small.txt"}
    assert "'large' (101 bytes, setting: checkpoint_file_bytes)" in rig.row("a")["reason"]
    assert "'pipe' (neither a file nor a link)" in rig.row("a")["reason"]


@pytest.mark.parametrize("setting", [{"checkpoint_files": 2}, {"checkpoint_bytes": 20}])
def test_over_its_bounds_there_is_no_checkpoint_and_the_approval_stands(home, store, who, setting):
    rig = Rig(home, store, who, **setting)
    rig.did("a", one_txt="1" * 10, two_txt="2" * 10, three_txt="3" * 10)
    assert store.reader.task("a")["state"] == "approved"
    assert rig.row("a")["state"] == "failed"
    assert next(iter(setting)) in rig.events("checkpoint.failed")[0]["reason"]


def test_without_git_it_is_told_and_the_approval_stands(rig, monkeypatch):
    monkeypatch.setattr("review.checkpoints.repository.PLACES", "/nonexistent")
    rig.did("a", one_txt="1")
    assert "git is not installed" in rig.events("checkpoint.failed")[0]["reason"]


def test_the_first_one_is_made_before_anything_may_write(rig):
    (rig.files / "mine.txt").write_text("mine")
    rig.keeper.before_change()
    rig.did("a", mine_txt="theirs")
    assert rig.git("show", f"{rig.row('a')['before_id']}:mine.txt") == "mine"


def test_what_a_task_left_is_kept_before_the_next_that_writes(rig):
    rig.keeper.before_change()
    (rig.files / "m.txt").write_text("one")
    rig.approve("m1")
    rig.keeper.before_change()
    (rig.files / "m.txt").write_text("two")
    rig.approve("m2")
    rig.keeper.before_change()

    assert [rig.git("show", f"{rig.row(name)['commit_id']}:m.txt") for name in ("m1", "m2")] == ["one", "two"]


def test_a_repository_that_was_deleted_begins_anew_with_everything(rig):
    rig.did("a", one_txt="1", two_txt="2")
    subprocess.run(["rm", "-r", str(rig.home.checkpoints)], check=True)
    rig.did("b", one_txt="changed")
    assert rig.held("b") == {"one.txt", "two.txt"}


def test_a_lock_that_a_killed_git_left_holds_nothing_up(rig):
    rig.did("a", one_txt="1")
    (rig.home.checkpoints / "refs/heads/checkpoints.lock").touch()
    rig.did("b", one_txt="2")
    assert rig.row("b")["state"] == "made"


def test_one_that_was_committed_and_not_recorded_is_made_again(rig, monkeypatch):
    rig.did("a", one_txt="1")
    (rig.files / "one.txt").write_text("2")
    rig.approve("b")
    monkeypatch.setattr(
        "review.checkpoints.keeping.fault_point", lambda name: (_ for _ in ()).throw(MemoryError)
    )
    with pytest.raises(MemoryError):
        rig.keeper.keep_due()
    monkeypatch.undo()
    after_a_crash = Keeper(rig.home, rig.settings, rig.store)
    assert after_a_crash.keep_due() == 1
    assert rig.git("show", f"{rig.row('b')['commit_id']}:one.txt") == "2"
    assert rig.row("b")["before_id"] == rig.row("a")["commit_id"]


def test_what_is_kept_of_a_task_is_shown_with_it(home, store, who):
    rig = Rig(home, store, who, checkpoint_bytes=10)
    rig.did("a", one_txt="1")
    assert "kept          1 changed files (skep rollback a)" in rig.skep("show", "a")
    rig.did("b", two_txt="2" * 20)
    assert "kept          nothing; more than 10 bytes" in rig.skep("show", "b")
    rig.approve("c")
    assert "kept          nothing yet" in rig.skep("show", "c")


# -- what a hostile workspace cannot do --------------------------------------------------------------------


def test_nothing_the_workspace_says_to_git_is_heard(rig, tmp_path):
    touched = tmp_path / "touched"
    repository = rig.files / ".git"
    subprocess.run(["git", "init", "-q", str(rig.files)], check=True)
    (repository / "config").write_text(
        f'[core]\n\tfsmonitor = "touch {touched}"\n\thooksPath = hooks\n'
        f'[filter "x"]\n\tclean = "touch {touched}; cat"\n\trequired = true\n'
    )
    for hook in ("pre-commit", "post-commit", "reference-transaction"):
        (repository / "hooks").mkdir(exist_ok=True)
        (repository / "hooks" / hook).write_text(f"#!/bin/sh\ntouch {touched}\n")
        (repository / "hooks" / hook).chmod(0o755)
    (rig.files / ".gitattributes").write_text("* filter=x text eol=crlf ident working-tree-encoding=UTF-16\n")
    (rig.files / ".gitignore").write_text("*\n")
    (rig.files / "sub").mkdir()
    subprocess.run(["git", "init", "-q", str(rig.files / "sub")], check=True)
    before = {path: path.read_bytes() for path in repository.rglob("*") if path.is_file()}
    rig.did("a", data_txt="one\r\ntwo\n$Id$\n", sub__x_txt="x")
    assert not touched.exists()
    assert rig.held("a") == {".gitattributes", ".gitignore", "data.txt", "sub/x.txt"}
    kept = subprocess.run(
        ["git", "--git-dir", rig.home.checkpoints, "cat-file", "blob", "checkpoints:data.txt"],
        check=True,
        capture_output=True,
    ).stdout
    assert kept == (rig.files / "data.txt").read_bytes()
    assert {path: path.read_bytes() for path in repository.rglob("*") if path.is_file()} == before


def test_variables_of_the_daemon_do_not_lead_git_elsewhere(rig, monkeypatch, tmp_path):
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_WORK_TREE"):
        monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    rig.did("a", one_txt="1")
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_WORK_TREE"):
        monkeypatch.delenv(name)
    assert rig.held("a") == {"one.txt"}
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_that_becomes_a_link_while_it_is_looked_at_leads_nowhere(rig, tmp_path, monkeypatch):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key.txt").write_text("secret")
    (rig.files / "sub").mkdir()
    (rig.files / "sub" / "key.txt").write_text("mine")
    real = workspace.look

    def look_then_swap(*arguments):
        found = real(*arguments)
        (rig.files / "sub" / "key.txt").unlink()
        (rig.files / "sub").rmdir()
        (rig.files / "sub").symlink_to(secret)
        return found

    monkeypatch.setattr(workspace, "look", look_then_swap)
    rig.did("a")
    assert "secret" not in rig.git("log", "-p", "checkpoints")
    assert rig.row("a")["state"] == "made"
