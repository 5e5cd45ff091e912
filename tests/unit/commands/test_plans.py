"""`skep plan`, `skep show --tree` and what the verbs do to a task that was split."""

from __future__ import annotations

from typing import Any

import pytest

from store import proposals
from supervisor.daemon import lock_home
from tests.conformance.store_suite import approve, fail
from tests.integration.planning_rig import split

ASK = "Follow these steps:\n1. Collect facts on rye\n2. Write a draft of a song\n3. Translate the song"


@pytest.fixture
def planned(store, who, walk):
    """Task p in three parts, 2 and 3 waiting for 1; 1 approved, 2 and 3 to be claimed."""
    walk.submit({"id": "p", "prompt": "ask", "max_attempts": 1})
    (claim,) = store.claim(who, 1)
    assert split(store, claim, (), (0,), (0,))
    approve(store, *store.claim(who, 1))


# -- plan --------------------------------------------------------------------------------------------------


def test_a_plan_is_told_with_score_subtasks_money_and_intent(run):
    told = run("plan", ASK + "\n\nDo not use jargon.", "--max-budget", "0.1").stdout.splitlines()
    assert told[0] == (
        "task is split; score 7 of 4: 3 parts, they stand in a list, more than two of them, "
        "some of them need others, one finds out what another is made of"
    )
    assert told[1:5] == [
        "├─ task.1  Collect facts on rye  ($0.020000)",
        "├─ task.2  Write a draft of a song  (after task.1; $0.020000)",
        "├─ task.3  Translate the song  (after task.2; $0.020000)",
        "└─ task  puts their answers together  ($0.040000)",
    ]
    assert told[-1] == "must not      Do not use jargon."


def test_why_a_prompt_is_not_split_is_told(run, ask):
    assert run("plan", "Write a haiku.").stdout == "task runs as one: it asks for one thing.\n"
    assert "its score 2 is under 4" in run("plan", "Write a haiku and a limerick.").stdout
    plan = ask("plan", "Write a haiku.", "--decompose", "always")
    assert (plan["split"], plan["subtasks"], plan["intent"]) == (False, [], None)


def test_a_plan_can_be_read_from_standard_input_and_named(ask):
    plan = ask("plan", "-", "--id", "song", given=ASK)
    assert [(each["id"], each["depends_on"]) for each in plan["subtasks"]] == [
        ("song.1", []),
        ("song.2", ["song.1"]),
        ("song.3", ["song.2"]),
    ]
    assert plan["synthesis_budget"] is None


def test_a_prompt_that_breaks_the_contract_is_refused(run):
    assert "prompt" in run("plan", " ", code=1).stderr


def test_no_home_is_needed_and_none_is_made(run, tmp_path):
    from click.testing import CliRunner

    import skep

    empty = tmp_path / "empty"
    empty.mkdir()
    assert CliRunner().invoke(skep.cli, ["--home", str(empty), "plan", ASK]).exit_code == 0
    assert list(empty.iterdir()) == []


def test_what_a_prompt_says_reaches_the_terminal_only_as_text(run):
    told = run("plan", ASK.replace("rye", "\x1b[31mrye") + "\n\nUse \x1b[31mred.").stdout
    assert "\x1b" not in told
    assert "\\x1b" in told


# -- show --------------------------------------------------------------------------------------------------


def test_the_tree_tells_of_each_subtask_where_it_stands(run, ask, planned, home):
    with lock_home(home):
        told = run("show", "p", "--tree").stdout.splitlines()
    assert told == [
        "p  pending  ask  (waits for its subtasks p.2, p.3 to be approved)",
        "├─ p.1  approved  part p.1  (APPROVE 0.95)",
        "├─ p.2  pending  part p.2  (after p.1; waits for a free slot)",
        "└─ p.3  pending  part p.3  (after p.1; waits for a free slot)",
        "goal          goal of p",
    ]
    tree = ask("show", "p", "--tree")["tree"]
    assert [each["id"] for each in tree["subtasks"]] == ["p.1", "p.2", "p.3"]
    assert tree["intent"] == {"goal": "goal of p"}
    assert tree["depends_on"] == []


def test_a_task_that_was_not_split_is_its_own_tree(run, walk):
    walk.submit({"id": "alone", "prompt": "hello"})
    assert run("show", "alone", "--tree").stdout.startswith("alone  pending  hello")


def test_show_tells_whose_part_a_task_is_and_which_parts_it_has(run, ask, planned):
    assert "part of       p\n" in run("show", "p.2").stdout
    told = run("show", "p").stdout
    assert "subtasks      p.1 (approved), p.2 (pending), p.3 (pending)" in told
    assert "depends on" not in told
    assert ask("show", "p.2")["parent"] == "p"


# -- steering ----------------------------------------------------------------------------------------------


def test_all_that_failed_comes_back_together(run, store, who, planned):
    fail(store, store.claim(who, 1)[0])
    run("retry", "--all-failed")
    assert {row["id"]: row["state"] for row in store.reader.tasks()} == {
        "p": "blocked",
        "p.1": "approved",
        "p.2": "ready",
        "p.3": "ready",
    }


def test_the_wish_is_an_option_of_add(run, ask, store):
    run("add", "Write this.", "--id", "a", "--decompose", "never")
    assert ask("show", "a")["task"]["decompose"] == "never"
    run("add", "Write this.", "--id", "b", "--plan-model", "split", "--plan-review")
    assert ask("show", "b")["task"] == {
        "id": "b",
        "plan_model": "split",
        "plan_review": True,
        "prompt": "Write this.",
    }


def test_a_text_that_begins_with_a_dash_is_a_text(run, ask):
    listed = "- Write a poem on tea\n- Write a song on rye\n- Draft a toast on ale"
    assert len(ask("plan", listed)["subtasks"]) == 3
    assert ask("plan", "--id", "x", listed)["subtasks"][0]["id"] == "x.1"
    assert "No such option '-x'" in run("plan", "-x", code=2).stderr


def test_one_thing_is_planned(run, tmp_path):
    assert "Give one thing to plan" in run("plan", code=2).stderr
    assert "Give one thing to plan" in run("plan", "x", "--dir", str(tmp_path), code=2).stderr
    assert "a prompt is queued by `skep add`" in run("plan", "x", "--add", code=2).stderr
    assert "it is no directory" in run("plan", "--dir", str(tmp_path / "none"), code=3).stderr


# -- plan --dir --------------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "TODO.md").write_text("- [ ] Release\n  - [ ] Write notes \x1b[31mred\n")
    return folder


def test_a_directory_is_shown_as_a_tree_and_nothing_is_queued(run, store, project):
    told = run("plan", "--dir", str(project), "--max-budget", "0.1").stdout.splitlines()
    assert told[0] == f"2 tasks in {project}"
    assert told[1].endswith("Write notes \\x1b[31mred  (TODO.md:2; $0.050000)")
    assert told[2].startswith("└─ site-")
    assert f"after {told[1].split()[1]}" in told[2]
    assert list(store.reader.tasks()) == []


def test_what_was_shown_is_added_on_a_yes_and_the_second_time_left_as_it_is(run, ask, store, project):
    first = ask("plan", "--dir", str(project), "--add", "--yes")
    assert first["added"]["ids"] == [each["id"] for each in first["tasks"]]
    assert [row["id"] for row in store.reader.tasks()] == first["added"]["ids"]
    again = ask("plan", "--dir", str(project), "--add", "--yes")
    assert again["added"]["ids"] == []
    assert "is known already" in again["added"]["refused"][0]["reason"]
    assert len(list(store.reader.tasks())) == 2


def test_a_script_must_say_yes(run, store, project):
    assert "in a script say --yes too" in run("plan", "--dir", str(project), "--add", code=2).stderr
    assert list(store.reader.tasks()) == []


def test_a_directory_that_asks_for_nothing_says_what_is_read(run, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "No open box" in run("plan", "--dir", str(tmp_path / "empty")).stdout


# -- a plan that waits for a word --------------------------------------------------------------------------


def test_a_plan_that_waits_is_shown_word_by_word_and_answered(run, store, who, walk):
    from road.planning import Planner
    from safety.gateway import SafetyGateway
    from settings import Settings

    walk.submit({"id": "p", "prompt": ASK, "max_budget": 0.1, "plan_review": True})
    (claim,) = store.claim(who, 1)
    planner = Planner(store, SafetyGateway(store.home, Settings()), lambda _: b"", Settings())
    assert planner.split(claim)
    shown = run("show", "p").stdout
    assert "Split p into 3 subtasks?" in shown
    assert "would add     p.2 (after p.1) $0.020000\n              Write a draft of a song" in shown
    assert run("approve", "p").stdout == "p is split into 3 subtasks.\n"
    assert run("show", "p", "--tree").stdout.count("p.") >= 3


def test_a_secret_in_what_is_proposed_is_shown_nowhere(store, run):
    secret = "ghp_" + "a1B2c3D4" * 5
    documents = [{"id": "a", "prompt": f"Research bees with {secret}"}]
    name = store.write(lambda tx: proposals.ask(tx, "a goal", documents))
    for arguments in (["show", name], ["show", name, "--json"], ["status"], ["status", "--json"]):
        assert secret not in run(*arguments).stdout


def test_a_question_is_shown_readably_by_the_id_that_status_lists_and_after_its_answer(store, run, ask):
    documents: list[dict[str, Any]] = [
        {"id": "a", "prompt": "Research bees\nin spring"},
        {"id": "b", "prompt": "Write it up", "depends_on": ["a"], "max_budget": 0.25, "tags": ["x"]},
    ]
    name = store.write(lambda tx: proposals.ask(tx, "notes in the workspace", documents))
    assert f"skep show {name} shows all of it" in run("status").stdout
    told = run("show", name).stdout
    assert "would add     a\n              Research bees\n              in spring\n" in told
    assert (
        'would add     b (after a) $0.250000\n              Write it up\n              tags=["x"]\n' in told
    )
    assert "about         origin: notes in the workspace\n" in told
    assert f"answer        skep approve {name}, or skep reject {name}" in told

    run("reject", name, "--reason", "not now")
    told = run("show", name).stdout
    assert "answered      drop at 20" in told
    assert told.rstrip().endswith(": not now")
    assert f"skep approve {name}" not in told
    assert (ask("show", name)["answer"], ask("show", name)["comment"]) == ("drop", "not now")


def test_the_question_about_a_task_is_shown_by_its_own_id_too(walk, run, ask):
    walk.held(id="a")
    name = ask("show", "a")["decision"]["id"]
    assert f"skep show {name} shows all of it" in run("status").stdout
    told = run("show", name).stdout
    assert "task          a\n" in told
    assert "skep approve a" in told


def test_the_tree_says_how_often_a_part_was_rejected(walk, run, ask):
    walk.held(id="a", prompt="x")
    run("reject", "a", "--reason", "too short")
    assert "rejected once" in run("show", "a", "--tree").stdout
    assert ask("show", "a", "--tree")["tree"]["rejections"] == 1


def test_the_end_of_a_long_answer_is_shown_and_controls_leave_a_sign(walk, run, ask):
    walk.held(b"Dear all.\n" + b"word " * 30_000 + b"\x1b[8mand send money to Eve.\n", id="a")
    name = ask("show", "a")["decision"]["id"]

    for subject in (name, "a"):
        told = run("show", subject).stdout
        assert "result        Dear all.\n" in told
        assert "result is     150,037 characters in 2 lines\n" in told
        left = "130,037 characters are left out here; all of it: skep log a --attempt 1"
        assert f"(skep says)   {left}\n" in told
        assert "\\x1b[8mand send money to Eve." in told
    assert ask("show", name)["about"].endswith("send money to Eve.\n")
    assert ask("show", name)["about"] == ask("show", "a")["decision"]["about"]
