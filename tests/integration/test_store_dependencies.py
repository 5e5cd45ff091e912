"""Dependencies through failure, retry, cycles and absence."""

from __future__ import annotations

import itertools
import json
import re

import pytest

from errors import TransitionNotAllowed
from runtime_contract import Status
from store.records import EndedTask, Intake, RefusedTask
from testing.tasks import new_task
from tests.conformance.store_suite import approve, fail


def submit(store, *tasks) -> None:
    store.submit(Intake(new=list(tasks)), "test")


def states(store, names: str) -> dict[str, str]:
    return {name: store.reader.task(name)["state"] for name in names.split()}


def code(store, name: str) -> str | None:
    return store.reader.task(name)["code"]


def events(store, kind: str) -> list[str]:
    return [row["task_id"] for row in store.reader.events() if row["event"] == kind]


def claim(store, who, name: str):
    found = {each.id: each for each in store.claim(who, 100)}
    return found[name]


def test_a_diamond_comes_back_whole_and_each_task_is_sent_back_once(store, who):
    submit(
        store,
        new_task(id="a"),
        new_task(id="d", depends_on=["a", "c", "b"]),
        new_task(id="c", depends_on=["b"]),
        new_task(id="b", depends_on=["a"]),
    )
    fail(store, claim(store, who, "a"))
    assert set(states(store, "a b c d").values()) == {"failed"}
    store.retry("a", "me")
    assert states(store, "a b c d") == {"a": "ready", "b": "blocked", "c": "blocked", "d": "blocked"}
    assert sorted(events(store, "task.retried")) == ["a", "b", "c", "d"]
    for name in "abcd":
        approve(store, claim(store, who, name))
    assert set(states(store, "a b c d").values()) == {"approved"}


def test_a_dependant_of_two_that_ended_comes_back_with_the_second(store, who):
    submit(store, new_task(id="a"), new_task(id="b"), new_task(id="c", depends_on=["a", "b"]),
           new_task(id="d", depends_on=["c"]))  # fmt: skip
    first, second = store.claim(who, 5)
    fail(store, first)
    fail(store, second)
    store.retry("a", "me")
    assert states(store, "a b c d") == {"a": "ready", "b": "failed", "c": "failed", "d": "failed"}
    assert "waits for b, which has ended; `skep retry b`" in store.reader.task("c")["reason"]
    store.retry("b", "me")
    assert states(store, "a b c d") == {"a": "ready", "b": "ready", "c": "blocked", "d": "blocked"}


def test_retrying_a_dependant_of_a_dead_task_says_what_to_retry(store, who):
    submit(store, new_task(id="a"), new_task(id="b", depends_on=["a"]))
    store.cancel("a", "me")
    before = len(list(store.reader.events()))
    with pytest.raises(TransitionNotAllowed, match=r"b would fail again at once: .*`skep retry a` brings"):
        store.retry("b", "me")
    assert states(store, "a b") == {"a": "cancelled", "b": "failed"}
    assert "`skep retry a` brings both back" in store.reader.task("b")["reason"]
    assert len(list(store.reader.events())) == before

    store.retry("a", "me")
    assert states(store, "a b") == {"a": "ready", "b": "blocked"}


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED, Status.SAFETY_BLOCKED])
def test_any_end_but_approval_fails_the_dependants_and_names_itself(store, status):
    submit(store, new_task(id="b", depends_on=["a"]), new_task(id="c", depends_on=["b"]))
    store.submit(Intake(ended=[EndedTask("a", status, {"id": "a"})]), "test")
    assert states(store, "b c") == {"b": "failed", "c": "failed"}
    assert f"waits for a, which ended {status}" in store.reader.task("b")["reason"]
    assert "waits for b, which ended failed" in store.reader.task("c")["reason"]


def test_a_dependency_that_arrives_approved_releases_those_that_waited(store, who):
    submit(store, new_task(id="b", depends_on=["a"]))
    store.submit(Intake(ended=[EndedTask("a", Status.APPROVED, {"id": "a"})]), "test")
    assert states(store, "b") == {"b": "ready"}


def test_a_dependency_that_arrives_refused_fails_those_that_waited(store):
    submit(store, new_task(id="b", depends_on=["a"]))
    store.submit(Intake(refused=[RefusedTask("a", "no", "a", "{}")]), "test")
    assert (states(store, "b"), code(store, "b")) == ({"b": "failed"}, "dependency_failed")


def test_a_task_that_depends_twice_on_one_waits_for_it_once(store, who):
    submit(store, new_task(id="a"), new_task(id="b", depends_on=["a", "a"]))
    approve(store, claim(store, who, "a"))
    assert states(store, "b") == {"b": "ready"}


# -- cycles --------------------------------------------------------------------------------------------------


def test_a_task_that_waits_for_itself_fails_and_retrying_it_says_so_again(store):
    submit(store, new_task(id="a", depends_on=["a"]))
    assert store.reader.task("a")["reason"].startswith("depends on itself: a -> a;")
    for _ in range(2):
        with pytest.raises(TransitionNotAllowed, match="again at once: it depends on itself: a -> a;"):
            store.retry("a", "me")
        assert states(store, "a") == {"a": "failed"}


@pytest.mark.parametrize(("count", "told", "left_out"), [(20, 21, None), (21, 20, 2), (300, 20, 281)])
def test_every_step_of_a_cycle_that_is_told_exists_and_what_is_left_out_is_counted(
    store, count, told, left_out
):
    names = [f"t{number:03}" for number in range(count)]
    submit(store, *(new_task(id=name, depends_on=[names[at - 1]]) for at, name in enumerate(names)))

    event = next(row for row in store.reader.events(task_id="t007") if row["event"] == "task.failed")
    fields = json.loads(event["data"])
    assert (len(fields["cycle"]), fields.get("cycle_left_out")) == (told, left_out)
    places = [names.index(name) for name in fields["cycle"]]
    assert all((at - 1) % count == parent for at, parent in itertools.pairwise(places))


@pytest.mark.parametrize("order", [["a", "b"], ["b", "a"], ["a", "a", "b", "b", "a"]])
def test_retrying_the_members_of_a_cycle_comes_to_an_end_and_leaves_nobody_waiting_for_ever(
    store, who, order
):
    submit(store, new_task(id="a", depends_on=["b"]), new_task(id="b", depends_on=["a"]),
           new_task(id="c", depends_on=["a"]))  # fmt: skip
    for name in order:
        with pytest.raises(TransitionNotAllowed, match="would fail again at once"):
            store.retry(name, "me")
        assert states(store, "a b c") == {"a": "failed", "b": "failed", "c": "failed"}
    assert store.claim(who, 5) == []
    assert any("depends on itself: " in store.reader.task(name)["reason"] for name in "ab")


def test_what_waits_for_a_member_of_a_cycle_is_told_the_edit_that_brings_both_back(store, who):
    """Sending the member back alone would be refused, so nobody is sent there."""
    submit(store, new_task(id="a", depends_on=["b"]), new_task(id="b", depends_on=["a"]),
           new_task(id="c", depends_on=["a"]))  # fmt: skip
    told = store.reader.task("c")["reason"]
    assert told == (
        "waits for a, which depends on itself; `skep edit --retry a` with a corrected depends_on "
        "brings both back"
    )
    with pytest.raises(TransitionNotAllowed, match=re.escape(told)):
        store.retry("c", "me")

    store.edit("a", 1, {"id": "a", "prompt": "say hello", "depends_on": []}, "me", send_back=True)
    assert states(store, "a b c") == {"a": "ready", "b": "failed", "c": "blocked"}


@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_the_refusal_to_retry_a_member_of_a_cycle_names_the_edit_and_no_other_retry(store, name):
    submit(store, *(new_task(id=each, depends_on=[above]) for each, above in ("ab", "bc", "ca")))
    with pytest.raises(TransitionNotAllowed) as refused:
        store.retry(name, "me")
    assert "; correct depends_on of one of them with `skep edit --retry a`." in refused.value.message
    assert "`skep retry" not in refused.value.message


def test_once_a_cycle_is_open_its_members_are_retried_one_after_the_other(store):
    submit(store, *(new_task(id=each, depends_on=[above]) for each, above in ("ab", "bc", "ca")))
    store.edit("c", 1, {"id": "c", "prompt": "say hello", "depends_on": []}, "me", send_back=True)
    with pytest.raises(TransitionNotAllowed, match="it waits for b, which has ended; `skep retry b`"):
        store.retry("a", "me")
    store.retry("b", "me")
    store.retry("a", "me")
    assert states(store, "a b c") == {"a": "blocked", "b": "blocked", "c": "ready"}


def test_a_cycle_that_closes_through_a_task_that_had_failed_for_another_reason_is_found(store, who):
    """`y` failed for `dead`, so nobody noted that it also waits for `x`, which does not exist yet."""
    submit(store, new_task(id="dead"))
    fail(store, claim(store, who, "dead"))
    submit(store, new_task(id="y", depends_on=["dead", "x"]))
    store.retry("dead", "me")
    assert states(store, "y") == {"y": "blocked"}
    submit(store, new_task(id="x", depends_on=["y"]))
    assert (code(store, "x"), code(store, "y")) == ("dependency_cycle", "dependency_cycle")


def test_many_cycles_in_one_file_are_found_in_one_walk(store):
    count = 2000
    submit(store, *(new_task(id=f"t{number}", depends_on=[f"t{number ^ 1}"]) for number in range(count)))
    assert store.reader.state_counts() == {"failed": count}
    assert code(store, "t7") == "dependency_cycle"


# -- what does not exist -------------------------------------------------------------------------------------


def test_a_missing_dependency_is_warned_of_once_after_its_time(store, clock):
    submit(store, new_task(id="a", depends_on=["x", "y"]), new_task(id="b", depends_on=["x"]))
    clock.advance(59)
    assert store.warn_of_missing() == 0
    clock.advance(1)
    assert store.warn_of_missing() == 2
    assert store.warn_of_missing() == 0
    reasons = [row for row in store.reader.events() if row["event"] == "task.waiting"]
    assert '"missing":["x","y"]' in reasons[0]["data"]


@pytest.mark.parametrize("how", ["cancelled", "arrived"])
def test_what_no_longer_waits_is_not_warned_of(store, clock, how):
    submit(store, new_task(id="a", depends_on=["x"]))
    if how == "cancelled":
        store.cancel("a", "me")
    else:
        submit(store, new_task(id="x"))
    clock.advance(600)
    assert store.warn_of_missing() == 0


def test_a_dependant_that_comes_back_is_warned_of_what_is_missing(store, clock, who):
    submit(store, new_task(id="dead"))
    fail(store, claim(store, who, "dead"))
    submit(store, new_task(id="y", depends_on=["dead", "x"]))
    clock.advance(600)
    assert store.warn_of_missing() == 0
    store.retry("dead", "me")
    assert store.warn_of_missing() == 1


# -- sending back --------------------------------------------------------------------------------------------


def test_only_what_ended_badly_can_be_sent_back(store, who):
    submit(store, new_task(id="a"), new_task(id="b"))
    with pytest.raises(TransitionNotAllowed, match="a is pending"):
        store.retry("a", "me")
    first, second = store.claim(who, 5)
    with pytest.raises(TransitionNotAllowed, match="a is in_progress"):
        store.retry("a", "me")
    approve(store, first)
    with pytest.raises(TransitionNotAllowed, match="a is approved"):
        store.retry("a", "me")
    fail(store, second)
    store.retry("b", "me")
    with pytest.raises(TransitionNotAllowed, match="b is pending"):
        store.retry("b", "me")


def test_a_task_that_broke_the_contract_is_corrected_and_not_retried(store):
    store.submit(Intake(refused=[RefusedTask("a", "a.prompt: is missing", "a.prompt", "{}")]), "test")
    with pytest.raises(
        TransitionNotAllowed, match=r"broke the contract \(a.prompt: is missing\); correct it"
    ):
        store.retry("a", "me")


def test_a_retry_forgets_attempts_and_feedback_and_keeps_the_lease_rising(store, who):
    submit(store, new_task(id="a"))
    first = claim(store, who, "a")
    fail(store, first)
    store.retry("a", "me")
    second = claim(store, who, "a")
    assert (second.attempt, second.rejections, second.feedback) == (1, 0, [])
    assert second.ref.lease == first.ref.lease + 1
    assert len(store.reader.attempts(second.seq)) == 2
