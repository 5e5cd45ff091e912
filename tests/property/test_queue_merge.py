"""Random edits on both sides of the queue file: whatever is done, what must never break holds.

No task vanishes, an approved task never runs again, an ended task runs again only for somebody who saw that
very end, and the same file taken in twice changes nothing more than once.
"""

from __future__ import annotations

import copy
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from runtime_contract import Status
from store.queue_file import apply
from store.queue_file.merge import merge_fields
from tests.unit.queue_file.keeping import Keeping

NAMES = st.sampled_from(["a", "b", "c", "d"])
FIELDS = st.sampled_from(["prompt", "priority", "tags", "x-mine", "depends_on", "max_attempts"])
VALUES = {
    "prompt": st.sampled_from(["one", "two", "three", ""]),
    "priority": st.sampled_from([0, 1, 2, "high"]),
    "tags": st.sampled_from([[], ["x"], ["x", "y"]]),
    "x-mine": st.sampled_from([1, 1.0, True, None, {"deep": [1]}]),
    "depends_on": st.sampled_from([[], ["a"], ["b"], ["nobody"]]),
    "max_attempts": st.sampled_from([1, 2, 0]),
}
STATUSES = st.sampled_from(["pending", "cancelled", "approved", "failed", "queued", "completed", "nonsense"])
SECTIONS = st.sampled_from(["tasks", "completed", "failed"])


class QueueFile(RuleBasedStateMachine):
    """A person with an editor, a person at the command line, and the daemon."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.keeping = Keeping(self.root, removal_ask_count=2, removal_ask_share=0.5)
        self.keeping.keeper.start_up()
        self.keeping.keeper.project()
        #: what the editor has open, perhaps an old copy
        self.buffer: dict[str, Any] = self.keeping.shown()
        self.seen_ids: set[str] = set()
        self.approved: set[str] = set()

    def teardown(self) -> None:
        self.keeping.close()
        shutil.rmtree(self.root)

    # -- the editor ------------------------------------------------------------------------------------

    def _entries(self) -> list[tuple[str, dict[str, Any]]]:
        return [
            (section, entry)
            for section in ("tasks", "completed", "failed")
            for entry in self.buffer.get(section, [])
            if isinstance(entry, dict)
        ]

    @rule()
    def reload(self) -> None:
        self.buffer = self.keeping.shown()

    @rule(name=NAMES, with_id=st.booleans(), field=FIELDS, data=st.data())
    def add(self, name: str, with_id: bool, field: str, data: Any) -> None:
        entry = {"id": name} if with_id else {}
        self.buffer["tasks"].append(entry | {"prompt": name, field: data.draw(VALUES[field])})

    @precondition(lambda self: self._entries())
    @rule(field=FIELDS, data=st.data())
    def change(self, field: str, data: Any) -> None:
        _, entry = data.draw(st.sampled_from(self._entries()))
        if data.draw(st.booleans()):
            entry.pop(field, None)
        else:
            entry[field] = data.draw(VALUES[field])

    @precondition(lambda self: self._entries())
    @rule(status=STATUSES, data=st.data())
    def set_status(self, status: str, data: Any) -> None:
        data.draw(st.sampled_from(self._entries()))[1]["status"] = status

    @precondition(lambda self: self._entries())
    @rule(to=SECTIONS, copies=st.booleans(), data=st.data())
    def move(self, to: str, copies: bool, data: Any) -> None:
        section, entry = data.draw(st.sampled_from(self._entries()))
        if not copies:
            self.buffer[section].remove(entry)
        self.buffer[to].append(copy.deepcopy(entry))

    @precondition(lambda self: self._entries())
    @rule(data=st.data())
    def remove(self, data: Any) -> None:
        section, entry = data.draw(st.sampled_from(self._entries()))
        self.buffer[section].remove(entry)

    @rule()
    def forget_revision(self) -> None:
        self.buffer.pop("revision", None)

    @rule(again=st.booleans())
    def save(self, again: bool) -> None:
        before = {
            task_id: status for task_id, status in self.keeping.statuses().items() if status == "approved"
        }
        self.keeping.save(self.buffer)
        self.keeping.look()
        if again:
            once = self.keeping.fingerprint()
            # The same wishes in other bytes, so that the hash of the file is no help.
            self.keeping.save(json.dumps(self.buffer, indent=3).encode() + b"\n")
            self.keeping.look()
            assert self.keeping.fingerprint() == once
        after = self.keeping.statuses()
        assert all(after[task_id] == "approved" for task_id in before)

    # -- the daemon and others -------------------------------------------------------------------------

    @rule()
    def project(self) -> None:
        self.keeping.clock.advance(1)
        self.keeping.keeper.project()
        shown = [
            entry["id"]
            for section in ("tasks", "completed", "failed")
            for entry in self.keeping.shown()[section]
        ]
        assert sorted(shown) == sorted(self.keeping.statuses())

    @rule(status=st.sampled_from([Status.APPROVED, Status.FAILED, Status.SAFETY_BLOCKED, None]))
    def run_one(self, status: Status | None) -> None:
        ready = [row["id"] for row in self.keeping.store.reader.tasks() if row["state"] == "ready"]
        if ready:
            ref = self.keeping.claim()
            assert ref.id not in self.approved
            if status is not None:
                self.keeping.finish(ref, status)

    @rule(name=NAMES, priority=st.integers(0, 3))
    def edit_elsewhere(self, name: str, priority: int) -> None:
        row = self.keeping.store.reader.task(name)
        if row is not None and self.keeping.status(name) == "pending":
            doc = json.loads(row["doc"]) | {"priority": priority}
            rules = apply.Rules(self.keeping.settings.limits, self.keeping.store.limits)
            self.keeping.store.write(lambda tx: apply.edit_task(tx, name, row["version"], doc, "cli", rules))

    @rule()
    def restart(self) -> None:
        self.keeping.restart()

    @invariant()
    def nothing_vanishes_and_nothing_done_is_undone(self) -> None:
        statuses = self.keeping.statuses()
        assert self.seen_ids <= set(statuses)
        assert all(statuses[task_id] == "approved" for task_id in self.approved)
        self.seen_ids = set(statuses)
        self.approved = {task_id for task_id, status in statuses.items() if status == "approved"}


TestQueueFile = QueueFile.TestCase
TestQueueFile.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)

DOCS = st.fixed_dictionaries(
    {"id": st.just("t")},
    optional={key: st.sampled_from([1, 1.0, True, "x", [1]]) for key in ("a", "b", "c")},
)


class TestFields:
    """The three-way merge of documents."""

    @staticmethod
    def _get(doc: dict[str, Any], key: str) -> str:
        return json.dumps(doc[key]) if key in doc else "missing"

    @settings(max_examples=500)
    @given(DOCS, DOCS, DOCS)
    def test_each_field_is_the_files_the_stores_or_a_conflict(
        self, theirs: dict[str, Any], base: dict[str, Any], ours: dict[str, Any]
    ) -> None:
        merged, taken, conflicts = merge_fields(theirs, base, ours)

        for key in ("a", "b", "c"):
            file, old, now = (self._get(doc, key) for doc in (theirs, base, ours))
            assert self._get(merged, key) == (file if key in taken else now)
            assert (key in taken) == (file not in {old, now} and old == now)
            assert (key in conflicts) == (file not in {old, now} and old != now)
