"""A command that a person must agree to: held before it runs, bound to its exact bytes, checked twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from errors import AlreadyAnswered, InvalidSetting
from safety.gateway import SafetyGateway
from settings import Home, Settings
from store.answering import Answer
from store.sqlite_store import SqliteStore
from tests.integration.road_rig import RoadRig

AGENT: dict[str, Any] = {"argv": ["printf", "%s", "got: {prompt}"]}
TASK: dict[str, Any] = {"id": "t", "profile": "agent", "prompt": "mend; the $(roof)"}


@pytest.fixture
def rig(tmp_path: Path):
    with RoadRig(tmp_path, profiles={"agent": AGENT}) as rig:
        yield rig


def question(rig: RoadRig) -> Any:
    (row,) = rig.store.reader.decisions()
    return row


def test_it_is_held_with_its_exact_words_and_no_attempt_is_spent(rig: RoadRig) -> None:
    rig.road().walk(rig.claim(**TASK))

    row = rig.row("t")
    assert (row["state"], row["attempts"], row["owner"]) == ("review", 0, None)
    asked = question(rig)
    assert (asked["kind"], json.loads(asked["options"])) == ("execution", ["run", "refuse"])
    payload = json.loads(asked["payload"])
    assert payload["argv"] == ["/usr/bin/printf", "%s", "got: mend; the $(roof)"]
    assert payload["rights"]["network"] is False
    assert "/usr/bin/printf %s 'got: mend; the $(roof)'" in asked["question"]
    assert str(rig.store.reader.waiting_for(row)).startswith("a person: May t run?")
    assert rig.kinds("t") == ["task.queued", "task.in_progress", "task.held", "decision.asked"]
    assert not (rig.home.outputs / "live").exists() or not list((rig.home.outputs / "live").iterdir())


def test_with_a_person_s_leave_it_runs_as_the_first_attempt(rig: RoadRig) -> None:
    road = rig.road()
    road.walk(rig.claim(**TASK))

    assert rig.store.approve("t", "ada") == "t runs."
    claim = rig.reclaim()
    road.walk(claim)

    assert claim.attempt == 1
    row = rig.row("t")
    assert (row["state"], row["attempts"]) == ("approved", 1)
    assert json.loads(row["result"])["output"] == "got: mend; the $(roof)"


def test_without_it_the_task_fails_and_may_be_sent_back(rig: RoadRig) -> None:
    road = rig.road()
    road.walk(rig.claim(**TASK))

    rig.store.reject("t", "ada", "not today")
    row = rig.row("t")
    assert (row["state"], row["code"]) == ("failed", "not_agreed")
    assert row["reason"] == "ada does not let it run: not today"

    rig.store.retry("t", "ada")
    road.walk(rig.reclaim())
    assert question(rig)["kind"] == "execution", "a no is not forgotten, and asked about anew"


def test_the_same_leave_is_good_for_another_attempt_at_the_same_bytes(rig: RoadRig) -> None:
    road = rig.road()
    road.walk(rig.claim(**TASK | {"expect": {"contains": "never printed"}}))
    rig.store.approve("t", "ada")
    road.walk(rig.reclaim())
    assert rig.row("t")["state"] == "failed"

    rig.store.retry("t", "ada")
    road.walk(rig.reclaim())

    assert rig.row("t")["code"] == "rejected"
    assert rig.store.reader.decisions() == []


@pytest.mark.parametrize(
    "change",
    [
        {"argv": ["printf", "%s", "got: {prompt}!"]},
        {"argv": ["echo", "{prompt}"]},
        {"network": True},
        {"workspace": "write"},
        {"environment_keys": ["KEY"]},
        {"write_paths": ["/var/tmp/x"]},
        {"timeout_s": 5},
    ],
)
def test_a_change_of_the_profile_voids_it(rig: RoadRig, change: dict) -> None:
    rig.road().walk(rig.claim(**TASK))
    rig.store.approve("t", "ada")

    rig.road(profiles={"agent": AGENT | change}).walk(rig.reclaim())

    assert rig.row("t")["state"] == "review"
    assert question(rig)["kind"] == "execution"


def test_a_change_of_the_task_voids_it(rig: RoadRig) -> None:
    road = rig.road()
    road.walk(rig.claim(**TASK))
    doc = TASK | {"prompt": "burn the roof"}
    rig.store.write(lambda tx: tx.connection.execute("UPDATE task SET doc = ?", (json.dumps(doc),)))

    rig.store.approve("t", "ada")
    road.walk(rig.reclaim())

    assert json.loads(question(rig)["payload"])["argv"][-1] == "got: burn the roof"


def test_a_later_answer_takes_an_earlier_one_back(rig: RoadRig) -> None:
    """Yes to one form, no to another, and the first again: it is asked about."""
    rig.road().walk(rig.claim(**TASK))
    rig.store.approve("t", "ada")
    rig.road(profiles={"agent": AGENT | {"network": True}}).walk(rig.reclaim())
    rig.store.reject("t", "ada")
    rig.store.retry("t", "ada")

    rig.road().walk(rig.reclaim())

    assert question(rig)["kind"] == "execution"


def test_swarm_does_not_take_the_worker_s_word_for_it(rig: RoadRig) -> None:
    """A call for a claimed task whose leave nobody gave."""
    claim = rig.claim(**TASK)

    answer = rig.cycle(claim, profile="agent")

    assert answer.status_code == 403
    assert "needs-person" in answer.json()["detail"]
    assert answer.json()["safety_report"]["checks"]["workspace"]["passed"] is False


def test_swarm_holds_the_leave_against_its_own_reading_of_the_profile(rig: RoadRig) -> None:
    """The worker was restarted with another profile and got leave for that; swarm was not."""
    road = rig.road(profiles={"agent": AGENT | {"timeout_s": 5}})
    road.walk(rig.claim(**TASK))
    rig.store.approve("t", "ada")

    road.walk(rig.reclaim())

    row = rig.row("t")
    assert row["state"] == "safety_blocked"
    assert "restart Skep" in row["reason"]


def test_the_first_answer_wins(rig: RoadRig) -> None:
    rig.road().walk(rig.claim(**TASK))
    asked = question(rig)["id"]
    rig.store.answer(Answer(asked, "run", "ada"))

    with pytest.raises(AlreadyAnswered):
        rig.store.answer(Answer(asked, "refuse", "bob"))


def test_a_cancelled_one_is_not_asked_about_any_more(rig: RoadRig) -> None:
    rig.road().walk(rig.claim(**TASK))

    rig.store.cancel("t", "ada")

    assert rig.row("t")["state"] == "cancelled"
    assert rig.store.reader.decisions() == []
    rig.store.retry("t", "ada")
    rig.road().walk(rig.reclaim())
    assert question(rig)["kind"] == "execution", "a question that was withdrawn is no leave"


def test_one_that_was_cancelled_while_it_was_looked_at_ends(rig: RoadRig) -> None:
    claim = rig.claim(**TASK)
    rig.store.cancel("t", "ada")

    rig.road().walk(claim)

    assert rig.row("t")["state"] == "cancelled"


def test_a_lease_that_is_lost_asks_nothing(rig: RoadRig) -> None:
    claim = rig.claim(**TASK)
    rig.store.write(lambda tx: tx.connection.execute("UPDATE task SET lease = lease + 1"))

    rig.road().walk(claim)

    assert rig.store.reader.decisions() == []


def test_the_question_and_the_answer_survive_a_restart(rig: RoadRig) -> None:
    rig.road().walk(rig.claim(**TASK))
    with SqliteStore(rig.home, rig.settings) as another:
        assert another.reader.decisions()[0]["kind"] == "execution"
        another.approve("t", "ada")

    rig.road().walk(rig.reclaim())

    assert rig.row("t")["state"] == "approved"


def test_a_profile_that_needs_nobody_runs_at_once(tmp_path: Path) -> None:
    with RoadRig(tmp_path, profiles={"agent": AGENT | {"approval": False}}) as rig:
        rig.road().walk(rig.claim(**TASK))

        assert rig.row("t")["state"] == "approved"


def test_an_unknown_profile_is_refused_with_those_there_are(rig: RoadRig) -> None:
    rig.road().walk(rig.claim(**TASK | {"profile": "other"}))

    row = rig.row("t")
    assert row["state"] == "safety_blocked"
    assert "there is no profile 'other' (declared: agent)" in row["reason"]


def test_a_command_of_a_program_that_asks_is_held_too(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "commands.toml").write_text("programs.echo.approval = true")
    with RoadRig(tmp_path) as rig:
        rig.road().walk(rig.claim(id="t", command="echo 'a; b'"))
        assert json.loads(question(rig)["payload"])["argv"] == ["/usr/bin/echo", "a; b"]

        rig.store.approve("t", "ada")
        rig.road().walk(rig.reclaim())

        assert json.loads(rig.row("t")["result"])["output"] == "a; b\n"


# -- /cycle ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        {"profile": "other"},
        {"profile": None, "mode": "llm"},
        {"prompt": "something else"},
        {"profile": None, "prompt": None, "command": "echo hello"},
        {"profile": None, "prompt": None, "argv": ["printf", "%s", "got: mend; the $(roof)"]},
    ],
)
def test_only_the_stored_task_s_own_profile_and_prompt_may_run(rig: RoadRig, body: dict) -> None:
    claim = rig.claim(**TASK)

    answer = rig.cycle(claim, **{"profile": "agent", **body})

    assert answer.status_code == 403
    assert answer.json()["rule"] == "not-the-task"


@pytest.mark.parametrize(
    "body",
    [
        {"command": "ls"},
        {"argv": ["ls"]},
        {"mode": "llm"},
        {"task": "x"},
        {"prompt": None},
        {"profile": 5},
    ],
)
def test_a_call_that_contradicts_itself_is_refused(rig: RoadRig, body: dict) -> None:
    answer = rig.cycle(rig.claim(**TASK), **{"profile": "agent", **body})

    assert answer.status_code in {400, 422}


def test_a_command_cannot_be_called_by_a_profile(rig: RoadRig) -> None:
    claim = rig.claim(command="echo hello")

    answer = rig.cycle(claim, command=None, profile="agent", prompt="echo hello")

    assert answer.json()["rule"] == "not-the-task"


# -- starting ----------------------------------------------------------------------------------------------


def test_a_program_that_is_not_installed_fails_the_task_with_the_way_out(tmp_path: Path) -> None:
    gone = {"argv": ["no-such-program", "{prompt}"], "approval": False}
    with RoadRig(tmp_path, profiles={"agent": gone}) as rig:
        rig.road().walk(rig.claim(**TASK))

        row = rig.row("t")
        assert (row["state"], row["code"]) == ("failed", "program_missing")
        assert row["reason"] == (
            "program-missing: /usr/bin/no-such-program is not installed; install it, and send the task back"
        )


def test_a_program_that_others_could_exchange_is_not_started(tmp_path: Path) -> None:
    program = tmp_path / "outside" / "agent"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\ntouch started\n")
    program.chmod(0o777)
    profile = {"argv": [str(program), "{prompt}"], "approval": False}
    with RoadRig(tmp_path / "home", profiles={"agent": profile}) as rig:
        rig.road().walk(rig.claim(**TASK))

        row = rig.row("t")
        assert (row["state"], row["code"]) == ("failed", "program_missing")
        assert "can be written by others" in row["reason"]
        assert not (rig.home.workspace / "started").exists()


def test_a_profile_s_limits_are_the_ceiling(tmp_path: Path) -> None:
    profile = {"argv": ["sleep", "{prompt}"], "approval": False, "timeout_s": 0.2}
    talker = {"argv": ["seq", "{prompt}"], "approval": False, "output_bytes": 1024}
    with RoadRig(tmp_path, profiles={"agent": profile, "talker": talker}) as rig:
        slow = rig.cycle(rig.claim(**TASK | {"prompt": "60", "timeout_s": 50}), profile="agent").json()
        long = rig.cycle(rig.claim(id="u", profile="talker", prompt="100000"), profile="talker").json()

    assert (slow["timed_out"], slow["failure"]["message"]) == (True, "Task timeout after 0.2s")
    assert long["output_bytes"] == 1024
    assert long["output_cut"] > 500_000


def test_a_wrong_profile_stops_the_start_with_its_name(tmp_path: Path) -> None:
    settings = Settings(profiles={"agent": {"argv": ["echo"]}})

    with pytest.raises(InvalidSetting, match=r"skep\.toml: profiles\.agent\.argv"):
        SafetyGateway(Home(tmp_path), settings)
