"""Why a task is not running: one sentence for each thing that can hold it."""

from __future__ import annotations

import pytest

from settings import Settings
from store import processes, recording
from store.reading import LOCAL_STATUS, MODEL_STATUS
from store.records import Intake
from supervisor.daemon import lock_home
from supervisor.presence import situation
from testing.tasks import new_task
from tests.conformance.store_suite import approve


@pytest.fixture
def settings() -> Settings:
    return Settings(tag_limits={"gpu": 1}, model_limits={"big:7b": 1})


def submit(store, *tasks) -> None:
    store.submit(Intake(new=list(tasks)), "test")


def why(store, task_id: str = "a") -> str | None:
    return store.reader.waiting_for(store.reader.task(task_id))


def test_a_task_that_could_start_waits_for_a_slot_and_one_that_runs_or_ended_for_nothing(store, who):
    submit(store, new_task(id="a"))
    assert why(store) == "a free slot"
    (claim,) = store.claim(who, 1)
    assert why(store) is None
    approve(store, claim)
    assert why(store) is None


def test_a_pause_says_who_and_why_and_holds_everything(store, who):
    submit(store, new_task(id="a"))
    store.pause("ada", "lunch")
    assert why(store) == "paused by ada: lunch"
    store.resume("ada")
    store.pause("ada")
    assert why(store) == "paused by ada"
    assert store.claim(who, 1) == []


def test_a_full_disk_outweighs_a_pause(store, who):
    submit(store, new_task(id="a"))
    store.pause("ada")
    store.set_disk_full("the disk is full; make room")
    assert why(store) == "the disk is full; make room"
    store.set_disk_full(None)
    assert why(store) == "paused by ada"


@pytest.mark.parametrize(
    ("key", "fields", "other"), [(MODEL_STATUS, {"prompt": "x"}, {}), (LOCAL_STATUS, {}, {"prompt": "x"})]
)
def test_a_closed_mode_holds_its_tasks_alone_even_the_urgent_ones(store, who, key, fields, other):
    submit(store, new_task(id="a", priority=9, **fields), new_task(id="b", **other))
    store.set_fact(key, {"ready": False, "reason": "no model configured"}, "daemon.model")
    assert why(store) == "no model configured"
    assert [claim.id for claim in store.claim(who, 5)] == ["b"]
    store.set_fact(key, {"ready": True, "reason": ""}, "daemon.model")
    assert [claim.id for claim in store.claim(who, 5)] == ["a"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"tags": ["gpu"]}, "the concurrency limit of tag gpu (1 at once)"),
        ({"prompt": "x", "model": "big:7b"}, "the concurrency limit of model big:7b (1 at once)"),
    ],
)
def test_a_concurrency_limit_is_named_and_holds_nobody_else(store, who, fields, words):
    submit(store, new_task(id="first", **fields), new_task(id="a", **fields), new_task(id="b"))
    first, other = store.claim(who, 5)
    assert (first.id, other.id) == ("first", "b")
    assert why(store) == words
    approve(store, first)
    assert [claim.id for claim in store.claim(who, 5)] == ["a"]


def test_a_task_that_runs_alone_and_those_it_keeps_waiting_say_so(store, who):
    submit(store, new_task(id="one"), new_task(id="a", parallel_safe=False))
    (one,) = store.claim(who, 5)
    assert why(store) == "a running task to end: it runs alone (parallel_safe is false)"
    approve(store, one)
    assert [claim.id for claim in store.claim(who, 5)] == ["a"]
    submit(store, new_task(id="b"))
    assert why(store, "b") == "a task that runs alone to end"


def test_a_task_behind_one_that_is_to_run_alone_names_it_and_one_before_it_does_not(store, who):
    submit(store, new_task(id="runs"), new_task(id="alone", parallel_safe=False), new_task(id="a"))
    (runs,) = store.claim(who, 5)
    assert runs.id == "runs"
    assert why(store) == "alone to go first: it runs alone, when what runs has ended"
    submit(store, new_task(id="urgent", priority=5))
    assert why(store, "urgent") == "a free slot"
    assert why(store, "alone") == "a running task to end: it runs alone (parallel_safe is false)"
    approve(store, runs)
    assert why(store) == "a free slot"


def test_a_task_that_is_to_run_alone_but_cannot_start_holds_nobody(store, who):
    alone = new_task(id="alone", prompt="x", parallel_safe=False)
    submit(store, new_task(id="runs"), alone, new_task(id="a"))
    store.set_fact(MODEL_STATUS, {"ready": False, "reason": "no model configured"}, "daemon.model")
    store.claim(who, 1)
    assert why(store) == "a free slot"
    assert [claim.id for claim in store.claim(who, 5)] == ["a"]


def test_dependencies_are_named_the_first_five_of_many(store):
    submit(store, *(new_task(id=f"t{number}") for number in range(7)))
    submit(store, new_task(id="a", depends_on=[f"t{number}" for number in range(7)]))
    assert why(store) == "t0, t1, t2, t3, t4 and 2 more to be approved"
    submit(store, new_task(id="b", depends_on=["t0", "x"]), new_task(id="c", depends_on=["x", "y"]))
    assert why(store, "b") == "t0 to be approved; x, which does not exist"
    assert why(store, "c") == "x, y, which do not exist"


def test_a_retry_says_what_for_and_when(store, clock, who):
    submit(store, new_task(id="a"))
    store.claim(who, 1)

    def later(tx) -> None:
        row = tx.one("get_task", id="a")
        recording.requeue(tx, row, "429", not_before=tx.now + 60, waiting_for="the model is busy")

    store.write(later)
    assert (why(store) or "").startswith("the model is busy; next try at 20")


# -- nobody who would take it ------------------------------------------------------------------------------


def why_here(store, task_id: str = "a") -> str | None:
    return store.reader.waiting_for(store.reader.task(task_id), situation(store.home, store.reader))


def test_without_a_daemon_a_task_waits_for_one_whether_it_was_claimed_or_not(store, who):
    submit(store, new_task(id="a"), new_task(id="b", depends_on=["x"]))
    assert why_here(store) == "no daemon runs: `skep up` starts one"
    assert why_here(store, "b") == "x, which does not exist"
    store.claim(who, 1)
    assert why_here(store) == "no daemon runs: `skep up` starts one"

    with lock_home(store.home):
        assert why_here(store) is None


def test_a_pause_is_told_before_the_daemon_that_does_not_run(store):
    submit(store, new_task(id="a"))
    store.pause("ada")

    assert why_here(store) == "paused by ada"


def test_while_swarm_is_not_up_nothing_is_claimed_and_every_task_says_why(store, who):
    submit(store, new_task(id="a"), new_task(id="b"))
    (claim,) = store.claim(who, 1)
    store.write(lambda tx: processes.enter(tx, ["swarm", "worker-1"]))
    assert (why(store, "b"), store.reader.gate().lasting().paused) == ("swarm is starting", None)
    assert store.claim(who, 1) == []

    assert store.write(lambda tx: processes.fall(tx, "swarm", "port 1 is taken"))
    assert why(store, "a") == why(store, "b") == "swarm is not up: port 1 is taken"
    assert store.reader.gate().lasting().cause == "swarm"
    assert not store.write(lambda tx: processes.fall(tx, "swarm", "port 1 is taken"))  # told once

    store.write(lambda tx: processes.come_up(tx, "swarm"))
    assert (why(store, claim.id), why(store, "b")) == (None, "a free slot")
    assert store.write(lambda tx: processes.fall(tx, "swarm", "port 1 is taken"))


def test_a_crash_passes_until_it_comes_again(store):
    store.write(lambda tx: processes.enter(tx, ["swarm"]))
    store.write(lambda tx: processes.fall(tx, "swarm", "it ended with code -9", passes=True))
    assert store.reader.gate().is_starting
    store.write(lambda tx: processes.fall(tx, "swarm", "it ended with code -9", passes=True))
    assert not store.reader.gate().is_starting


def test_where_every_worker_is_down_a_task_waits_for_the_first(store):
    submit(store, new_task(id="a"))
    store.write(lambda tx: processes.enter(tx, ["swarm", "worker-1", "worker-2"]))
    store.write(lambda tx: processes.come_up(tx, "swarm"))
    with lock_home(store.home):
        assert why_here(store) == "worker-1 is starting"
        store.write(lambda tx: processes.fall(tx, "worker-2", "a setting is wrong"))
        assert why_here(store) == "worker-2 is not up: a setting is wrong"
        store.write(lambda tx: processes.come_up(tx, "worker-1"))
        assert why_here(store) == "a free slot"


def test_a_worker_that_no_supervisor_entered_is_held_to_nothing(store):
    store.write(lambda tx: processes.come_up(tx, "worker-77"))
    store.write(lambda tx: processes.come_up(tx, "swarm"))

    assert store.reader.fact(processes.PROCESSES) is None


def test_what_was_found_of_the_model_is_said_also_while_no_daemon_runs(store):
    submit(store, new_task(id="a", prompt="x"))
    store.set_fact(MODEL_STATUS, {"ready": False, "reason": "no model configured"}, "daemon.model")

    assert why_here(store) == "no model configured"
