"""`skep validate`: everything a file breaks, with its place, and nothing taken in."""

from __future__ import annotations

import json
import os

import pytest

from commands.init import sample_queue
from runtime_contract import Limits
from store.queue_file.report import check


def problems(text: str) -> list[tuple[str | None, str]]:
    return [(each.get("path"), each["rule"]) for each in check(text.encode(), Limits()).problems]


def test_a_good_file_is_0_and_is_not_taken_in(store, home, run):
    home.queue_file.write_text(sample_queue())

    assert "6 tasks, can be taken in" in run("validate").stdout
    assert list(store.reader.tasks()) == []


def test_it_works_without_a_home(home, run):
    (home.root / "q.json").write_text('{"tasks": []}')

    run("validate", str(home.root / "q.json"))
    assert not home.state.exists()


def test_every_problem_is_told_in_the_order_of_the_file():
    queue = {
        "api_endpoint": "http://example.com",
        "tasks": [
            {"id": "a", "prompt": "x", "depends_on": ["b"]},
            {"id": "b", "prompt": "x", "depends_on": ["a"]},
            {"id": "b", "prompt": "again"},
            {"id": 4, "prompt": "x"},
            {"prompt": "x", "timeout": -1},
            "text",
        ],
    }

    found = problems(json.dumps(queue))

    assert [path for path, _ in found] == [
        "api_endpoint", "tasks[0].depends_on", "tasks[2].id", "tasks[3].id", "tasks[4].timeout_s", "tasks[5]",
    ]  # fmt: skip
    assert found[1][1] in {"depends on itself: a -> b -> a", "depends on itself: b -> a -> b"}


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [('{"tasks": [\n{"a":1,}]}', 2, 7), ("", 1, 1), ('{"tasks": NaN}', 1, 11), ('{"a":1,\n"a":2}', 2, 1)],
)
def test_broken_json_is_told_with_line_and_column(home, run, text, line, column):
    home.queue_file.write_text(text)

    told = json.loads(run("validate", "--json", code=1).stdout)

    assert (told["ok"], told["problems"][0]["line"], told["problems"][0]["column"]) == (False, line, column)
    assert f":{line}:{column}:" in run("validate", code=1).stdout


def test_a_missing_dependency_is_a_warning_and_one_the_home_knows_is_none(walk, home, ask):
    walk.submit({"id": "known"})
    home.queue_file.write_text(
        json.dumps(
            {"tasks": [{"prompt": "x", "depends_on": ["known"]}, {"prompt": "y", "depends_on": ["nobody"]}]}
        )
    )

    told = ask("validate")

    assert [each["path"] for each in told["warnings"]] == ["tasks[1].depends_on"]
    assert "nobody" in told["warnings"][0]["rule"]


def test_what_cannot_be_read_is_3(home, run):
    run("validate", code=3)
    run("validate", str(home.root), code=3)


def test_the_bounds_are_those_of_the_home(home, run):
    (home.root / "skep.toml").write_text("limit_prompt_chars = 5\n")
    home.queue_file.write_text('{"tasks": [{"prompt": "too long"}]}')

    assert "over the bound of 5" in run("validate", code=1).stdout


def test_a_file_over_the_bound_is_refused_with_its_own_size(home, run):
    (home.root / "skep.toml").write_text("limit_file_bytes = 1024\n")
    home.queue_file.write_text(" " * 5000)

    named = run("validate", str(home.queue_file), code=1).stdout
    assert "1:1: 5,000 bytes are over the bound of 1,024" in named
    (problem,) = json.loads(run("validate", str(home.queue_file), "--json", code=1).stdout)["problems"]
    assert (problem["line"], problem["column"]) == (1, 1)


def test_a_pipe_in_place_of_the_queue_is_refused_and_holds_nobody_up(store, home, run):
    os.mkfifo(home.queue_file)

    assert "is not a regular file" in run("validate", code=3).stderr
    assert run("list").stderr == ""


@pytest.mark.parametrize("leads_to", ["queue.json", "nowhere/queue.json"])
def test_a_link_that_leads_to_no_file_is_refused_with_a_sentence(store, home, run, leads_to):
    home.queue_file.symlink_to(leads_to)

    assert f"is a symbolic link to {leads_to}, wh" in run("validate", code=3).stderr
    assert run("validate", str(home.queue_file), code=3).stderr.startswith("skep validate: ")


def test_a_file_can_come_from_standard_input(store, run):
    run("validate", "-", given='{"tasks": []}')
    run("validate", "-", given="{", code=1)
