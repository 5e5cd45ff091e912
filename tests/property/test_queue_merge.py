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
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from clock import to_rfc3339
from runtime_contract import ENDED, Status
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
        #: tasks that ended after the file was last written
        self.ran_since_shown: set[str] = set()

    def teardown(self) -> None:
        self.keeping.close()
        shutil.rmtree(self.root)

    # -- the editor ------------------------------------------------------------------------------------

    @initialize()
    def begin(self) -> None:
        self.keeping.put(*({"id": name, "prompt": name} for name in "abc"))
        self.buffer = self.keeping.shown()

    def _entries(self) -> list[tuple[str, dict[str, Any]]]:
        return [
            (section, entry) for section in ("tasks", "completed", "failed") for entry in self.buffer[section]
        ]

    def _add(self, data: Any) -> None:
        entry = {"id": data.draw(NAMES)} if data.draw(st.booleans()) else {}
        field = data.draw(FIELDS)
        self.buffer["tasks"].append(entry | {"prompt": data.draw(NAMES), field: data.draw(VALUES[field])})

    def _change(self, data: Any) -> None:
        _, entry = data.draw(st.sampled_from(self._entries()))
        field = data.draw(FIELDS)
        if data.draw(st.integers(0, 3)) == 0:
            entry.pop(field, None)
        else:
            entry[field] = data.draw(VALUES[field])

    def _set_status(self, data: Any) -> None:
        data.draw(st.sampled_from(self._entries()))[1]["status"] = data.draw(STATUSES)

    def _move(self, data: Any) -> None:
        section, entry = data.draw(st.sampled_from(self._entries()))
        if data.draw(st.booleans()):
            self.buffer[section].remove(entry)
        self.buffer[data.draw(SECTIONS)].append(copy.deepcopy(entry))

    def _remove(self, data: Any) -> None:
        section, entry = data.draw(st.sampled_from(self._entries()))
        self.buffer[section].remove(entry)

    @rule(fresh=st.booleans(), forgets=st.integers(0, 5), times=st.integers(1, 3), data=st.data())
    def edit_and_save(self, fresh: bool, forgets: int, times: int, data: Any) -> None:
        if fresh:
            self.buffer = self.keeping.shown()
        for _ in range(times):
            ways = [self._add]
            if self._entries():
                ways += [self._change, self._change, self._set_status, self._move, self._remove]
            data.draw(st.sampled_from(ways))(data)
        if forgets == 0:
            self.buffer.pop("revision", None)
        self._save()

    @precondition(lambda self: not ENDED.isdisjoint(self.keeping.statuses().values()))
    @rule(data=st.data())
    def send_back(self, data: Any) -> None:
        if data.draw(st.booleans()):
            self.project()
        self.buffer = self.keeping.shown()
        if not self.buffer["failed"]:
            return
        entry = data.draw(st.sampled_from(self.buffer["failed"]))
        self.buffer["failed"].remove(entry)
        self.buffer["tasks"].append(entry)
        self._save()

    def _save(self) -> None:
        before = self.keeping.statuses()
        ends = {row["id"]: row["finished"] for row in self.keeping.store.reader.tasks()}
        shown = [entry for _, entry in self._entries() if "id" in entry]
        seen = {(entry["id"], entry.get("finished_at")) for entry in shown}
        self.keeping.save(self.buffer)
        self.keeping.look()
        once = self.keeping.fingerprint()
        # The same wishes in other bytes, so that the hash of the file is no help.
        self.keeping.save(json.dumps(self.buffer, indent=3).encode() + b"\n")
        self.keeping.look()
        assert self.keeping.fingerprint() == once
        for task_id, status in self.keeping.statuses().items():
            if before.get(task_id) == "approved":
                assert status == "approved"
            was_sent_back = (
                before.get(task_id) in {"failed", "cancelled", "safety_blocked"} and status == "pending"
            )
            if was_sent_back and task_id in self.ran_since_shown:
                assert (task_id, to_rfc3339(ends[task_id])) in seen

    # -- the daemon and others -------------------------------------------------------------------------

    @rule()
    def project(self) -> None:
        self.keeping.clock.advance(1)
        if self.keeping.keeper.project():
            self.ran_since_shown.clear()
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
                self.ran_since_shown.add(ref.id)

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
