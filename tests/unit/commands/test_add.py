"""`skep add`: one task from options, any number from a file; a bad one costs only itself."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime_contract import ID_PATTERN
from store.new_ids import NewIds


def doc(store, task_id):
    return json.loads(store.reader.task(task_id)["doc"])


def test_a_prompt_becomes_a_task_and_its_id_is_printed(store, run):
    task_id = run("add", "Why do bees swarm?").stdout.strip()

    assert ID_PATTERN.fullmatch(task_id)
    assert doc(store, task_id) == {"id": task_id, "prompt": "Why do bees swarm?"}
    assert store.reader.task(task_id)["source"] == "cli"


def test_what_stands_behind_two_dashes_is_the_command_with_its_own_options(store, run):
    run("add", "--id", "look", "--", "ls", "--json", "-l", "a b")

    assert doc(store, "look") == {"id": "look", "argv": ["ls", "--json", "-l", "a b"]}


def test_a_prompt_may_be_for_a_profile(store, run):
    run("add", "--id", "mend", "--profile", "agent", "Mend the roof.")

    assert doc(store, "mend") == {"id": "mend", "profile": "agent", "prompt": "Mend the roof."}
    run("add", "--profile", "agent", "--command", "ls", "x", code=2)
    run("add", "--profile", "agent", "--command", "ls", code=1)


def test_a_prompt_can_come_from_standard_input(store, run):
    task_id = run("add", "-", given="long\ntext").stdout.strip()

    assert doc(store, task_id)["prompt"] == "long\ntext"


def test_every_option_becomes_a_field(store, run):
    run(
        "add", "p", "--id", "t", "--depends-on", "a,b", "--depends-on", "c", "--priority", "-3",
        "--model", "m", "--max-tokens", "9", "--temperature", "0.5", "--max-budget", "0.25", "--timeout", "7",
        "--max-attempts", "2", "--review", "human", "--effect", "unsafe", "--not-before", "2030-01-31T09:00",
        "--alone", "--tag", "x", "--tag", "y", "--expect-json", "--expect-contains", "q",
        "--expect-file", "f.txt", "--expect-command", "grep -q 'a b' f.txt", "--expect-command", "true",
    )  # fmt: skip

    assert doc(store, "t") == {
        "id": "t",
        "prompt": "p",
        "depends_on": ["a", "b", "c"],
        "priority": -3,
        "model": "m",
        "max_tokens": 9,
        "temperature": 0.5,
        "max_budget": 0.25,
        "timeout_s": 7.0,
        "max_attempts": 2,
        "review": "human",
        "effect": "unsafe",
        "not_before": "2030-01-31T09:00",
        "parallel_safe": False,
        "tags": ["x", "y"],
        "expect": {
            "format": "json",
            "contains": ["q"],
            "files": ["f.txt"],
            "commands": [["grep", "-q", "a b", "f.txt"], ["true"]],
        },
    }


def test_a_check_whose_quotes_do_not_close_is_wrong_usage(store, run):
    assert "cannot be split into words" in run("add", "p", "--expect-command", "grep 'a", code=2).stderr


def test_a_schedule_can_be_added(store, run):
    run("add", "p", "--id", "weekly", "--every", "0 9 * * mon")

    assert store.reader.task("weekly")["every"] == "0 9 * * mon"


@pytest.mark.parametrize(
    "arguments",
    [[], ["a prompt", "--command", "echo"], ["a", "b"], ["p", "--file", "x"], ["--", "ls", "--file"]],
)
def test_not_one_thing_to_do_is_wrong_usage(store, run, arguments):
    code = 0 if arguments == ["--", "ls", "--file"] else 2

    run("add", *arguments, code=code)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["p", "--id", "../../etc/passwd"], "id: must match"),
        (["p", "--id", "a\x1b[31m"], "id: must match"),
        (["p", "--timeout", "-1"], "timeout_s: must be greater than 0"),
        (["p", "--every", "whenever"], "is not a cron expression"),
        (["p", "--not-before", "soon"], "is not a time"),
        (["   "], "prompt: is missing or empty"),
        (["\u200b\u2800"], "prompt: must not be empty: it holds nothing but blanks"),
        (["--command", "\u3164"], "command: must not be empty: it holds nothing but blanks"),
        (["--", "\u3164", "-x"], "argv[0]: must not be empty: it holds nothing but blanks"),
    ],
)
def test_what_breaks_the_contract_is_refused_with_field_and_rule(store, run, arguments, said):
    told = run("add", *arguments, code=1)

    assert said in told.stderr
    assert "\x1b" not in told.stderr
    assert list(store.reader.tasks()) == []


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_a_number_that_is_none_is_wrong_usage(store, run, number):
    assert "max_budget must be a number" in run("add", "p", "--max-budget", number, code=2).stderr


def test_an_id_that_is_known_is_refused_and_the_task_stays_as_it_was(store, run):
    run("add", "first", "--id", "a")

    assert "known already" in run("add", "second", "--id", "a", code=1).stderr
    assert doc(store, "a")["prompt"] == "first"


def test_lines_that_are_wrong_are_named_and_the_rest_is_in(store, run, tmp_path):
    file = tmp_path / "tasks.jsonl"
    file.write_bytes(
        b'\xef\xbb\xbf{"id":"a","prompt":"x"}\r\n\n{"id":"a","prompt":"again"}\n{bad\n[1]\nnull\n'
        b'{"prompt":"x","max_budget":NaN}\n\xff\n{"prompt":"x","prompt":"y"}\n{"id":7}\n{"id":"z","prompt":"x"}'
    )

    told = json.loads(run("add", "--file", str(file), "--json", code=1).stdout)

    assert told["ids"] == ["a", "z"]
    assert [each["where"] for each in told["refused"]] == [f"line {number}" for number in range(3, 11)]
    assert told["refused"][0]["reason"] == "'a' stands already in line 1"
    assert told["refused"][1]["reason"].startswith("column 2: ")


def test_a_known_id_in_a_file_is_named_with_its_line(store, run, tmp_path):
    file = tmp_path / "tasks.jsonl"
    file.write_text('{"id":"new","prompt":"x"}\n{"id":"old","prompt":"x"}\n')
    run("add", "p", "--id", "old")

    assert "line 2: a task 'old' is known already" in run("add", "--file", str(file), code=1).stderr


@pytest.mark.parametrize(
    "text",
    ['{"tasks": [{"id":"a","prompt":"x"}]}', '[{"id":"a","prompt":"x"}]', '{"id":"a","prompt":"x"}'],
)
def test_a_json_file_may_be_a_queue_a_list_or_a_task(store, run, tmp_path, text):
    (tmp_path / "t.json").write_text(text)

    assert run("add", "--file", str(tmp_path / "t.json")).stdout == "a\n"


def test_a_json_file_that_is_not_json_is_refused_whole_with_its_place(store, run, tmp_path):
    (tmp_path / "t.json").write_text('[\n{"a":1,}]')

    assert (
        "line 2, column 7: a comma stands after the last item"
        in run("add", "--file", str(tmp_path / "t.json"), code=1).stderr
    )


def test_a_file_that_cannot_be_read_is_3(store, run, tmp_path):
    run("add", "--file", str(tmp_path / "nothing"), code=3)
    run("add", "--file", str(tmp_path), code=3)


def test_ten_thousand_lines_come_in_from_standard_input(store, ask):
    lines = "".join(json.dumps({"id": f"n{i}", "command": "true"}) + "\n" for i in range(10_000))

    assert len(ask("add", "--file", "-", given=lines)["ids"]) == 10_000
    assert store.reader.counts()["pending"] == 10_000


def test_a_line_over_the_bound_costs_only_itself(home, run, store):
    (home.root / "skep.toml").write_text("limit_file_bytes = 1024\n")
    lines = json.dumps({"prompt": "x" * 5_000}) + "\n" + json.dumps({"id": "b", "prompt": "y"}) + "\n"

    told = json.loads(run("add", "--file", "-", "--json", given=lines, code=1).stdout)

    assert told["ids"] == ["b"]
    assert "over the bound of 1,024" in told["refused"][0]["reason"]


@given(st.floats(min_value=1.6e9, max_value=4e9))
def test_new_ids_are_good_sorted_and_never_the_same(now):
    ids = NewIds(now)
    given_ids = [ids.give() for _ in range(50)]

    assert given_ids == sorted(set(given_ids))
    assert all(ID_PATTERN.fullmatch(task_id) for task_id in given_ids)
    assert NewIds(now + 1).give() > given_ids[-1]
