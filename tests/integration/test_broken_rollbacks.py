"""A rollback that began and did not end: told once, and shown until a person finished, undid or left it."""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3

import pytest
from click.testing import CliRunner

import skep
from errors import StoreError
from review.checkpoints.broken_off import broken_off
from review.checkpoints.restoring import Rollback
from road.checkpointing import Checkpointing
from settings import Home
from store.sqlite_store import SqliteStore
from tests.integration.checkpoint_rig import Rig
from tests.integration.test_killed_rollbacks import kill_a_rollback


@pytest.fixture
def rig(home: Home, store: SqliteStore, who) -> Rig:
    return Rig(home, store, who)


def records(rig):
    with sqlite3.connect(rig.home.database) as connection:
        rows = connection.execute("SELECT decision, actor, task_id, data FROM audit WHERE event = 'rollback'")
        return [(decision, actor, task, json.loads(data)) for decision, actor, task, data in rows]


def lead(rig):
    Checkpointing(rig.store, rig.keeper).look()


def asked(rig):
    return [row for row in rig.store.reader.decisions() if row["kind"] == "rollback"]


def kept_as(rig):
    return rig.events("rollback.began")[-1]["kept_as"]


def test_that_it_began_is_durable_before_its_first_file_changes(rig):
    kill_a_rollback(rig)

    (began,) = rig.events("rollback.began")
    assert (began["task_id"], began["count"], began["checkpoint_number"]) == ("a", 3, rig.row("a")["number"])
    assert rig.row_of(began["kept_as"])["kind"] == "rollback"
    assert began["source"].startswith("cli:")
    ((decision, actor, task, data),) = records(rig)
    assert (decision, actor, task, data["count"]) == ("allowed", began["source"], "a", 3)
    assert f"the state until then is checkpoint {began['kept_as']}" in data["reason"]
    assert (rig.files / "two.txt").read_text() == "by hand"


def test_it_is_shown_without_a_daemon_and_before_anybody_has_told_it(rig):
    kill_a_rollback(rig, 3)

    told = json.loads(rig.skep("status", "--json"))
    (broken,) = told["broken_rollbacks"]
    assert "A rollback of files broke off." in told["health"]
    assert broken["task_id"] == "a"
    assert "it was to change 3 files, and how many it did is not known" in broken["told"]
    number = rig.row("a")["number"]
    assert f"`skep rollback checkpoint:{number} --yes` finishes it" in broken["told"]
    assert f"`skep rollback checkpoint:{kept_as(rig)} --all --yes` undoes it" in broken["told"]
    assert broken["told"] in rig.skep("status")
    looked = CliRunner().invoke(skep.cli, ["--home", str(rig.home.root), "doctor", "--json"])
    findings = {each["check"]: each for each in json.loads(looked.output)["checks"]}
    assert (findings["rollback"]["level"], findings["rollback"]["told"]) == ("warn", broken["told"])


def test_the_leader_tells_it_once_and_asks_a_person(rig):
    kill_a_rollback(rig, 3)
    lead(rig)
    lead(rig)

    (event,) = rig.events("rollback.broken_off")
    assert (event["task_id"], event["kept_as"]) == ("a", kept_as(rig))
    assert [decision for decision, *_ in records(rig)] == ["allowed", "broken_off"]
    (question,) = asked(rig)
    assert question["question"].startswith("A rollback of a that cli:")
    assert question["question"].endswith("May the files stay as they are?")
    told = rig.skep("status")
    assert told.count("broke off: it was to change 3 files") == 1
    assert told.endswith(f"         skep approve {question['id']}\n")
    assert f"skep reject {question['id']}" not in rig.skep("show", question["id"])


def test_the_same_rollback_finishes_it_and_nothing_is_asked_any_more(rig):
    kill_a_rollback(rig)
    rig.skep("rollback", "a", "--yes")

    assert (rig.files / "two.txt").read_text() == "2"
    assert len(rig.events("rollback.broken_off")) == 1
    assert not asked(rig)
    assert not broken_off(rig.home, rig.store.reader)
    assert [decision for decision, *_ in records(rig)] == ["allowed", "broken_off", "allowed", "recorded"]


def test_it_is_finished_too_where_the_files_are_so_already(rig):
    kill_a_rollback(rig)
    for name, text in (("deep/one.txt", "1" * 100), ("two.txt", "2"), ("three.txt", "3")):
        (rig.files / name).write_text(text)
    assert "The files are so already." in rig.skep("rollback", "a", "--yes")
    assert len(rig.events("rollback.broken_off")) == 1
    assert not asked(rig)


def test_what_it_left_out_leaves_the_question_open(rig):
    kill_a_rollback(rig)
    (rig.files / "two.txt").unlink()
    (rig.files / "two.txt").mkdir()
    os.mkfifo(rig.files / "two.txt" / "pipe")
    rig.skep("rollback", "a", "--yes", code=1)
    assert len(asked(rig)) == 1


def test_it_is_undone_by_the_checkpoint_that_is_named(rig):
    kill_a_rollback(rig)
    lead(rig)
    before = kept_as(rig)
    question = asked(rig)[0]["id"]
    (rig.files / "two.txt").write_text("2")

    rig.skep("rollback", f"checkpoint:{before}", "--all", "--yes")

    assert (rig.files / "two.txt").read_text() == "by hand"
    assert not asked(rig)
    (answer,) = [each for each in rig.events("decision.answered") if each["decision"] == question]
    assert answer["answer"] == "withdrawn"


def test_another_rollback_leaves_the_question_open(rig):
    kill_a_rollback(rig)
    rig.did("b", other_txt="1")
    rig.skep("rollback", "b", "--before", "--yes")
    assert not (rig.files / "other.txt").exists()
    assert len(asked(rig)) == 1


def test_a_person_says_that_the_files_may_stay_and_a_no_is_no_answer(rig):
    kill_a_rollback(rig)
    lead(rig)
    name = asked(rig)[0]["id"]
    refused = CliRunner().invoke(skep.cli, ["--home", str(rig.home.root), "reject", name, "--reason", "no"])
    assert "choose one of leave" in refused.output
    assert "change'" not in refused.output
    assert f"`skep rollback checkpoint:{kept_as(rig)} --all --yes` undoes it" in refused.output
    assert len(asked(rig)) == 1
    assert "stay as the rollback that broke off left them" in rig.skep("approve", name)
    assert not broken_off(rig.home, rig.store.reader)


def test_one_that_still_runs_is_neither_shown_nor_told(rig):
    kill_a_rollback(rig)
    handle = os.open(rig.home.state / "rollback.lock", os.O_RDWR)
    fcntl.flock(handle, fcntl.LOCK_EX)
    with rig.keeper.lock:
        Checkpointing(rig.store, type(rig.keeper)(rig.home, rig.settings, rig.store)).look()
        assert not broken_off(rig.home, rig.store.reader)
    os.close(handle)
    assert not asked(rig)


def test_one_that_is_cut_short_by_an_error_says_so_itself(rig, monkeypatch):
    rig.did("a", one_txt="1", two_txt="2")
    for name in ("one.txt", "two.txt"):
        (rig.files / name).write_text("by hand")

    def torn(_self, tx, *_):
        raise StoreError("the disk is gone")

    monkeypatch.setattr(Rollback, "_end", torn)
    rollback = Rollback(
        rig.home, rig.store, rig.keeper, rig.row("a")["number"], to_before=False, all_of_it=False
    )
    with pytest.raises(StoreError):
        rollback.restore("cli:ada")
    (event,) = rig.events("rollback.broken_off")
    assert event["reason"].startswith("it was cut short: the disk is gone")
    assert len(asked(rig)) == 1


def test_a_name_with_a_line_break_is_one_line(rig):
    rig.did("a", one_txt="1")
    (rig.files / "nl\nname").write_text("x")
    rig.approve("b")
    rig.keeper.keep_due()
    assert rig.skep("rollback", "b", "--before").splitlines()[0] == "delete  nl\\x0aname"
