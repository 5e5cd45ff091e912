"""A rebuilt database never calls a run completed that is not: what was lost of it, or failed, counts."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as some

from errors import TransitionNotAllowed
from run_contract.errors import RunCompleted
from store import run_steering
from testing.clock import FakeClock
from testing.durable_runs import DurableRuns
from tests.unit.store_recovery.run_homes import rebuilt, rig_of, start_under
from tests.unit.store_recovery.worked_home import WorkedHome

ONE = [{"id": "s", "prompt": "x"}]


@pytest.fixture
def home(tmp_path, clock):
    made = WorkedHome(tmp_path / "home", clock).open()
    yield made
    if made.store is not None:
        made.close()


def resume(rig: DurableRuns, run: str) -> None:
    rig.store.write(lambda tx: run_steering.resume(tx, run, "ann"))


def close(rig: DurableRuns, run: str) -> None:
    rig.store.write(lambda tx: run_steering.close(tx, run, "ann"))


def run_events(home: WorkedHome, run: str) -> list[str]:
    rows = home.opened.reader.all("run_events_after", after=0, run=run, limit=1000)
    return [row["event"] for row in rows if row["task_id"] is None]


# -- runs that were lost whole -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "deeds", [["abort", "resume"], ["abort", "resume"] * 2, ["claim", "abort", "turn", "resume"]]
)
def test_a_lost_run_that_had_been_resumed_fails_as_lost(home, deeds: list[str]) -> None:
    rig = rig_of(home)
    home.add("own")
    home.back_up()
    start_under(rig, "k", id="r", tasks=ONE)
    for deed in deeds:
        {"abort": lambda: rig.abort("r"), "resume": lambda: resume(rig, "r"), "claim": rig.claim,
         "turn": lambda: rig.go("r")}[deed]()  # fmt: skip

    told = rebuilt(home).shown("r")
    assert (told["state"], told["error"]["code"], told["is_lost"]) == ("failed", "lost", True)
    assert "run.completed" not in run_events(home, "r")
    assert home.opened.reader.task("r:s")["code"] == "lost"


@pytest.mark.parametrize(
    ("end", "state"), [("abort", "aborted"), ("go", "completed")], ids=["aborted again", "completed"]
)
def test_a_lost_run_that_was_resumed_and_then_ended_stays_as_it_ended(home, end: str, state: str) -> None:
    rig = rig_of(home)
    home.add("own")
    home.back_up()
    start_under(rig, "k", id="r", tasks=ONE)
    rig.abort("r")
    resume(rig, "r")
    getattr(rig, end)("r")

    told = rebuilt(home).shown("r")
    assert (told["state"], told["is_lost"]) == (state, True)


def test_a_lost_fork_keeps_the_answers_it_began_with_as_completed(home) -> None:
    rig = rig_of(home)
    run = rig.start(id="r", tasks=[*ONE, {"id": "t", "prompt": "x", "deps": ["s"]}])
    rig.go(run)
    home.back_up()
    rig.fork(run, id="f", task="t")
    rig.go("f")

    rebuilt(home)
    assert home.opened.reader.task("f:s")["state"] == "approved"


# -- runs of the backup ------------------------------------------------------------------------------------


def test_a_run_of_the_backup_does_not_complete_without_the_tasks_it_lost(home) -> None:
    rig = rig_of(home)
    rig.start(id="o", open=True, tasks=[{"id": "a", "prompt": "x"}, {"id": "b", "prompt": "x"}])
    home.back_up()
    rig.add("o", *({"id": name, "prompt": "x"} for name in "cdr"))

    again = rebuilt(home)
    again.go("o")
    close(again, "o")
    told = again.shown("o")
    assert told["state"] == "failed"
    assert told["error"] == {
        "code": "incomplete",
        "message": "tasks c, d, r were lost with the damaged database and cannot be done any more",
    }
    assert {name: task["state"] for name, task in told["tasks"].items()} == {
        "a": "completed", "b": "completed", "c": "failed", "d": "failed", "r": "failed"
    }  # fmt: skip
    assert told["tasks"]["d"]["error"]["code"] == "lost"
    assert (told["task_count"], told["is_lost"]) == (5, False)
    assert run_events(home, "o")[-1] == "run.failed"
    (end,) = [row for row in home.opened.reader.events(task_id="o:d") if row["event"] == "task.failed"]
    assert json.loads(end["data"])["code"] == "lost"


def test_a_run_is_not_resumed_for_the_sake_of_lost_tasks_nor_forked_without_them(home) -> None:
    rig = rig_of(home)
    rig.start(id="o", open=True, tasks=ONE)
    home.back_up()
    rig.add("o", {"id": "c", "prompt": "x"})

    again = rebuilt(home)
    again.work = _fail
    again.go("o")
    close(again, "o")
    again.work = lambda name: "ok"
    resume(again, "o")
    assert again.go("o")["error"]["code"] == "incomplete"
    with pytest.raises(RunCompleted, match="cannot be resumed: task c was lost with the damaged database"):
        resume(again, "o")
    with pytest.raises(RunCompleted, match="cannot be forked: task c was lost"):
        again.fork("o", task="s")
    with pytest.raises(TransitionNotAllowed, match="ask for c again under another id"):
        home.opened.retry("o:c", "ann")


def test_tasks_that_were_lost_are_so_after_another_damage_and_told_of_once(home) -> None:
    rig = rig_of(home)
    rig.start(id="o", open=True, tasks=ONE)
    home.back_up()
    rig.add("o", {"id": "c", "prompt": "x"})

    rebuilt(home)
    again = rebuilt(home)
    task = again.shown("o")["tasks"]["c"]
    assert (task["state"], task["error"]["message"].count("lost")) == ("failed", 1)
    assert home.count("task.failed", "o:c") == 1


@pytest.mark.parametrize("policy", ["continue", "fail_fast", "required"])
def test_a_run_of_the_backup_fails_for_what_failed_since(home, policy: str) -> None:
    rig = rig_of(home)
    tasks = [{"id": "bad", "prompt": "x"}, {"id": "good", "prompt": "x"}]
    rig.start(id="r", policy={"on_failure": policy}, tasks=tasks)
    home.back_up()
    rig.work = _fail
    rig.turn()  # `bad` has failed, `good` runs

    again = rebuilt(home)
    told = again.go("r")
    assert told["state"] == "failed"
    assert told["tasks"]["bad"]["state"] == "failed"


def test_a_run_whose_only_failed_task_was_sent_back_before_the_damage_completes(home) -> None:
    rig = rig_of(home)
    rig.start(
        id="r",
        policy={"on_failure": "continue"},
        tasks=[{"id": "bad", "prompt": "x"}, {"id": "z", "prompt": "x"}],
    )
    rig.work = _fail
    rig.claim(1)
    rig.turn()
    home.back_up()
    rig.work = lambda name: "ok"
    home.opened.retry("r:bad", "ann")

    again = rebuilt(home)
    assert again.go("r")["state"] == "completed"


def test_a_run_that_was_resumed_after_its_deadline_has_its_time_anew(home, clock) -> None:
    rig = rig_of(home)
    rig.start(id="r", policy={"run_timeout_ms": 60_000}, tasks=ONE)
    home.back_up()
    clock.advance(61.0)
    home.opened.write(run_steering.end_overdue)
    resume(rig, "r")

    again = rebuilt(home)
    home.opened.write(run_steering.end_overdue)
    assert again.go("r")["state"] == "completed"


# -- whatever the order ------------------------------------------------------------------------------------

DEEDS = (
    "turn",
    "turn",
    "claim",
    "abort",
    "resume",
    "add",
    "close",
    "retry",
    "late",
    "back_up",
    "fails",
    "works",
)


def _fail(name: str) -> str:
    raise ValueError("it broke")


class Life:
    """A run that has seen anything, in a home that is rebuilt then."""

    def __init__(self, home: WorkedHome, policy: str) -> None:
        self.home, self.rig, self.added, self.copies = home, rig_of(home), 0, 0
        tasks = [
            {"id": "a", "prompt": "x"},
            {"id": "b", "prompt": "x", "deps": ["a"]},
            {"id": "c", "prompt": "x"},
        ]
        asked = {"on_failure": policy, "run_timeout_ms": 3_600_000}
        start_under(self.rig, "k", id="r", open=True, tasks=tasks, policy=asked)

    def do(self, deed: str) -> None:
        with contextlib.suppress(RunCompleted, TransitionNotAllowed):  # refused, and nothing is changed
            getattr(self, deed)()

    def turn(self) -> None:
        self.rig.turn()

    def claim(self) -> None:
        self.rig.claim()

    def abort(self) -> None:
        self.rig.abort("r")

    def resume(self) -> None:
        resume(self.rig, "r")

    def add(self) -> None:
        self.added += 1
        self.rig.add("r", {"id": f"x{self.added}", "prompt": "x"})

    def close(self) -> None:
        close(self.rig, "r")

    def retry(self) -> None:
        self.home.opened.retry("r:a", "ann")

    def late(self) -> None:
        self.home.clock.advance(3_601.0)
        self.home.opened.write(run_steering.end_overdue)

    def back_up(self) -> None:
        self.copies += 1
        self.home.add(f"own-{self.copies}")  # else nothing is new to copy
        self.home.back_up()

    def fails(self) -> None:
        self.rig.work = _fail

    def works(self) -> None:
        self.rig.work = lambda name: "ok"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    has_backup=some.booleans(),
    policy=some.sampled_from(["continue", "fail_fast", "required"]),
    deeds=some.lists(some.sampled_from(DEEDS), max_size=14),
)
@example(has_backup=False, policy="continue", deeds=["turn"] * 4)
def test_a_rebuilt_run_completes_only_where_it_had_or_every_task_of_it_has(
    tmp_path_factory, has_backup: bool, policy: str, deeds: list[str]
) -> None:
    home = WorkedHome(tmp_path_factory.mktemp("life") / "home", FakeClock()).open()
    try:
        home.add("own")
        if not has_backup:
            home.back_up()
        life = Life(home, policy)
        if has_backup:
            home.back_up()
        for deed in deeds:
            life.do(deed)
        before = life.rig.shown("r")

        again = rebuilt(home)
        again.go("r")
        close(again, "r")
        after = again.shown("r")
        if before["state"] in {"completed", "failed", "aborted"}:
            assert after["state"] == before["state"]
        elif before["state"] == "running" and after["is_lost"]:
            # Nobody knows what else it asked for, and it was open: not though all that is known of it did.
            assert (after["state"], after["error"]["code"]) == ("failed", "lost")
            assert not has_backup
            assert "back_up" not in deeds
        elif before["state"] == "running":
            all_did = {task["state"] for task in after["tasks"].values()} == {"completed"}
            assert (after["state"] == "completed") == all_did
        else:
            assert after["state"] == "aborted"
        assert after["task_count"] == before["task_count"] == len(after["tasks"])
    finally:
        if home.store is not None:
            home.close()


def test_items_and_rounds_that_came_after_the_backup_fail_their_run(home) -> None:
    rig = rig_of(home)
    until = {"of": "{{output}}", "test": "contains", "value": "good"}
    rig.start(id="m", tasks=[{"id": "list", "for_each": ["x", "y"], "prompt": "On {{item}}"}])
    rig.start(id="n", tasks=[{"id": "again", "prompt": "x", "repeat": {"until": until, "most": 3}}])
    home.back_up()
    rig.turn()
    rig.turn()

    again = rebuilt(home)
    for run in "mn":
        told = again.go(run)
        assert (told["state"], told["open_tasks"]) == ("failed", 0)
        assert told["task_count"] == len(told["tasks"]) > 1


INNER = {
    "name": "inner",
    "steps": [{"id": "x", "prompt": "x"}, {"id": "y", "depends_on": ["x"], "prompt": "y"}],
}


@pytest.mark.parametrize("turns", [0, 1])
def test_a_run_within_a_run_is_begun_anew_where_it_came_after_the_backup(home, turns: int) -> None:
    rig = rig_of(home)
    rig.start(id="r", tasks=[{"id": "sub", "run": {"workflow": INNER}}])
    home.back_up()
    rig.claim()
    for _ in range(turns):
        rig.turn()

    again = rebuilt(home)
    told = again.go("r")
    assert (told["state"], again.begun) == ("completed", ["x", "y"])


def test_a_run_within_a_run_that_the_backup_had_goes_on(home) -> None:
    rig = rig_of(home)
    rig.start(id="r", tasks=[{"id": "sub", "run": {"workflow": INNER}}])
    rig.claim()
    home.back_up()
    rig.turn()

    again = rebuilt(home)
    told = again.go("r")
    assert (told["state"], again.begun) == ("completed", ["y"])
