"""Files of the workspace brought back from the page of a task: shown first, done as shown, locked as ever."""

from __future__ import annotations

import json
import os
import sqlite3

import pytest

import host_platform
from review.checkpoints import previewing, restoring, writing
from store.claims import Claimant
from tests.integration.checkpoint_rig import Rig
from tests.integration.test_panel_page import HOSTILE_TEXTS, Seen
from tests.unit.panel.conftest import *  # noqa: F403  the fixtures

WHO = Claimant("w", host_platform.this_process(), 3600.0)


@pytest.fixture
def rig(home, store):
    home.workspace.mkdir(parents=True, exist_ok=True)
    rig = Rig(home, store, WHO)
    (rig.files / "notes.txt").write_text("one\ntwo\n")
    rig.did("first", other_txt="x")
    return rig


def look(browser, task_id="t"):
    answer = browser.post(f"/api/v1/tasks/{task_id}/rollback").json
    assert answer["rollback"]["state"] == "done", answer
    return answer["rollback"]["result"]


def test_what_a_rollback_would_change_is_shown_with_sizes_and_lines_and_nothing_is_touched(browser, rig):
    rig.did("t", notes_txt="one\nthree\n", new_txt="fresh\n")
    (rig.files / "new.txt").write_text("fresher\n")

    told = look(browser)

    new, notes = told["paths"]
    assert (new["path"], new["action"], new["is_newer"], new["size"], new["size_then"]) == (
        "new.txt", "delete", True, 8, None,
    )  # fmt: skip
    assert (notes["path"], notes["action"], notes["size"], notes["size_then"]) == (
        "notes.txt",
        "change",
        10,
        8,
    )
    assert {"-three", "+two"} <= set(notes["diff"])
    assert (rig.files / "notes.txt").read_text() == "one\nthree\n"
    seen = Seen(browser.get("/tasks/t"))
    assert "2 files would change." in seen.text
    assert "changed since" in seen.text
    assert "skep rollback --before t" in seen.text
    assert "skep rollback --before --yes t" in seen.text
    assert "Roll back 2 files" in seen.buttons()
    assert "2 files would change." not in Seen(browser.get("/tasks/first")).text


def test_it_is_done_as_it_was_shown_and_what_was_there_is_kept(browser, rig, home):
    rig.did("t", notes_txt="one\nthree\n")
    digest = look(browser)["digest"]

    answer = browser.post("/api/v1/tasks/t/rollback/do", {"digest": digest}).json

    assert (rig.files / "notes.txt").read_text() == "one\ntwo\n"
    kept = answer["rollback"]["result"]["kept_as"]
    assert (
        answer["message"]
        == f"1 file is as last kept before t. What was there until then is checkpoint:{kept}."
    )
    assert rig.events("checkpoint.restored")[0]["source"] == "panel"
    with sqlite3.connect(home.database) as connection:
        _, record = connection.execute("SELECT actor, data FROM audit WHERE event = 'rollback'").fetchall()
    assert (record[0], json.loads(record[1])["count"]) == ("panel", 1)
    assert json.loads(record[1])["reason"] == "files are as last kept before checkpoint 2"
    assert "1 file is as last kept before t." in Seen(browser.get("/tasks/t")).text


def test_what_was_changed_since_is_shown_first_and_counted_however_many_files_there_are(
    browser, rig, monkeypatch
):
    monkeypatch.setattr(previewing, "MOST_SHOWN", 1)
    names = ["a.txt", "b.txt", "y.txt", "z.txt"]
    rig.did("t", **{name.replace(".", "_"): "1" for name in names})
    for name in names[2:]:
        (rig.files / name).write_text("mine")

    told = look(browser)

    assert [each["path"] for each in told["paths"]] == ["y.txt"]
    assert (told["newer"], told["more"], told["more_newer"]) == (2, 3, 1)
    seen = Seen(browser.get("/tasks/t"))
    assert "2 files were changed since the checkpoint, and would lose that." in seen.text
    assert "And 3 more, 1 of them changed since" in seen.text
    (ask,) = [found["data-ask"] for _, found in seen.tags if found.get("id") == "rollback-do"]
    assert "2 files were changed since the checkpoint, and would lose that." in ask


def in_the_way(rig):
    """A task takes a file away, and a person then puts a folder there that is never kept whole."""
    (rig.files / "other.txt").mkdir()
    os.mkfifo(rig.files / "other.txt/pipe")


def test_where_everything_is_left_alone_the_answer_is_a_problem_that_says_why(browser, rig):
    rig.did("t", other_txt=None)
    in_the_way(rig)

    answer = browser.post("/api/v1/tasks/t/rollback/do", {"digest": look(browser)["digest"]})

    why = "other.txt: a folder is in its place, with other.txt/pipe"
    assert (answer.status_code, answer.json["code"]) == (409, "transition_not_allowed")
    assert answer.json["detail"] == f"Nothing was changed: 1 file is left as it is. {why}"
    assert answer.json["left"] == [why]
    assert why in Seen(browser.get("/tasks/t")).text


def test_how_far_a_rollback_is_is_told_while_it_is_under_way(browser, rig, monkeypatch):
    monkeypatch.setattr(restoring, "TOLD_EVERY", 1)
    rig.did("t", notes_txt="three\n", other_txt="y")
    seen: list[str] = []
    digest = look(browser)["digest"]

    def watched(*arguments):
        for error in writing.write_all(*arguments):
            seen.append(Seen(browser.get("/tasks/t")).text)
            yield error

    monkeypatch.setattr(restoring, "write_all", watched)

    browser.post("/api/v1/tasks/t/rollback/do", {"digest": digest})

    assert "It is under way." in seen[0]
    assert "It is under way: 1 of 2 files are written." in seen[1]


def test_where_some_files_are_left_the_message_counts_them(browser, rig):
    rig.did("t", other_txt=None, notes_txt="three\n")
    in_the_way(rig)

    answer = browser.post("/api/v1/tasks/t/rollback/do", {"digest": look(browser)["digest"]})

    assert answer.status_code == 200
    assert "1 file is as last kept before t. 1 file is left as it is. What was" in answer.json["message"]


def test_what_goes_with_a_rollback_is_told_and_not_all_of_it_is_called_the_task_s_work(browser, rig, store):
    (rig.files / "notes.txt").write_text("by hand, before the task\n")
    rig.did("t")
    text = Seen(browser.get("/tasks/t")).text
    assert "1 file was changed, by it or by whoever else was at work." in text
    assert "what anybody changed in them from then on goes" in text
    assert "Its record names no right of its own" not in text
    look(browser)
    tags = Seen(browser.get("/tasks/t")).tags
    (ask,) = [found["data-ask"] for _, found in tags if found.get("id") == "rollback-do"]
    assert ask.startswith(
        "Bring back 1 file of the workspace to the last state that was kept before t? What anybody changed"
    )

    rig.did("after")
    assert "No file had changed since the last state" in Seen(browser.get("/tasks/after")).text


@pytest.mark.parametrize("digest", ["", "0" * 64])
def test_nothing_is_done_that_was_not_shown(browser, rig, digest):
    rig.did("t", notes_txt="one\nthree\n")

    answer = browser.post("/api/v1/tasks/t/rollback/do", {"digest": digest})

    assert (answer.status_code, answer.json["code"]) == (409, "transition_not_allowed")
    assert "changed since this was shown" in answer.json["detail"]
    assert (rig.files / "notes.txt").read_text() == "one\nthree\n"


def test_what_changed_since_it_was_shown_is_looked_at_again_first(browser, rig):
    rig.did("t", notes_txt="one\nthree\n")
    digest = look(browser)["digest"]
    (rig.files / "notes.txt").write_text("mine\n")

    answer = browser.post("/api/v1/tasks/t/rollback/do", {"digest": digest})

    assert answer.status_code == 409
    assert "Look at it again." in answer.json["detail"]
    assert (rig.files / "notes.txt").read_text() == "mine\n"
    assert "Look at it again." in Seen(browser.get("/tasks/t")).text


def _appended(file):
    file.write_text(file.read_text() + "and more\n")


def _linked(file):
    file.unlink()
    file.symlink_to("other.txt")


def _made_a_folder(file):
    file.unlink()
    file.mkdir()


def what_stands(file):
    """All of a file that an edit changes: reading it, as a preview does, changes its time of access."""
    if not os.path.lexists(file):
        return None
    found = file.lstat()
    text = file.read_text() if file.is_file() else None
    return found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns, text


@pytest.mark.parametrize(
    "edit", [_appended, _linked, _made_a_folder, lambda file: file.chmod(0o600), lambda file: file.unlink()]
)
def test_an_edit_after_the_task_that_nobody_was_shown_is_not_written_over(browser, rig, edit):
    rig.did("t", notes_txt="one\nthree\n")
    file = rig.files / "notes.txt"
    file.write_text("edited, and this was shown\n")
    digest = look(browser)["digest"]
    edit(file)
    before = what_stands(file)

    answer = browser.post("/api/v1/tasks/t/rollback/do", {"digest": digest})

    assert answer.status_code == 409
    assert what_stands(file) == before
    assert look(browser)["digest"] != digest


def test_a_link_that_leads_elsewhere_by_now_is_another_plan(browser, rig):
    rig.did("t", notes_txt="one\nthree\n")
    file, digests = rig.files / "notes.txt", set()
    for target in ("other.txt", "nowhere"):
        file.unlink()
        file.symlink_to(target)
        digests.add(look(browser)["digest"])

    assert len(digests) == 2


def test_while_a_command_runs_nothing_is_touched(browser, rig, store, by):
    rig.did("t", notes_txt="one\nthree\n")
    digest = look(browser)["digest"]
    by.start("busy", command="sleep 9")

    answer = browser.post("/api/v1/tasks/t/rollback/do", {"digest": digest})

    assert (answer.status_code, answer.json["code"]) == (409, "transition_not_allowed")
    assert "A command runs (busy)" in answer.json["detail"]
    assert (rig.files / "notes.txt").read_text() == "one\nthree\n"


def test_long_and_binary_files_are_told_by_their_size_alone(browser, rig):
    rig.did("t", notes_txt="x\n" * 40_000, program_bin="a\0b", many_txt="".join(f"{n}\n" for n in range(500)))

    many, notes, binary = look(browser)["paths"]

    assert (notes["size"], notes["diff"]) == (80_000, [])
    assert (binary["size"], binary["diff"]) == (3, [])
    assert (len(many["diff"]), many["is_cut"]) == (120, True)


def test_a_task_without_kept_files_or_with_too_many_says_so(browser, rig, by, monkeypatch):
    from panel import rollbacks

    rig.did("t", notes_txt="three\n")
    by.add("nothing")
    assert "No files" in browser.post("/api/v1/tasks/nothing/rollback").json["detail"]
    monkeypatch.setattr(rollbacks, "MOST_PATHS", 0)
    answer = browser.post("/api/v1/tasks/t/rollback")
    assert "`skep rollback --before --yes t` does it" in answer.json["detail"]
    assert browser.get("/api/v1/tasks/t/rollback").json["state"] == "never"


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_names_and_contents_are_only_text(browser, rig, text):
    name = text.replace("/", "").replace("\0", "").encode("utf-8", "surrogatepass")[:200]
    path = bytes(rig.files) + b"/" + name
    with open(path, "wb") as file:  # noqa: PTH123  a name of bytes
        file.write(text.encode("utf-8", "surrogatepass"))
    rig.did("t", notes_txt=text.encode("utf-8", "replace").decode())

    assert look(browser)["count"] == 2
    page = browser.get("/tasks/t")
    seen = Seen(page)
    assert [found for tag, found in seen.tags if tag == "script" and "src" not in found] == []
    assert [found for tag, found in seen.tags if tag == "img" and "onerror" in found] == []
    assert not any(mark in page.text for mark in "\x00\x07\x1b\u202e")


def test_nobody_looks_or_rolls_back_without_a_login(stranger, rig):
    rig.did("t", notes_txt="three\n")

    assert stranger.get("/api/v1/tasks/t/rollback").status_code == 401
    assert stranger.post("/api/v1/tasks/t/rollback").status_code == 401
    assert stranger.post("/api/v1/tasks/t/rollback/do").status_code == 401
    assert (rig.files / "notes.txt").read_text() == "three\n"
