"""``skep route`` and ``skep tools``: what would be found, what came of it, and how a tool is kept."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

import skep
from store import tool_uses
from toolbox import files

TOOLS = """
[[tool]]
name = "count-lines"
description = "Counts the lines of a text file."
examples = ["count the lines of {file}"]
argv = ["wc", "-l", "{file}"]

[[tool]]
name = "never-filled"
description = "Frobnicates widgets."
argv = ["cat", "{widget}"]
"""


@pytest.fixture
def tools_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(TOOLS, "utf-8")
    return path


@pytest.fixture
def elsewhere(tmp_path, tools_file):
    """Run a verb where there is no home."""

    def run(*arguments, given=None):
        root = tmp_path / "nowhere"
        return CliRunner().invoke(skep.cli, ["--home", str(root), *arguments], input=given)

    return run


def test_a_route_is_shown_without_a_home_and_nothing_is_made(elsewhere, tools_file, tmp_path):
    told = json.loads(
        elsewhere("route", "--tools", str(tools_file), "--json", "count the lines of a.txt").stdout
    )
    assert (told["tool"], told["outcome"], told["argv"]) == ("count-lines", "run", ["wc", "-l", "a.txt"])
    assert told["candidates"][0]["tool"] == "count-lines"
    assert not (tmp_path / "nowhere").exists()


def test_a_route_is_told_to_a_person_and_none_is_an_answer(elsewhere, tools_file):
    found = elsewhere("route", "--tools", str(tools_file), "count the lines of a.txt")
    none = elsewhere("route", "--tools", str(tools_file), "who was Ada Lovelace")
    assert (found.exit_code, none.exit_code) == (0, 0)
    assert "would run" in found.stdout
    assert none.stdout.startswith("tool          none")


def test_each_line_gets_its_answer_and_a_bad_one_an_error_and_exit_code_1(elsewhere, tools_file):
    lines = ['{"id": "a", "text": "count the lines of a.txt"}', '{"id": 7, "text": "who was Ada"}', ""]
    good = elsewhere("route", "--jsonl", "--tools", str(tools_file), given="\n".join(lines))
    answers = [json.loads(line) for line in good.stdout.splitlines()]
    assert good.exit_code == 0
    assert [(each["id"], each["tool"]) for each in answers] == [("a", "count-lines"), (7, None)]
    assert all({"id", "tool", "confidence", "candidates"} <= each.keys() for each in answers)

    bad = ["nonsense", '{"id": "b"}', '["x"]', '{"id": "c", "text": 5}', lines[0]]
    mixed = elsewhere("route", "--jsonl", "--tools", str(tools_file), given="\n".join(bad))
    answers = [json.loads(line) for line in mixed.stdout.splitlines()]
    assert mixed.exit_code == 1
    assert [bool(each.get("error")) for each in answers] == [True, True, True, True, False]
    assert answers[-1]["tool"] == "count-lines"


def test_bytes_that_are_no_text_are_answered_too(elsewhere, tools_file):
    result = elsewhere(
        "route", "--jsonl", "--tools", str(tools_file), given=b'\xff\xfe\n{"text": "\\ud800"}\n'
    )
    assert [json.loads(line)["tool"] for line in result.stdout.splitlines()] == [None, None]


def test_a_tools_file_that_is_wrong_is_named_with_the_rule(elsewhere, tmp_path):
    path = tmp_path / "wrong.toml"
    path.write_text('[[tool]]\nname = "x1"\n', "utf-8")
    result = elsewhere("route", "--tools", str(path), "anything")
    assert result.exit_code == 2
    assert "description" in result.stderr


def test_wrong_usage_is_told(elsewhere, tools_file):
    assert elsewhere("route", "--jsonl", "text", "--tools", str(tools_file)).exit_code == 2
    assert elsewhere("tools", "keep").exit_code == 2
    assert elsewhere("tools", "list", "t-1").exit_code == 2


def test_tools_are_listed_with_what_came_of_them(home, run, ask, walk):
    (home.root / "config").mkdir()
    (home.root / "config/tools.toml").write_text(TOOLS, "utf-8")
    rows = {row["name"]: row for row in ask("tools")}
    assert rows["count-lines"]["kind"] == "run"
    assert (rows["count-lines"]["hits"], rows["count-lines"]["standing"]) == (0, 1.0)
    result = run("tools")
    assert "count-lines" in result.stdout
    assert "never-filled never runs: no example and no input_schema says widget" in result.stderr


def test_an_approved_answer_is_kept_as_text_and_found(home, run, ask, walk):
    walk.approved(b"After rivers, from north to south.", id="t-1", prompt="How do we name our bee hives?")
    told = ask("tools", "keep", "t-1", "--name", "hive-names", "--keyword", "apiary")
    assert told == {"tool": "hive-names", "kind": "context", "written": "tools/hive-names"}
    (tool,) = files.read_home(home.root)
    assert (tool.text, tool.examples) == (
        "After rivers, from north to south.",
        ["How do we name our bee hives?"],
    )
    assert ask("route", "naming bee hives of the apiary")["tool"] == "hive-names"
    assert "already" in run("tools", "keep", "t-1", "--name", "hive-names", code=2).stderr


def test_an_approved_command_is_kept_as_a_tool_that_runs(home, run, ask, walk):
    walk.approved(id="t-1", command="wc -l 'my notes.txt'")
    assert "description" in run("tools", "keep", "t-1", code=2).stderr
    run("tools", "keep", "t-1", "--description", "Counts the lines of my notes.")
    (tool,) = files.read_home(home.root)
    assert tool.argv == ["wc", "-l", "my notes.txt"]
    assert tool.runs


def test_only_an_approved_result_is_kept(home, run, walk):
    walk.submit({"id": "t-1", "prompt": "x"})
    assert "only an approved result" in run("tools", "keep", "t-1", code=1).stderr
    assert "no task" in run("tools", "keep", "t-2", code=1).stderr
    assert not (home.root / "tools").exists()


def test_what_became_of_a_tool_that_is_gone_is_still_told(home, store, ask, walk):
    walk.claim(id="t-1", prompt="x")
    row = store.reader.task("t-1")
    store.write(lambda tx: tool_uses.note(tx, row["seq"], row["lease"], "old-tool", 5))
    ended = {"became": "approved", "findings": None, "now": 1.0}
    store.write(lambda tx: tx.run("end_attempt", task=row["seq"], lease=row["lease"], **ended))
    assert [(row["name"], row["kind"], row["saved_tokens"]) for row in ask("tools")] == [
        ("old-tool", "gone", 5)
    ]
