"""Random graphs of tasks, claimed, judged, cancelled, retried and crashed, held against a simple model.

The model knows nothing of counters, edges or states of the store: only what each task waits for and how it
ended. Whatever is done in whatever order: no task is lost, an approved one never runs again, nobody starts
before all its parents are approved, and history and rows tell the same story without a gap.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings as budget
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import host_platform
from errors import TransitionNotAllowed
from outcome import Verdict
from settings import Home, Settings
from store import claims, recording
from store.answering import Answer
from store.claims import Claimant
from store.records import STATUS_OF_STATE, Claim, Intake, Question
from store.sqlite_store import SqliteStore
from testing.clock import FakeClock
from testing.new_home import put_database
from testing.tasks import new_task
from tests.conformance.store_suite import approve, fail, outcome_of

NAMES = st.sampled_from([f"t{number}" for number in range(8)])
PENDING, RUNNING, REVIEW, APPROVED = "pending", "in_progress", "pending_review", "approved"
DEAD = {"failed", "cancelled"}
#: The status each kind of event leaves its task in; others change none.
TOLD = {
    "task.queued": PENDING,
    "task.retried": PENDING,
    "task.requeue": PENDING,
    "task.in_progress": RUNNING,
    "task.pending_review": REVIEW,
    "task.approved": APPROVED,
    "task.failed": "failed",
    "task.cancelled": "cancelled",
}


class Dependencies(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.clock = FakeClock()
        self.who = Claimant("worker-test", host_platform.this_process(), 30.0)
        self.store = SqliteStore(put_database(Home(self.root)), Settings(), self.clock)
        self.parents: dict[str, set[str]] = {}
        self.status: dict[str, str] = {}
        self.held: dict[str, Claim] = {}
        self.runs_after_approval = 0

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.root)

    # -- the model -------------------------------------------------------------------------------------------

    def is_ready(self, name: str) -> bool:
        return self.status[name] == PENDING and all(
            self.status.get(parent) == APPROVED for parent in self.parents[name]
        )

    def settle(self) -> None:
        """Who waits for a dead task, or in a circle, is dead too."""
        while True:
            lost = {
                name
                for name, status in self.status.items()
                if status == PENDING
                and (
                    any(self.status.get(parent) in DEAD for parent in self.parents[name])
                    or self.is_in_cycle(name)
                )
            }
            if not lost:
                return
            self.status.update(dict.fromkeys(lost, "failed"))

    def is_in_cycle(self, name: str) -> bool:
        seen: set[str] = set()
        ahead = list(self.parents[name])
        while ahead:
            parent = ahead.pop()
            if parent == name:
                return True
            if parent not in seen and self.status.get(parent) == PENDING:
                seen.add(parent)
                ahead += self.parents[parent]
        return False

    # -- what happens ----------------------------------------------------------------------------------------

    @rule(tasks=st.dictionaries(NAMES, st.lists(NAMES, max_size=3), min_size=1, max_size=4))
    def submit(self, tasks: dict[str, list[str]]) -> None:
        new = {name: parents for name, parents in tasks.items() if name not in self.status}
        entered = self.store.submit(
            Intake(new=[new_task(id=name, depends_on=parents) for name, parents in tasks.items()]), "test"
        )
        assert entered == list(new)
        for name, parents in new.items():
            self.parents[name], self.status[name] = set(parents), PENDING
        self.settle()

    @rule(slots=st.integers(1, 3))
    def claim(self, slots: int) -> None:
        ready = [name for name in self.status if self.is_ready(name)]
        claimed = self.store.claim(self.who, slots)
        assert len(claimed) == min(slots, len(ready))
        for one in claimed:
            assert one.id in ready
            self.held[one.id] = one
            self.status[one.id] = RUNNING

    def any_held(self) -> bool:
        return any(self.status[name] == RUNNING for name in self.held)

    def pick(self, data: st.DataObject, *statuses: str) -> str:
        return data.draw(
            st.sampled_from(sorted(name for name, has in self.status.items() if has in statuses))
        )

    @precondition(any_held)
    @rule(data=st.data())
    def approve_one(self, data: st.DataObject) -> None:
        name = self.pick(data, RUNNING)
        approve(self.store, self.held[name])
        self.status[name] = APPROVED

    @precondition(any_held)
    @rule(data=st.data())
    def fail_one(self, data: st.DataObject) -> None:
        name = self.pick(data, RUNNING)
        fail(self.store, self.held[name])
        self.status[name] = "failed"
        self.settle()

    @precondition(any_held)
    @rule(data=st.data(), counts=st.booleans())
    def put_one_back(self, data: st.DataObject, counts: bool) -> None:
        name = self.pick(data, RUNNING)
        ref = self.held[name].ref

        def back(tx) -> None:
            row = claims.held(tx, ref, "test")
            assert row is not None
            recording.requeue(tx, row, "again", counts=counts)

        self.store.write(back)
        self.status[name] = PENDING

    @precondition(any_held)
    @rule(data=st.data())
    def hold_one(self, data: st.DataObject) -> None:
        name = self.pick(data, RUNNING)
        claim = self.held[name]

        def hold(tx) -> None:
            verdict = Verdict(decision="HELD", confidence=0.0)
            row = recording.begin_review(tx, claim.ref, outcome_of(claim), verdict, {})
            assert row is not None
            recording.hold(tx, row, Question("review", "good?", ("approve", "reject"), {"task": name}))

        self.store.write(hold)
        self.status[name] = REVIEW

    @precondition(lambda self: REVIEW in self.status.values())
    @rule(data=st.data(), choice=st.sampled_from(["approve", "reject"]))
    def answer_one(self, data: st.DataObject, choice: str) -> None:
        name = self.pick(data, REVIEW)
        decision = next(row for row in self.store.reader.decisions() if row["task_id"] == name)
        self.store.answer(Answer(decision["id"], choice, "me"))
        # A command is tried once, so a no is its end.
        self.status[name] = APPROVED if choice == "approve" else "failed"
        self.settle()

    @precondition(lambda self: bool({PENDING, REVIEW} & set(self.status.values())))
    @rule(data=st.data())
    def cancel_one(self, data: st.DataObject) -> None:
        name = self.pick(data, PENDING, REVIEW)
        self.store.cancel(name, "me")
        self.status[name] = "cancelled"
        self.settle()

    @precondition(lambda self: bool(DEAD & set(self.status.values())))
    @rule(data=st.data())
    def retry_one(self, data: st.DataObject) -> None:
        name = self.pick(data, *DEAD)
        before = {row["id"]: (row["state"], row["code"]) for row in self.store.reader.tasks()}
        try:
            self.store.retry(name, "me")
        except TransitionNotAllowed:
            assert any(self.status.get(parent) in DEAD for parent in self.parents[name])
            return
        back = [name]
        while back:
            one = back.pop()
            self.status[one] = PENDING
            back += [
                child
                for child, parents in self.parents.items()
                if one in parents
                and before[child] == ("failed", "dependency_failed")
                and self.status[child] in DEAD
            ]
        self.settle()

    @rule()
    def say_something_under_an_old_lease(self) -> None:
        for claim in self.held.values():
            if self.status[claim.id] != RUNNING:
                approve(self.store, claim)

    @rule()
    def crash_and_open_again(self) -> None:
        self.store.close()
        self.store = SqliteStore(put_database(Home(self.root)), Settings(), self.clock)

    # -- what is always so -----------------------------------------------------------------------------------

    @invariant()
    def nobody_is_lost_and_everyone_stands_where_the_model_says(self) -> None:
        rows = {row["id"]: STATUS_OF_STATE[row["state"]].value for row in self.store.reader.tasks()}
        assert rows == self.status

    @invariant()
    def the_ready_ones_are_those_whose_parents_are_all_approved(self) -> None:
        ready = {row["id"] for row in self.store.reader.tasks() if row["state"] == "ready"}
        assert ready == {name for name in self.status if self.is_ready(name)}

    @invariant()
    def history_has_no_gap_and_tells_what_the_rows_say(self) -> None:
        rows = list(self.store.reader.events())
        assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
        told: dict[str, str] = {}
        for row in rows:
            status = TOLD.get(row["event"])
            if status is not None:
                # An approved task has come to its end: nothing is ever told of it again.
                assert told.get(row["task_id"]) != APPROVED
                told[row["task_id"]] = status
        assert told == self.status

    @invariant()
    def counters_agree_with_the_edges(self) -> None:
        for row in self.store.reader.tasks(["pending"]):
            unapproved = [
                each
                for each in self.store.reader.all("parents_of", child=row["seq"])
                if each["state"] != "approved"
            ]
            assert row["waiting_on"] == len(unapproved)


TestDependencies = Dependencies.TestCase
TestDependencies.settings = budget(max_examples=20, stateful_step_count=25, deadline=None)
