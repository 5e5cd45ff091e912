"""What every store must do. Subclass `StoreSuite` and give it a `store` fixture.

The fixture yields a fresh store whose clock is a `testing.clock.FakeClock`, and `who` makes claimants.
"""

from __future__ import annotations

import concurrent.futures

import pytest

from errors import LeaseLost, NotFound, TransitionNotAllowed
from outcome import Outcome, Verdict
from store import kill_file, recording
from store.claims import Claimant
from store.reading import event_of
from store.records import Claim, Intake
from testing.tasks import new_task


def outcome_of(claim: Claim, **fields) -> Outcome:
    base = {
        "status": "completed",
        "task_id": claim.id,
        "lease": claim.ref.lease,
        "mode": claim.task.mode,
        "result": "done",
        "started_at": 1.0,
        "ended_at": 2.0,
    }
    return Outcome(**(base | fields))


def approval_of(claim: Claim):
    """The last write of a task whose result is good."""

    def conclude(tx):
        verdict = Verdict(decision="APPROVE", confidence=0.95)
        row = recording.begin_review(tx, claim.ref, outcome_of(claim), verdict, {})
        if row is not None:
            recording.approve(tx, row, "critics")

    return conclude


def approve(store, claim: Claim) -> None:
    store.write(approval_of(claim))


def fail(store, claim: Claim) -> None:
    def conclude(tx):
        verdict = Verdict(decision="REJECT", confidence=0.9, issues=["bad"])
        row = recording.begin_review(tx, claim.ref, outcome_of(claim), verdict, {})
        if row is not None:
            recording.fail(tx, row, "rejected", "bad")

    store.write(conclude)


def submit(store, *tasks) -> list[str]:
    return store.submit(Intake(new=list(tasks)), "test")


def status(store, task_id: str) -> str:
    row = store.reader.task(task_id)
    return row["state"]


class StoreSuite:
    def claim_all(self, store, who: Claimant, slots: int = 100) -> list[Claim]:
        return store.claim(who, slots)

    def test_a_submitted_task_can_be_claimed_once(self, store, who):
        submit(store, new_task(id="a"))
        (claim,) = store.claim(who, 10)
        assert (claim.id, claim.attempt, claim.ref.lease) == ("a", 1, 1)
        assert store.claim(who, 10) == []

    def test_higher_priority_goes_first_and_equals_go_in_order_of_arrival(self, store, who):
        submit(
            store,
            new_task(id="a"),
            new_task(id="b", priority=5),
            new_task(id="c", priority=5),
            new_task(id="d"),
        )
        assert [claim.id for claim in store.claim(who, 10)] == ["b", "c", "a", "d"]

    def test_a_dependant_is_released_by_approval_and_by_nothing_else(self, store, who):
        submit(store, new_task(id="a"), new_task(id="b", depends_on=["a"]))
        (claim,) = store.claim(who, 10)
        assert store.claim(who, 10) == []
        approve(store, claim)
        assert [again.id for again in store.claim(who, 10)] == ["b"]

    def test_a_dependant_of_two_waits_for_both(self, store, who):
        submit(store, new_task(id="a"), new_task(id="b"), new_task(id="c", depends_on=["a", "b"]))
        first, second = store.claim(who, 10)
        approve(store, first)
        assert store.claim(who, 10) == []
        approve(store, second)
        assert [claim.id for claim in store.claim(who, 10)] == ["c"]

    def test_when_a_dependency_fails_everyone_behind_it_fails_and_says_why(self, store, who):
        submit(
            store, new_task(id="a"), new_task(id="b", depends_on=["a"]), new_task(id="c", depends_on=["b"])
        )
        (claim,) = store.claim(who, 10)
        fail(store, claim)
        assert [status(store, name) for name in "abc"] == ["failed"] * 3
        assert "a" in store.reader.task("b")["reason"]
        assert store.reader.task("c")["code"] == "dependency_failed"

    def test_retrying_the_dependency_brings_its_dependants_back(self, store, who):
        submit(
            store, new_task(id="a"), new_task(id="b", depends_on=["a"]), new_task(id="c", depends_on=["b"])
        )
        (claim,) = store.claim(who, 10)
        fail(store, claim)
        store.retry("a", "test")
        assert [status(store, name) for name in "abc"] == ["ready", "blocked", "blocked"]
        (claim,) = store.claim(who, 10)
        assert claim.attempt == 1
        approve(store, claim)
        assert status(store, "b") == "ready"

    def test_a_superseded_lease_records_nothing(self, store, who):
        submit(store, new_task(id="a"))
        (old,) = store.claim(who, 1)
        store.write(lambda tx: recording.hand_back(tx, old.ref, "test"))
        (new,) = store.claim(who, 1)
        assert new.ref.lease == old.ref.lease + 1
        approve(store, old)
        assert status(store, "a") == "running"
        assert store.heartbeat(who, [old.ref, new.ref]) == [old.ref]

    def test_swarm_may_start_a_lease_once_and_only_a_current_one(self, store, who):
        submit(store, new_task(id="a"))
        (claim,) = store.claim(who, 1)
        assert store.start_cycle(claim.ref, "boot/1/1") is None
        assert store.start_cycle(claim.ref, "boot/1/1")["swarm"] == "boot/1/1"
        with pytest.raises(LeaseLost):
            store.start_cycle(type(claim.ref)("a", 7), "boot/1/1")

    def test_the_first_outcome_of_a_lease_stands(self, store, who):
        submit(store, new_task(id="a"))
        (claim,) = store.claim(who, 1)
        assert store.record_outcome(outcome_of(claim, result="first"))
        assert not store.record_outcome(outcome_of(claim, result="second"))
        assert '"first"' in store.reader.one("get_attempt", id="a", lease=1)["outcome"]

    def test_an_id_that_is_known_is_not_taken_again(self, store, who):
        assert submit(store, new_task(id="a")) == ["a"]
        assert submit(store, new_task(id="a"), new_task(id="b")) == ["b"]

    def test_a_task_that_runs_alone_has_nothing_beside_it_and_is_not_overtaken(self, store, who):
        submit(store, new_task(id="a"), new_task(id="alone", parallel_safe=False), new_task(id="z"))
        (first,) = store.claim(who, 10)
        assert first.id == "a"
        assert store.claim(who, 10) == []
        approve(store, first)
        (alone,) = store.claim(who, 10)
        assert alone.id == "alone"
        assert store.claim(who, 10) == []
        approve(store, alone)
        assert [claim.id for claim in store.claim(who, 10)] == ["z"]

    def test_cancelling_a_waiting_task_ends_it_and_an_ended_one_cannot_be_cancelled(self, store, who):
        submit(store, new_task(id="a"))
        assert store.cancel("a", "test") == "cancelled"
        with pytest.raises(TransitionNotAllowed):
            store.cancel("a", "test")
        with pytest.raises(NotFound):
            store.cancel("nobody", "test")
        store.retry("a", "test")
        assert [claim.id for claim in store.claim(who, 10)] == ["a"]

    def test_while_paused_nothing_is_claimed(self, store, who):
        submit(store, new_task(id="a"))
        store.pause("test", "lunch")
        assert store.claim(who, 10) == []
        assert store.resume("test")
        assert len(store.claim(who, 10)) == 1

    def test_while_the_kill_switch_is_on_nothing_is_claimed_and_every_task_says_why(self, store, who):
        submit(store, new_task(id="a"))
        store.home.kill_switch.write_text("it loops")
        assert store.claim(who, 10) == []
        assert store.reader.waiting_for(store.reader.task("a")) == (
            "the kill switch is on: it loops (skep kill-switch off)"
        )
        store.resume("test")
        assert store.claim(who, 10) == []
        store.home.kill_switch.unlink()
        assert len(store.claim(who, 10)) == 1

    def test_a_switch_that_is_set_while_a_claim_waits_to_be_written_stops_it(self, store, who):
        submit(store, new_task(id="a"))
        gate = store.reader.gate()
        store.home.kill_switch.touch()
        store.reader.gate = lambda: gate  # what was read before the switch was set
        assert store.claim(who, 10) == []
        assert status(store, "a") == "ready"

    def test_the_kill_switch_is_told_once_whoever_notices_it(self, store):
        def told():
            return [
                (row["event"], event_of(row).get("source"), event_of(row).get("reason"))
                for row in store.reader.events()
            ]

        assert not store.note_kill_switch()
        kill_file.turn_on(store.home.kill_switch, "cli:ada", store.clock.now(), "it loops")
        assert store.note_kill_switch("cli:ada")
        assert not store.note_kill_switch()
        kill_file.turn_off(store.home.kill_switch)
        assert store.note_kill_switch()
        assert not store.note_kill_switch("cli:ada")
        assert told() == [
            ("daemon.kill_switch_on", "cli:ada", "it loops"),
            ("daemon.kill_switch_off", "by hand", None),
        ]
        audit = store.reader.all("audit_after", after=0, limit=10)
        assert [(row["event"], row["decision"], row["actor"]) for row in audit] == [
            ("kill_switch", "set", "cli:ada"),
            ("kill_switch", "cleared", "by hand"),
        ]

    @pytest.mark.parametrize(
        ("effect", "state", "attempts"), [("idempotent", "ready", 0), ("unsafe", "review", 1)]
    )
    def test_what_the_kill_switch_stopped_runs_again_uncounted_or_asks(
        self, store, who, effect, state, attempts
    ):
        submit(store, new_task(id="a"))
        (claim,) = store.claim(who, 1)
        assert store.write(lambda tx: recording.halted(tx, claim.ref, effect, "the switch was set"))
        row = store.reader.task("a")
        assert (row["state"], row["attempts"], row["interruptions"]) == (state, attempts, 0)
        assert len(store.reader.decisions()) == (effect == "unsafe")
        assert not store.write(lambda tx: recording.halted(tx, claim.ref, effect, "too late"))

    @pytest.mark.parametrize("effect", ["idempotent", "unsafe"])
    def test_what_a_person_had_cancelled_ends_so_although_the_kill_switch_stopped_it(
        self, store, who, effect
    ):
        submit(store, new_task(id="a"))
        (claim,) = store.claim(who, 1)
        store.cancel("a", "ada")
        store.write(lambda tx: recording.halted(tx, claim.ref, effect, "the switch was set"))
        assert status(store, "a") == "cancelled"
        assert store.reader.decisions() == []

    def test_a_task_that_is_concluded_makes_room_for_the_next_in_the_same_step(self, store, who):
        submit(store, new_task(id="a"), new_task(id="b"), new_task(id="c", depends_on=["a"], priority=9))
        (a,) = store.claim(who, 1)
        (following,) = store.conclude(approval_of(a), who)
        assert following.id == "c", "what the end released counts already"
        assert (status(store, "a"), status(store, "b"), status(store, "c")) == (
            "approved",
            "ready",
            "running",
        )
        moments = {row["event"]: row["ts"] for row in store.reader.events()}
        assert moments["task.approved"] == moments["task.in_progress"]

    def test_a_task_that_is_concluded_lets_others_take_every_place_in_the_same_step(self, store, who):
        waiting = [new_task(id=name, depends_on=["a"]) for name in ("b", "c", "d")]
        submit(store, new_task(id="a"), *waiting)
        (a,) = store.claim(who, 1)
        assert [claim.id for claim in store.conclude(approval_of(a), who, 2)] == ["b", "c"]
        assert status(store, "d") == "ready"

    def test_a_conclusion_that_fails_takes_nothing(self, store, who):
        submit(store, new_task(id="a"), new_task(id="b"))
        (a,) = store.claim(who, 1)

        def fails(tx):
            approval_of(a)(tx)
            raise NotFound("no")

        with pytest.raises(NotFound):
            store.conclude(fails, who)
        assert (status(store, "a"), status(store, "b")) == ("running", "ready")

    def test_where_nothing_may_be_claimed_a_conclusion_only_concludes(self, store, who):
        submit(store, new_task(id="a"), new_task(id="b"), new_task(id="c"))
        a, b = store.claim(who, 2)
        store.pause("test")
        assert store.conclude(approval_of(a), who) == []
        store.resume("test")
        assert [claim.id for claim in store.conclude(approval_of(b), who)] == ["c"]
        store.cancel("c", "test")

    def test_every_member_of_a_dependency_cycle_fails_and_the_message_shows_it(self, store, who):
        submit(store, new_task(id="a", depends_on=["c"]), new_task(id="b", depends_on=["a"]))
        assert status(store, "a") == "blocked"
        submit(store, new_task(id="c", depends_on=["b"]), new_task(id="d", depends_on=["c"]))
        for name in "abc":
            row = store.reader.task(name)
            assert row["code"] == "dependency_cycle"
            assert row["reason"].count("->") == 3
        assert store.reader.task("d")["code"] == "dependency_failed"

    def test_a_long_cycle_is_told_shortly_for_each_of_its_members_tells_it(self, store, who):
        names = [f"t{number:03}" + "x" * 100 for number in range(300)]
        submit(store, *(new_task(id=name, depends_on=[names[at - 1]]) for at, name in enumerate(names)))
        for name in names:
            row = store.reader.task(name)
            assert row["code"] == "dependency_cycle"
            assert " -> (281 more) -> " in row["reason"]
            assert len(row["reason"]) < 3_000

    def test_a_missing_dependency_is_waited_for_and_named(self, store, who):
        submit(store, new_task(id="a", depends_on=["ghost"]))
        assert "ghost, which does not exist" in store.reader.waiting_for(store.reader.task("a"))
        submit(store, new_task(id="ghost"))
        (claim,) = store.claim(who, 10)
        approve(store, claim)
        assert [again.id for again in store.claim(who, 10)] == ["a"]

    def test_threads_that_claim_at_once_get_each_task_once(self, store, who):
        submit(store, *(new_task(id=f"t{number}") for number in range(200)))
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            batches = list(pool.map(lambda _: store.claim(who, 25), range(16)))
        ids = [claim.id for batch in batches for claim in batch]
        assert sorted(ids) == sorted(f"t{number}" for number in range(200))
