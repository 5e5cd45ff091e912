"""Kept states of the workspace: what they hold, what they cannot be made to hold, and the way back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import skep
from outcome import Verdict
from review.checkpoints import leftovers, restoring, workspace
from review.checkpoints.keeping import Keeper
from road.checkpointing import Checkpointing
from settings import Home, Settings
from store import recording, tool_uses
from store.records import Intake
from store.sqlite_store import SqliteStore
from testing.tasks import new_task
from tests.conformance.store_suite import outcome_of

HERE = Path(__file__).resolve().parents[2]


class Rig:
    """A home whose tasks change files as a test says."""

    def __init__(self, home: Home, store: SqliteStore, who: Any, **settings: Any) -> None:
        self.home, self.store, self._who = home, store, who
        self.settings = Settings.model_validate(settings)
        self.keeper = Keeper(home, self.settings, store)
        self.files = home.workspace

    def approve(self, task_id: str, *, may_write: bool = True) -> None:
        """A task whose command had the right to write is approved."""
        self.store.submit(Intake(new=[new_task(id=task_id, command="true")]), "test")
        (claim,) = self.store.claim(self._who, 1)
        outcome = outcome_of(claim, mode="local", may_write=may_write or None)

        def judge(tx: Any) -> None:
            row = recording.begin_review(
                tx, claim.ref, outcome, Verdict(decision="APPROVE", confidence=1), {}
            )
            assert row is not None
            recording.approve(tx, row, "critics")

        self.store.write(judge)

    def did(self, task_id: str, **files: str | None) -> None:
        """A task writes files, or with None takes them away, is approved, and its checkpoint is made."""
        for name, text in files.items():
            path = self.files / name.replace("__", "/").replace("_", ".")
            if text is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        self.approve(task_id)
        self.keeper.keep_due()

    def row(self, task_id: str) -> Any:
        """The checkpoint of a task, whatever became of it."""
        return self.store.reader.one("newest_checkpoint_of", task=self.store.reader.task(task_id)["seq"])  # type: ignore[index]

    def row_of(self, number: int) -> Any:
        """The checkpoint of a number."""
        return self.store.reader.one("get_checkpoint", number=number)

    def git(self, *arguments: str) -> str:
        """What a git of the test's own says of the repository."""
        command = ["git", "--git-dir", str(self.home.checkpoints), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def held(self, task_id: str) -> set[str]:
        """The files that a checkpoint holds."""
        return set(self.git("ls-tree", "-r", "--name-only", self.row(task_id)["commit_id"]).splitlines())

    def events(self, kind: str) -> list[dict[str, Any]]:
        """What was told."""
        rows = [row for row in self.store.reader.events() if row["event"] == kind]
        return [{"task_id": row["task_id"]} | json.loads(row["data"]) for row in rows]

    def skep(self, *arguments: str, code: int = 0) -> str:
        """What a verb prints."""
        result = CliRunner().invoke(skep.cli, ["--home", str(self.home.root), *arguments])
        assert result.exit_code == code, result.output
        return result.output


@pytest.fixture
def rig(home: Home, store: SqliteStore, who) -> Rig:
    return Rig(home, store, who)


# -- what is kept ------------------------------------------------------------------------------------------


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


# -- the way back ------------------------------------------------------------------------------------------


def test_a_rollback_is_shown_first_and_changes_nothing(rig):
    rig.did("a", one_txt="1")
    rig.did("b", one_txt="2", new_txt="n")
    shown = rig.skep("rollback", "b", "--before")
    assert shown.splitlines() == ["delete  new.txt", "change  one.txt", "Nothing was changed; --yes does it."]
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


def test_newer_changes_are_marked_and_can_be_brought_back(rig):
    rig.did("a", one_txt="1")
    (rig.files / "one.txt").write_text("by hand")
    assert "change  one.txt (changed since)" in rig.skep("rollback", "a")
    told = json.loads(rig.skep("rollback", "a", "--yes", "--json"))
    assert (rig.files / "one.txt").read_text() == "1"
    rig.skep("rollback", f"checkpoint:{told['kept_as']}", "--all", "--yes")
    assert (rig.files / "one.txt").read_text() == "by hand"


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
    assert "left as it is" in rig.skep("rollback", "a", "--yes", code=1)
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


# -- a rollback that is killed -------------------------------------------------------------------------------


def kill_a_rollback(rig: Rig, at: int = 1) -> list[Path]:
    """Bring three files back with a `skep` of its own that dies on the way; what it left beside them."""
    rig.did("a", deep__one_txt="1" * 100, two_txt="2", three_txt="3")
    for name in ("deep/one.txt", "two.txt", "three.txt"):
        (rig.files / name).write_text("by hand")
    command = [sys.executable, "-m", "skep", "--home", str(rig.home.root), "rollback", "a", "--yes"]
    environment = {**os.environ, "SKEP_FAULT": f"rollback.written:{at}", "PYTHONPATH": str(HERE)}
    ended = subprocess.run(command, env=environment, cwd=HERE, capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    return sorted(rig.files.rglob(".skep-*"))


@pytest.mark.parametrize("at", [1, 3])
def test_what_a_killed_rollback_left_is_taken_away_by_the_leader(rig, at):
    (left,) = kill_a_rollback(rig, at)
    (rig.files / ".skep-mine").write_text("a person's")
    Checkpointing(rig.store, rig.keeper).look()
    assert not left.exists()
    assert (rig.files / ".skep-mine").read_text() == "a person's"
    assert [each["count"] for each in rig.events("checkpoint.tidied")] == [1]
    Checkpointing(rig.store, rig.keeper).look()
    assert len(rig.events("checkpoint.tidied")) == 1


def test_the_next_rollback_takes_it_away_and_finishes_the_work(rig):
    (left,) = kill_a_rollback(rig)
    told = json.loads(rig.skep("rollback", "a", "--yes", "--json"))
    assert not left.exists()
    assert (rig.files / "deep" / "one.txt").read_text() == "1" * 100
    assert left.name not in rig.git("ls-tree", "-r", "--name-only", rig.row_of(told["kept_as"])["commit_id"])
    assert rig.store.reader.fact(leftovers.KEY) is None


@pytest.mark.parametrize(("more", "stays"), [("", False), ("1", False), ("somebody's words", True)])
def test_half_a_file_goes_and_what_holds_anything_else_stays(rig, more, stays):
    (left,) = kill_a_rollback(rig)
    left.write_text("1" * 10 + more)
    rig.keeper.tidy()
    assert left.exists() == stays


def test_what_was_left_is_not_looked_for_through_a_link(rig, tmp_path):
    (left,) = kill_a_rollback(rig)
    (rig.files / "deep").rename(tmp_path / "outside")
    (rig.files / "deep").symlink_to(tmp_path / "outside")
    rig.keeper.tidy()
    assert (tmp_path / "outside" / left.name).exists()


def test_a_rollback_under_way_is_left_alone(rig):
    (left,) = kill_a_rollback(rig)
    with Keeper(rig.home, rig.settings, rig.store).lock:
        rig.keeper.tidy()
        assert left.exists()
    rig.keeper.tidy()
    assert not left.exists()


def test_a_plan_of_paths_is_complete(rig):
    rig.did("a", one_txt="1")
    row = rig.row("a")
    found = restoring.wanted(rig.keeper.repository, row["commit_id"], None, to_before=True, all_of_it=False)
    assert [(each.path, each.target) for each in found] == [(b"one.txt", None)]
