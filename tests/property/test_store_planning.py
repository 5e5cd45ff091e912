"""Tasks split, claimed, judged, cancelled, edited and retried at random: what must hold of plans, holds.

A split task starts again only when all of its parts are approved, is never split twice, and has no part left
that waits while it has ended. An approved part never runs again. The counters are those of the edges.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path

from hypothesis import settings as budget
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import host_platform
from errors import TransitionNotAllowed
from runtime_contract import Limits
from settings import Home, Settings
from store import recording
from store.claims import Claimant
from store.ending import UNSTARTED, is_dead
from store.queue_file.apply import Rules, edit_task
from store.records import Claim, Intake
from store.sqlite_store import SqliteStore
from testing.clock import FakeClock
from testing.new_home import put_database
from testing.tasks import new_task
from tests.conformance.store_suite import approve, fail
from tests.integration.planning_rig import split

NAMES = st.sampled_from(["a", "b", "c"])
#: For each part the places of earlier ones it waits for.
EDGES = st.integers(2, 4).flatmap(
    lambda count: st.tuples(
        *(st.lists(st.integers(0, max(place - 1, 0)), max_size=2, unique=True) for place in range(count))
    ).map(lambda edges: [[to for to in after if to < place] for place, after in enumerate(edges)])
)


class Plans(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.who = Claimant("worker-test", host_platform.this_process(), 30.0)
        self.store = SqliteStore(put_database(Home(self.root)), Settings(), FakeClock())
        self.held: dict[str, Claim] = {}
        self.approved: set[str] = set()

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.root)

    def rows(self, *states: str) -> list[str]:
        return sorted(row["id"] for row in self.store.reader.tasks() if row["state"] in states)

    @rule(name=NAMES, after=st.lists(NAMES, max_size=1))
    def submit(self, name: str, after: list[str]) -> None:
        task = new_task(id=name, prompt="ask", depends_on=[each for each in after if each < name])
        self.store.submit(Intake(new=[task]), "test")

    @rule(slots=st.integers(1, 3))
    def claim(self, slots: int) -> None:
        for claim in self.store.claim(self.who, slots):
            assert claim.id not in self.approved
            self.held[claim.id] = claim

    def any_held(self) -> bool:
        return bool(self.held)

    def take(self, data: st.DataObject) -> Claim:
        return self.held.pop(data.draw(st.sampled_from(sorted(self.held))))

    @precondition(any_held)
    @rule(data=st.data(), edges=EDGES)
    def split_one(self, data: st.DataObject, edges: list[list[int]]) -> None:
        claim = self.take(data)
        parts = len(self.store.reader.all("subtasks_of", parent=claim.id))
        if claim.is_planned or claim.id.count(".") > 1:
            approve(self.store, claim)
            self.approved.add(claim.id)
            return
        assert parts == 0
        split(self.store, claim, *edges)

    @precondition(any_held)
    @rule(data=st.data())
    def approve_one(self, data: st.DataObject) -> None:
        claim = self.take(data)
        approve(self.store, claim)
        self.approved.add(claim.id)

    @precondition(any_held)
    @rule(data=st.data())
    def fail_one(self, data: st.DataObject) -> None:
        fail(self.store, self.take(data))

    @precondition(any_held)
    @rule(data=st.data())
    def hand_back(self, data: st.DataObject) -> None:
        claim = self.take(data)
        self.store.write(lambda tx: recording.hand_back(tx, claim.ref, "the worker stopped"))

    @precondition(lambda self: self.rows("blocked", "ready", "running"))
    @rule(data=st.data())
    def cancel_one(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self.rows("blocked", "ready", "running")))
        self.store.cancel(name, "ada")
        for row in self.store.reader.all("running_to_cancel"):
            self.stop(self.held.pop(row["id"]))

    def stop(self, claim: Claim) -> None:
        self.store.write(lambda tx: recording.cancel_running(tx, claim.ref, "ada"))

    @precondition(lambda self: self.rows("failed", "cancelled"))
    @rule(data=st.data())
    def retry_one(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self.rows("failed", "cancelled")))
        with contextlib.suppress(TransitionNotAllowed):  # it would fail again at once
            self.store.retry(name, "ada")

    @precondition(lambda self: self.rows("blocked", "ready"))
    @rule(data=st.data(), after=st.lists(NAMES, max_size=1))
    def edit_one(self, data: st.DataObject, after: list[str]) -> None:
        name = data.draw(st.sampled_from(self.rows("blocked", "ready")))
        row = self.store.reader.task(name)
        assert row is not None
        doc = new_task(id=name, prompt="ask", depends_on=after).doc
        rules, version = Rules(Limits(), self.store.limits), row["version"]
        self.store.write(lambda tx: edit_task(tx, name, version, doc, "ada", rules))

    @invariant()
    def plans_hold(self) -> None:
        reader = self.store.reader
        for row in reader.tasks():
            parents = reader.all("parents_of", child=row["seq"])
            open_ones = sum(each["state"] != "approved" for each in parents)
            if row["state"] in UNSTARTED:
                assert row["waiting_on"] == open_ones, row["id"]
                assert (row["state"] == "blocked") == bool(open_ones), row["id"]
                assert not any(is_dead(each["state"]) for each in parents), row["id"]
            if row["planned"]:
                parts = reader.all("subtasks_of", parent=row["id"])
                assert {part["id"] for part in parts} <= {each["id"] for each in parents}
                if row["state"] in {"ready", "running", "approved"}:
                    assert {part["state"] for part in parts} == {"approved"}, row["id"]
            if row["plan_parent"] is not None:
                whole = reader.task(row["plan_parent"])
                assert whole is not None
                assert whole["planned"] == 1
                retried_alone = row["reason"] is None and row["started"] is None
                assert not (is_dead(whole["state"]) and row["state"] in UNSTARTED) or retried_alone

    @invariant()
    def a_task_is_split_once(self) -> None:
        planned = [row["task_id"] for row in self.store.reader.events() if row["event"] == "task.planned"]
        assert len(planned) == len(set(planned))


Plans.TestCase.settings = budget(max_examples=60, stateful_step_count=30, deadline=None)
TestPlans = Plans.TestCase
