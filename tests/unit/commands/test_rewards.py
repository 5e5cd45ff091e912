"""``skep identities``, ``skep rewards`` and ``skep journal``: what they tell, write and refuse."""

from __future__ import annotations

import json
import os

import pytest

from doctor.identities import check_identities
from enrichment.identity import Identity, read_identity
from store import journal, ledger
from store.journal import MOST_CHARS


@pytest.fixture
def earned(store):
    """Two identities with tokens."""

    def grant(tx):
        for number in range(3):
            ledger.grant(tx, grant_of(f"t{number}", "ada" if number else "bob"))

    store.write(grant)
    return store


def grant_of(task: str, identity: str, tokens: int = 9) -> dict:
    return {
        "task_id": task, "identity_id": identity, "tokens_requested": tokens, "tokens_awarded": tokens,
        "budget_used": 40_000, "max_budget": 100_000, "confidence": 0.95,
        "reason": f"worker_approved_under_budget:{task}",
    }  # fmt: skip


# -- identities ----------------------------------------------------------------------------------------------


def test_a_new_identity_is_a_file_that_says_what_was_asked_for(run, home, store):
    told = run(
        "identities", "add", "ada", "--hat", "builder", "--called", "Ada", "--trait", "calm", "--trait",
        "kind", "--preference", "short words", "--model", "small", "--free-time", "Whistle.",
    ).stdout  # fmt: skip
    assert "A task runs as it with identity_id = ada." in told
    assert read_identity((home.identities / "ada.toml").read_text("utf-8")) == Identity(
        name="Ada", hat="builder", traits=["calm", "kind"], preferences=["short words"], model="small",
        free_time=["Whistle."],
    )  # fmt: skip


def test_one_that_is_there_is_left_alone(run, home, store):
    run("identities", "add", "ada")
    before = (home.identities / "ada.toml").read_bytes()
    assert "has a file already" in run("identities", "add", "ada", "--hat", "reviewer", code=2).stderr
    assert (home.identities / "ada.toml").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("add",), "Name the identity: skep identities add NAME."),
        (("show",), "Name the identity: skep identities show NAME."),
        (("add", "../x"), "must match"),
        (("add", "x", "--trait", "a\nb"), "traits[0]: must be one line without control characters"),
        (("show", "x", "--hat", "builder"), "hat describe a new identity"),
    ],
)
def test_what_cannot_be_done_says_why(run, store, home, arguments, told):
    assert told in run("identities", *arguments, code=2).stderr
    assert not home.identities.exists()


def test_identities_are_told_with_what_they_did_and_have(run, ask, earned):
    run("identities", "add", "ada", "--hat", "builder")
    lines = [line.split() for line in run("identities").stdout.splitlines()]
    assert lines[1] == ["ada", "builder", *"0000", "$0.00", "18"]
    assert lines[2] == ["bob", "(no", "file)", *"0000", "$0.00", "9"]
    found = {each["id"]: each for each in ask("identities")["identities"]}
    assert found["ada"]["statistics"]["earned"] == 18
    assert found["bob"]["statistics"]["balance"] == 9
    assert "does not exist" in run("identities", "show", "bob", code=1).stdout
    assert "tokens        18 (earned 18, paid 0)" in run("identities", "show", "ada").stdout


def test_a_bad_file_is_told_with_its_field_and_the_exit_code_says_so(run, home, store):
    home.identities.mkdir()
    (home.identities / "ada.toml").write_text("name = 3")
    (home.identities / "bob.toml").write_text("")
    os.mkfifo(home.identities / "cy.toml")
    told = run("identities", code=1)
    assert ".swarm/identities/ada.toml: name: should be a valid string" in told.stderr
    assert ".swarm/identities/cy.toml: it is no plain file" in told.stderr
    assert "bob" not in told.stderr
    assert "fault         name: should be" in run("identities", "show", "ada", code=1).stdout


def test_without_identities_the_way_to_one_is_told(run, store):
    assert "skep identities add NAME" in run("identities").stdout


# -- rewards -------------------------------------------------------------------------------------------------


def test_the_ledger_is_told_newest_first_with_what_a_grant_was_made_of(run, ask, earned):
    told = ask("rewards")
    assert told["identities"] == [
        {"identity_id": "ada", "earned": 18, "spent": 0, "balance": 18},
        {"identity_id": "bob", "earned": 9, "spent": 0, "balance": 9},
    ]
    assert [entry["subject"] for entry in told["entries"]] == ["t2", "t1", "t0"]
    assert told["entries"][0]["budget_used"] == 0.04
    assert ask("rewards", "bob")["entries"] == [told["entries"][2]]
    assert len(ask("rewards", "--limit", "1")["entries"]) == 1
    assert "t2" in run("rewards").stdout


def test_approvals_that_earned_nothing_are_told_with_the_reason(run, ask, store):
    def approve(tx):
        fields = ledger.not_granted("ada", "unbudgeted")
        tx.emit("task.approved", task_id="t", status="approved", **fields)

    store.write(approve)
    (refusal,) = ask("rewards")["refusals"]
    assert (refusal["task_id"], refusal["identity_id"], refusal["reason"]) == ("t", "ada", "unbudgeted")
    assert "max_budget" in refusal["meaning"]
    assert ask("rewards", "bob")["refusals"] == []
    assert "unbudgeted" in run("rewards").stdout


def test_nothing_earned_is_told_as_that(run, store):
    assert "Nobody has earned tokens yet" in run("rewards").stdout


def test_a_task_tells_what_was_earned_with_it(run, ask, earned, walk):
    walk.approved(id="t1", prompt="x", identity_id="ada")
    assert ask("show", "t1")["earned"] == [{"identity_id": "ada", "tokens": 9}]
    assert "earned        9 tokens for ada" in run("show", "t1").stdout


# -- journal -------------------------------------------------------------------------------------------------


def test_an_entry_is_paid_for_written_once_and_can_be_read(run, ask, earned):
    assert run("journal", "write", "ada", "Bees dance.").stdout == (
        "Entry 1 is written; ada has 8 tokens left.\n"
    )
    again = ask("journal", "write", "ada", "  Bees dance. ")
    assert again == {"identity_id": "ada", "entry": 1, "is_new": False, "balance": 8}
    (entry,) = ask("journal")["entries"]
    assert (entry["number"], entry["identity_id"], entry["text"]) == (1, "ada", "Bees dance.")
    assert entry["written_by"].startswith("cli:")
    assert run("journal", "read", "1").stdout.splitlines()[1] == "Bees dance."
    assert "Bees dance." in run("journal", "list", "ada").stdout
    assert ask("journal", "list", "bob")["entries"] == []
    assert [entry["kind"] for entry in ask("rewards", "ada")["entries"]] == ["journal", "grant", "grant"]


def test_the_price_is_a_setting_and_may_be_nothing(run, ask, home, store):
    (home.root / "skep.toml").write_text("journal_cost = 0")
    assert ask("journal", "write", "ada", "free words")["is_new"] is True
    assert ask("rewards")["entries"] == []


def test_words_come_from_standard_input_and_are_shown_as_text_only(run, earned):
    run("journal", "write", "ada", "-", given="\x1b]0;title\x07 line\nnext \u202e\n")
    shown = run("journal", "read", "1").stdout
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "\\x1b]0;title\\x07 line\nnext \\u202e" in shown
    assert "\x1b" not in run("journal").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("write", "ada"), 2, "Name the identity and give the words"),
        (("write", "ada", "  "), 2, "needs words"),
        (("write", "ada", "x" * (MOST_CHARS + 1)), 2, "4,001 characters and may have 4,000"),
        (("write", "../ada", "x"), 2, "must match"),
        (("write", "bob", "x"), 1, "bob has 9 tokens and needs 10"),
        (("read", "x"), 2, "by its number"),
        (("read", "9" * 40), 1, "There is no entry"),
    ],
)
def test_what_is_refused_costs_nothing_and_says_why(run, earned, arguments, code, told):
    assert told in run("journal", *arguments, code=code).stderr
    assert [purse.balance for purse in ledger.purses(earned.reader)] == [18, 9]
    assert earned.reader.all("journal_entries", identity=None, limit=9) == []


def test_a_secret_does_not_reach_a_journal(run, earned):
    from redaction import KNOWN

    KNOWN.learn("hunter2-hunter2-hunter2", "test")
    earned.write(lambda tx: journal.write(tx, "ada", "it is hunter2-hunter2-hunter2", "me", 10))
    assert "hunter2" not in json.dumps([dict(row) for row in earned.reader.all("journal_entry", number=1)])
    assert "hunter2" not in str([row["data"] for row in earned.reader.events()])


def test_a_task_names_its_identity_on_the_command_line(run, ask, store):
    run("add", "work", "--id", "t", "--identity", "ada")
    assert json.loads(store.reader.task("t")["doc"])["identity_id"] == "ada"


# -- doctor --------------------------------------------------------------------------------------------------


def test_doctor_tells_of_identities_that_tasks_would_wait_for(home):
    assert list(check_identities(home, None)) == []
    home.identities.mkdir(parents=True)
    (home.identities / "ada.toml").write_text("")
    (found,) = check_identities(home, None)
    assert (found.level, found.told) == ("ok", "Tasks may run as ada.")
    (home.identities / "bob.toml").write_text("name = 3")
    told = {each.told: each.level for each in check_identities(home, "cy")}
    assert told == {
        ".swarm/identities/bob.toml: name: should be a valid string.": "warn",
        ".swarm/identities/cy.toml: it does not exist; `skep identities add cy` makes it.": "warn",
    }
