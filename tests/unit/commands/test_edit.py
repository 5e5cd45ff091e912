"""`skep edit`: only the chosen tasks, against the version that was shown, by any editor there is."""

from __future__ import annotations

import json
import shlex
import stat
import sys
import tempfile
from pathlib import Path

import pytest

from commands import edit_file
from errors import InvalidTask
from runtime_contract import Limits


@pytest.fixture(autouse=True)
def _nothing_is_kept_among_the_machines_files(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def editor(tmp_path_factory, monkeypatch):
    """An editor that runs a Python script; `path`, `text`, `docs` and `round` are there, `docs` is saved."""
    folder = tmp_path_factory.mktemp("editor")

    def use(script: str, *, raw: bool = False) -> Path:
        seen = folder / "seen"
        seen.mkdir(exist_ok=True)
        save = "pass" if raw else "path.write_text(json.dumps(docs))"
        program = folder / "editor.py"
        program.write_text(
            "import json, sys, pathlib\n"
            "path = pathlib.Path(sys.argv[-1])\n"
            f"seen = pathlib.Path({str(seen)!r})\n"
            "round = len(list(seen.iterdir()))\n"
            "text = path.read_text()\n"
            "(seen / str(round)).write_text(f'{path.stat().st_mode:o} {path}\\n{text}')\n"
            "body = '\\n'.join(line for line in text.splitlines() if not line.startswith('#'))\n"
            "try: docs = json.loads(body)\n"
            "except ValueError: docs = None\n"
            f"{script}\n{save}\n"
        )
        monkeypatch.setenv("EDITOR", f"{shlex.quote(sys.executable)} {shlex.quote(str(program))}")
        monkeypatch.delenv("VISUAL", raising=False)
        return seen

    return use


def doc(walk, task_id):
    return json.loads(walk.store.reader.task(task_id)["doc"])


def test_a_change_is_applied_and_told(walk, run, editor):
    walk.submit({"id": "a", "prompt": "old"})
    editor("docs[0]['prompt'] = 'new'")

    assert run("edit", "a").stdout == "a: changed prompt\n"
    assert doc(walk, "a")["prompt"] == "new"


def test_a_secret_that_is_put_in_as_a_name_is_refused_and_repeated_nowhere(walk, run, editor):
    walk.submit({"id": "a", "prompt": "x", "not_before": 4e9})
    secret = "ghp_" + "a1B2c3D4" * 5
    editor(f"docs = docs and [docs[0] | {{'model': {secret!r}}}]")

    told = run("edit", "a", code=1)
    assert "[0].model: looks like a secret" in told.stderr
    assert secret not in told.output
    assert "model" not in doc(walk, "a")


def test_only_the_chosen_tasks_are_opened_in_a_file_nobody_else_can_read(walk, run, editor):
    walk.submit({"id": "rep-1"}, {"id": "rep-2"}, {"id": "other"})
    walk.approved(id="rep-3")
    seen = editor("pass")

    assert run("edit", "rep-*").stdout == "Nothing was changed.\n"

    mode, path, text = (seen / "0").read_text().replace("\n", " ", 1).split(" ", 2)
    assert stat.S_IMODE(int(mode, 8)) == 0o600
    assert not Path(path).exists()
    assert ("rep-1" in text, "rep-2" in text, "rep-3" in text, "other" in text) == (True, True, False, False)


def test_without_a_filter_every_pending_task_is_opened(walk, run, editor):
    walk.approved(id="c")
    walk.submit({"id": "a"}, {"id": "b"})
    editor("docs = [each | {'priority': 7} for each in docs]")

    run("edit")

    assert [walk.store.reader.task(name)["priority"] for name in "abc"] == [7, 7, 0]


def test_nothing_to_open_is_1(walk, run):
    assert "No task fits 'x*'" in run("edit", "x*", code=1).stderr


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("docs[0]['priority'] = 'high'", "priority: must be"),
        ("docs[0]['id'] = 'b'", "is not one of the tasks that were opened"),
        ("docs.append(docs[0])", "stands twice"),
        ("docs = {'a': 1}", "must be a list of tasks"),
    ],
)
def test_a_mistake_opens_the_editor_again_with_what_is_wrong_on_top(walk, run, editor, wrong, said):
    walk.submit({"id": "a", "prompt": "old"})
    good = {"id": "a", "prompt": "new"}
    seen = editor(f"if round == 0: {wrong}\nelse: docs = [{good!r}]")

    run("edit", "a")

    assert said in (seen / "1").read_text()
    assert "# ! " in (seen / "1").read_text()
    assert doc(walk, "a") == good


def test_a_program_that_writes_something_wrong_again_and_again_comes_to_an_end(
    walk, run, editor, monkeypatch
):
    monkeypatch.setattr(edit_file, "MOST_TIMES", 3)
    walk.submit({"id": "a", "prompt": "old"})
    seen = editor("docs = [{'id': 'a', 'priority': 'x' * (round + 1)}]")

    assert "Nothing was changed; what you wrote is in" in run("edit", "a", code=1).stderr
    assert len(list(seen.iterdir())) == 3


def test_broken_json_is_shown_with_its_line_and_keeps_what_was_written(walk, run, editor):
    walk.submit({"id": "a", "prompt": "old"})
    seen = editor(
        'path.write_text(\'[\\n{"id": "a", "prompt": "new",}]\' if round == 0 else '
        "text.replace(',}', '}'))",
        raw=True,
    )

    run("edit", "a")

    assert "# ! line 2, column " in (seen / "1").read_text()
    assert doc(walk, "a")["prompt"] == "new"


def test_a_mistake_that_is_saved_again_as_it_was_gives_up(walk, run, editor):
    walk.submit({"id": "a", "prompt": "old"})
    seen = editor("docs[0]['priority'] = 'high'")

    told = run("edit", "a", code=1).stderr

    kept = Path(told.strip().removesuffix(".").rpartition(" ")[2])
    assert "priority: must be" in told
    assert '"high"' in kept.read_text()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    kept.unlink()
    assert len(list(seen.iterdir())) == 2
    assert doc(walk, "a") == {"id": "a", "prompt": "old"}


def test_a_field_that_somebody_else_changed_meanwhile_stays_and_the_text_is_kept(
    walk, home, run, editor, monkeypatch
):
    walk.submit({"id": "a", "prompt": "old", "priority": 1})
    theirs = "docs[0]['prompt'] = 'theirs'"
    editor(theirs)
    run("edit", "a")
    versions = dict(walk.store.reader.task("a"))
    real = edit_file.edit_until_good

    def while_others_edit(command, docs, check):
        saved = real(command, docs, check)
        editor("docs[0]['prompt'] = 'meanwhile'")
        monkeypatch.setattr(edit_file, "edit_until_good", real)
        run("edit", "a")
        return saved

    monkeypatch.setattr(edit_file, "edit_until_good", while_others_edit)
    editor("docs[0]['prompt'] = 'mine'; docs[0]['priority'] = 5")

    told = run("edit", "a", code=1)

    assert "somebody else changed prompt" in told.stderr
    assert (doc(walk, "a")["prompt"], doc(walk, "a")["priority"]) == ("meanwhile", 5)
    (kept,) = home.conflicts.iterdir()
    assert json.loads(kept.read_text())["prompt"] == "mine"
    assert walk.store.reader.task("a")["version"] > versions["version"]


def test_an_ended_task_is_changed_and_sent_back_with_retry(walk, run, editor):
    walk.failed(id="a", prompt="old")
    editor("docs[0]['prompt'] = 'better'")

    assert "ended failed" in run("edit", "a", code=1).stderr
    assert "is back in the queue" in run("edit", "a", "--retry").stdout
    assert (walk.store.reader.task("a")["state"], doc(walk, "a")["prompt"]) == ("ready", "better")


def test_a_refused_entry_is_corrected_in_place(walk, run, editor, home):
    from store.records import Intake, RefusedTask

    raw = '{"id": "a", "prompt": 7}'
    walk.store.submit(
        Intake(refused=[RefusedTask("a", "tasks[0].prompt: must be string", "tasks[0].prompt", raw)]), "test"
    )
    editor("docs[0]['prompt'] = 'seven'")

    run("edit", "a")

    assert (walk.store.reader.task("a")["state"], doc(walk, "a")["prompt"]) == ("ready", "seven")


@pytest.mark.parametrize(
    ("command", "said"),
    [("/nowhere/editor", "cannot be started"), ("false", "exit code 1"), ("'", "cannot be read")],
)
def test_an_editor_that_fails_changes_nothing(walk, run, monkeypatch, command, said):
    walk.submit({"id": "a"})
    monkeypatch.setenv("EDITOR", command)
    monkeypatch.delenv("VISUAL", raising=False)

    assert said in run("edit", "a", code=1).stderr


def test_visual_goes_before_editor():
    assert edit_file.editor({"VISUAL": "code -w", "EDITOR": "vi"}) == ["code", "-w"]
    assert edit_file.editor({}) == ["vi"]


def test_a_text_with_escapes_is_opened_as_json_escapes_and_comes_back_the_same():
    doc = {"id": "a", "prompt": "\x1b[31m\u202e\x9b ä"}

    text = edit_file.render([doc])

    assert not set(text) & set("\x1b\u202e\x9b")
    assert edit_file.read(text, ["a"], Limits()) == {"a": doc}


def test_every_task_that_is_wrong_is_told_at_once():
    text = json.dumps([{"id": "a", "prompt": ""}, {"id": "b", "prompt": "x", "priority": "y"}])

    with pytest.raises(InvalidTask) as told:
        edit_file.read(text, ["a", "b"], Limits())
    assert len(told.value.message.splitlines()) == 2


def test_what_changed_is_told_as_json(walk, ask, editor):
    walk.submit({"id": "a", "prompt": "old"})
    editor("docs[0]['prompt'] = 'new'")

    (told,) = ask("edit", "a")["results"]
    assert (told["id"], told["ok"], told["fields"]) == ("a", True, ["prompt"])


def test_a_question_of_leave_for_the_old_words_is_told_with_the_way_to_the_new_ones(walk, run, editor):
    walk.waits_for_leave(("/usr/bin/echo", "old"), id="a", profile="agent", prompt="old")
    editor("docs[0]['prompt'] = 'new'")

    told = " ".join(run("edit", "a").stdout.split())
    assert "the question that waits is about the old text" in told
    run("reject", "a", "--reason", "old")
    run("retry", "a")
    task = walk.store.reader.task("a")
    assert (task["state"], json.loads(task["doc"])["prompt"]) == ("ready", "new")


def test_a_result_of_the_old_words_is_not_approved_for_the_new_ones(walk, run, ask, editor):
    walk.held(id="a", prompt="old", review="human")
    editor("docs[0]['prompt'] = 'new'")

    assert "the result that waits was made of the old text" in run("edit", "a").stdout
    refusal = run("approve", "a", code=1).stderr
    assert "was edited after this result was made" in refusal
    for shown in (run("show", "a").stdout, run("status").stdout):
        assert ("skep approve a" in shown, "skep reject a --reason" in shown) == (False, True)
    outdated = ask("show", "a")["decision"]["outdated"]
    assert outdated in refusal
    assert outdated in run("show", "a").stdout

    run("reject", "a", "--reason", "run the new words")
    assert walk.store.reader.task("a")["state"] == "ready"


def test_an_edit_of_what_was_not_asked_leaves_the_result_approvable(walk, run, editor):
    walk.held(id="a", prompt="old", review="human")
    editor("docs[0]['tags'] = ['later']")

    run("edit", "a")
    assert "skep approve a" in run("show", "a").stdout
    run("approve", "a")
    assert walk.store.reader.task("a")["state"] == "approved"
