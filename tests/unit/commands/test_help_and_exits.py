"""What every verb has in common: help with an example, --json, exit codes, errors told in one shape."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import errors
import skep
from commands import exits, place

REPOSITORY = Path(__file__).resolve().parents[3]
VERBS = list(skep.VERBS)
HEAVY = ("flask", "httpx", "pydantic", "rich", "sqlite3", "settings", "store")


def command(verb: str) -> click.Command:
    module, _, name = skep.VERBS[verb][0].partition(":")
    return getattr(importlib.import_module(f"commands.{module}"), name)


def actions(verb: str) -> list[click.Command]:
    """A verb, or in its place the actions it has."""
    found = command(verb)
    if not isinstance(found, click.Group):
        return [found]
    context = click.Context(found)
    return [each for name in found.list_commands(context) if (each := found.get_command(context, name))]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(verb):
    shown = CliRunner().invoke(skep.cli, [verb, "--help"])

    assert shown.exit_code == 0
    assert f"Example: skep {verb}" in shown.output or (
        verb == "completion" and "skep completion" in shown.output
    )


@pytest.mark.parametrize("verb", list(VERBS))
def test_every_verb_can_answer_in_json(verb):
    for each in actions(verb):
        assert "--json" in [name for parameter in each.params for name in parameter.opts]


@pytest.mark.parametrize(
    "line",
    [
        "list --limit",
        "events --limit",
        "events --after",
        "events -f --after",
        "audit --limit",
        "log nobody --attempt",
        "run watch nobody --after",
    ],
)
def test_a_number_that_nothing_can_count_to_is_wrong_usage(run, home, line):
    told = run(*line.split(), "9" * 30, code=2)

    assert "is not in the range" in told.stderr


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_says_what_it_does(verb):
    given = [each for action in actions(verb) for each in action.params]
    silent = [each.name for each in given if isinstance(each, click.Option) and not each.help]

    assert silent == []


def test_help_of_the_whole_loads_no_verb_and_nothing_heavy():
    script = (
        "import sys, click.testing, skep; click.testing.CliRunner().invoke(skep.cli, ['--help']);"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert shown.stdout.strip() == "[]"


def test_the_help_of_the_whole_names_every_verb_and_the_exit_codes():
    shown = CliRunner().invoke(skep.cli, ["--help"]).output

    assert all(f"  {verb} " in shown for verb in VERBS)
    assert "75 waiting for a person" in shown


def test_the_version_is_told():
    assert CliRunner().invoke(skep.cli, ["--version"]).output.startswith("skep")


def test_a_verb_that_is_nearly_right_is_guessed(run):
    assert "Did you mean 'list'?" in run("lsit", code=2).stderr


READING = [
    ["list"], ["show", "a"], ["status"], ["log", "a"], ["events"], ["wait"], ["edit"], ["cancel", "a"],
    ["retry", "a"], ["approve", "a"], ["reject", "a", "--reason", "r"], ["pause"], ["resume"], ["verify"],
    ["panel"], ["add", "x"],
]  # fmt: skip


@pytest.mark.parametrize("arguments", READING, ids=lambda arguments: arguments[0])
def test_without_a_home_the_way_out_is_told_and_nothing_is_made(tmp_path, arguments):
    here = tmp_path / "nowhere"
    here.mkdir()

    told = CliRunner().invoke(skep.cli, ["--home", str(here), *arguments])

    assert told.exit_code == 3
    assert "run `skep init`" in told.stderr
    assert told.stderr.startswith(f"skep {arguments[0]}: ")
    assert told.stderr.count("\n") == 1
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.NotFound(), 1),
        (errors.TransitionNotAllowed(), 1),
        (errors.InvalidTask(), 1),
        (errors.AlreadyAnswered(), 1),
        (errors.InvalidSetting(), 2),
        (click.UsageError("x"), 2),
        (errors.StoreBusy(), 3),
        (errors.StoreCorrupt(), 3),
        (errors.DaemonUnreachable(), 3),
        (place.NoHome(), 3),
        (PermissionError(13, "Permission denied", "x"), 3),
    ],
)
def test_each_kind_of_error_has_its_exit_code(error, code):
    assert exits.code_of(error) == code


def test_an_error_with_json_is_a_problem_document_on_standard_output(store, run):
    told = run("show", "nope", "--json", code=1)

    problem = json.loads(told.stdout)["error"]
    assert problem["code"] == "not_found"
    assert problem["type"] == "urn:skep:problem:not_found"
    assert "nope" in problem["detail"]
    assert told.stderr.startswith("skep show: ")


def test_wrong_usage_with_json_is_told_as_json_too(run):
    assert json.loads(run("list", "--limit", "x", "--json", code=2).stdout)["error"]["code"] == "usage"


def test_a_json_flag_behind_two_dashes_belongs_to_the_command():
    assert exits.is_json(["list", "--json"])
    assert not exits.is_json(["add", "--", "echo", "--json"])


def test_a_wrong_setting_is_wrong_usage_and_named(store, run, home):
    (home.root / "skep.toml").write_text("concurency = 4\n")

    assert "did you mean concurrency?" in run("list", code=2).stderr


def test_a_hostile_word_in_an_error_cannot_write_to_the_terminal(store, run):
    told = run("show", "\x1b[31mred", code=1)

    assert "\x1b" not in told.stderr


def test_ctrl_c_is_130(store, run, monkeypatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("commands.list.select", interrupted)

    run("list", code=130)


def test_completion_offers_verbs_and_ids(walk, home):
    walk.submit({"id": "report-1"}, {"id": "other"})

    assert complete(home, "skep sh", 1) == ["plain,show"]
    assert complete(home, "skep show re", 2) == ["plain,report-1"]
    assert complete(home, "skep list --status fa", 3) == ["plain,failed"]
    assert complete(home, "skep edit --status failed,ap", 3) == ["plain,failed,approved"]


def complete(home, words: str, number: int) -> list[str]:
    asked = {"_SKEP_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(number)}
    shown = subprocess.run(
        [sys.executable, "-m", "skep"],
        env=os.environ | asked | {"SKEP_HOME": str(home.root)},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    return shown.stdout.split()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(run, shell):
    assert "_SKEP_COMPLETE" in run("completion", shell).stdout


@pytest.mark.parametrize("below", ["", "a/b"])
@pytest.mark.parametrize(
    ("verb", "code"), [("list", 3), ("status", 3), ("up", 3), ("ping", 3), ("init", 2), ("doctor", 1)]
)
def test_a_home_that_is_a_file_is_told_as_that_with_the_way_out(tmp_path, verb, code, below):
    file = tmp_path / "notes"
    file.write_text("mine")

    told = CliRunner().invoke(skep.cli, [verb], env={"SKEP_HOME": str(file / below)})

    assert told.exit_code == code
    assert f"{file} is a file and not a folder" in told.output
    assert "another folder with --home or SKEP_HOME." in told.output
    assert "skep init" not in told.output.replace("skep init: ", "")
    assert "Errno" not in told.output
    assert file.read_text() == "mine"
