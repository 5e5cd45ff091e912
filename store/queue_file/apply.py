"""Doing what the merge decided, inside the transaction that takes the file in; the same for `skep edit`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from errors import InvalidTask, TransitionNotAllowed
from runtime_contract import DECLARING, ENDED, Limits, Status, Task, normalize_task
from store import ending, intake, lost_runs, steering
from store.lanes import ConcurrencyLimits, joined, lane_of, lasting_part_of
from store.queue_file import merge
from store.queue_file.entries import NO_SECRETS, secret_in_a_name, with_id, without_machine_keys
from store.queue_file.rendering import machine_values
from store.queue_file.wishes import (
    Action,
    Cancel,
    Conflict,
    Document,
    Duplicate,
    Edit,
    Refuse,
    Rendering,
    Retry,
    Stored,
)
from store.records import STATUS_OF_STATE, parse_document
from store.transaction import Transaction, dump

SOURCE = "queue_file"
#: What says which files there must be.
_EXPECTING: Final = ("expect", *DECLARING)
_EVENT_STATUS = {Status.PENDING: "queued"}


@dataclass(frozen=True, slots=True)
class Rules:
    """What entries are held to, and where texts go that are not taken."""

    contract: Limits
    lanes: ConcurrencyLimits
    #: keeps an entry's text: task id, revision, text; returns the file it went to
    keep_text: Callable[[str, int | None, str], str | None] = lambda task_id, revision, text: None


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose wish is done, and the text it was read from."""

    by: str
    revision: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class EditResult:
    """What became of an edit."""

    version: int
    #: names of the fields that changed
    fields: tuple[str, ...] = ()
    #: fields that had changed meanwhile and were left
    conflicts: tuple[str, ...] = ()
    #: a sentence where the edit does not count at once
    note: str | None = None
    retried: bool = False


@dataclass(slots=True)
class Tally:
    """How much of each a merge did."""

    added: int = 0
    edited: int = 0
    cancelled: int = 0
    refused: int = 0
    ids: list[str] = field(default_factory=list)


def checker(limits: Limits, known: Document | None = None) -> merge.Check:
    """Holds documents to the contract, also those of tasks whose ids Skep made (``run:task``).

    The prompt and the `expect` that a task has, as `known` has them, stay good where a rule came later.

    A secret may come in by an edit as little as by a new entry: both are looked at in the same way.
    """

    def check(doc: Document) -> Document:
        is_known = known is not None and doc.get("prompt") == known.get("prompt")
        has_known = known is not None and all(doc.get(key) == known.get(key) for key in _EXPECTING)
        _, found = normalize_task({**doc, "id": "task"}, limits, is_known=is_known, is_expect_known=has_known)
        named = secret_in_a_name(found, "task")
        if named is not None:
            raise InvalidTask(f"{named}: {NO_SECRETS}", path=named)
        return {**found, "id": doc["id"]}

    return check


def load(tx: Transaction, row: sqlite3.Row, revision: int | None = None) -> Stored:
    """What the merge must know of a task, for a file of `revision`."""
    doc = json.loads(row["doc"])
    status = STATUS_OF_STATE[row["state"]]
    renderings = [
        Rendering(each["first_revision"], each["hash"], each["version"], Status(each["status"]))
        for each in tx.all("renderings_of", task=row["seq"])
    ]
    shown = tx.one("get_shown", task=row["seq"]) if status in ENDED else None
    versions = tx.all("versions_of", task=row["seq"]) if row["version"] > 1 else []
    saves = _saves_before(tx, row, revision)
    return Stored(
        id=row["id"],
        status=status,
        doc=doc,
        version=row["version"],
        code=row["code"],
        reason=row["reason"],
        finished_at=machine_values(row, doc).get("finished_at") if status in ENDED else None,
        shown_finished_at=json.loads(shown["text"]).get("finished_at") if shown else None,
        renderings=renderings,
        versions={each["version"]: json.loads(each["doc"]) for each in versions},
        is_from_file=row["source"] == SOURCE,
        saved_before=frozenset().union(*saves),
        saved_earlier=frozenset().union(*saves[1:]),
    )


def _saves_before(tx: Transaction, row: sqlite3.Row, revision: int | None) -> list[frozenset[str]]:
    """What the last edits of a task set, newest first, as long as they came from a file of this revision."""
    found: list[frozenset[str]] = []
    if revision is None or row["version"] == 1:
        return found
    for edit in tx.all("last_edits", task_id=row["id"]):
        if (edit["source"], edit["revision"]) != (SOURCE, revision):
            break
        found.append(frozenset(json.loads(edit["fields"])))
    return found


def act(tx: Transaction, task_id: str, actions: Iterable[Action], rules: Rules, asked: Asked) -> None:
    """Do what was decided about one task, in order."""
    is_news = True
    for action in actions:
        row = steering.find(tx, task_id)
        match action:
            case Edit():
                take_document(tx, row, action, rules, asked)
            case Retry():
                steering.reopen(tx, row, asked.by)
            case Cancel() if STATUS_OF_STATE[row["state"]] in ENDED:
                pass  # the edit beside it ended the task: it had come to wait for itself
            case Cancel():
                steering.cancel(tx, task_id, asked.by, f"cancelled in {_place(asked.by)}")
            case Conflict():
                _tell_conflict(tx, row, action, rules, asked)
            case Refuse():
                is_news = _tell_refusal(tx, row, action, rules, asked)
            case Duplicate() if is_news:
                tx.emit("task.duplicate", task_id=task_id, source=asked.by, reason=action.reason,
                        status=_status(row))  # fmt: skip


def _place(by: str) -> str:
    return "queue.json" if by == SOURCE else f"an edit by {by}"


def _status(row: sqlite3.Row) -> str:
    status = STATUS_OF_STATE[row["state"]]
    return _EVENT_STATUS.get(status, status.value)


def _tell_conflict(tx: Transaction, row: sqlite3.Row, action: Conflict, rules: Rules, asked: Asked) -> None:
    file = rules.keep_text(row["id"], asked.revision, asked.text)
    reason = "changed here and in the file; the value here stays, the file's text is kept"
    if _is_told(tx, row, "task.edit_conflict", reason, file, asked):
        return
    tx.emit(
        "task.edit_conflict", task_id=row["id"], status=_status(row), source=asked.by,
        fields=list(action.fields), revision=asked.revision, file=file, reason=reason,
    )  # fmt: skip
    tx.mark_dirty(row["seq"])


def _is_told(
    tx: Transaction, row: sqlite3.Row, event: str, reason: str, file: str | None, asked: Asked
) -> bool:
    """Whether this was the last that was said of the task's edits: an editor saves what it holds again."""
    told = tx.one("last_told_edit", task_id=row["id"])
    now = (event, reason, file, asked.revision)
    return told is not None and (told["event"], told["reason"], told["file"], told["revision"]) == now


def _tell_refusal(tx: Transaction, row: sqlite3.Row, action: Refuse, rules: Rules, asked: Asked) -> bool:
    """Tell it in the history unless it was the last that was told; whether it is told now."""
    file = rules.keep_text(row["id"], asked.revision, asked.text) if action.keep_text else None
    if _is_told(tx, row, "task.edit_refused", action.reason, file, asked):
        return False
    tx.emit(
        "task.edit_refused", task_id=row["id"], status=_status(row), source=asked.by, reason=action.reason,
        path=action.path, revision=asked.revision, file=file,
    )  # fmt: skip
    return True


def take_document(tx: Transaction, row: sqlite3.Row, edit: Edit, rules: Rules, asked: Asked) -> None:
    """Give a task its new words, and everything that follows from them."""
    task = parse_document(edit.doc, row["id"])
    tx.run("keep_version", seq=row["seq"])
    tx.run(
        "edit_task",
        seq=row["seq"],
        doc=dump(with_id(edit.doc, row["id"])),
        lane=joined(lane_of(task, rules.lanes), lasting_part_of(row["lane"])),
        priority=task.priority,
        not_before=_not_before(tx, row, task, edit.fields),
        every=task.every,
    )
    if "depends_on" in edit.fields:
        _enter_edges(tx, row["seq"], task)
        if row["planned"]:
            tx.run("insert_plan_edges", seq=row["seq"], parent=row["id"])
        _count_waiting(tx, row["seq"])
    if STATUS_OF_STATE[row["state"]] is Status.PENDING:
        _hold_or_release(tx, row["id"], edit.fields)
        _settle(tx, task, edit.fields)
    if edit.fields:
        tx.emit(
            "task.edited", task_id=row["id"], status=_status(row), source=asked.by, fields=list(edit.fields),
            revision=asked.revision, reason=_note(tx, row),
        )  # fmt: skip
    tx.mark_dirty(row["seq"])


def _note(tx: Transaction, row: sqlite3.Row) -> str | None:
    """What to say of an edit that does not count at once."""
    if STATUS_OF_STATE[row["state"]] is Status.PENDING_REVIEW:
        return _note_of_question(tx, row)
    if STATUS_OF_STATE[row["state"]] is Status.IN_PROGRESS:
        return "the attempt under way goes on with the old text; a new ask runs next"
    if row["planned"]:
        return (
            "it was split before: its subtasks stay as they are, putting their answers together goes by this"
        )
    return None


def _note_of_question(tx: Transaction, row: sqlite3.Row) -> str:
    asked = tx.one("open_decision_of", id=row["id"])
    if asked is not None and asked["kind"] != "review":
        told = "the question that waits is about the old text"
        return f"{told}; `skep reject {row['id']}`, then `skep retry {row['id']}` has the new one run"
    return f"the result that waits was made of the old text; `skep reject {row['id']}` has the new one run"


def _not_before(tx: Transaction, row: sqlite3.Row, task: Task, fields: Sequence[str]) -> float | None:
    """When the task may start: what the edit says, else what held before, a retry's pause included."""
    before: float | None = row["not_before"]
    return intake.first_time(task, tx.now) if {"not_before", "every"} & set(fields) else before


def _enter_edges(tx: Transaction, seq: int, task: Task) -> None:
    tx.run("delete_edges", child=seq)
    tx.run("delete_missing_of_child", child=seq)
    tx.run_many(
        "insert_edge", ({"child": seq, "parent": parent} for parent in dict.fromkeys(task.depends_on))
    )


def _count_waiting(tx: Transaction, seq: int) -> None:
    """Count what a task waits for; one that runs waits for it if it comes back to the queue."""
    waiting_on = sum(parent["state"] != "approved" for parent in tx.all("parents_of", child=seq))
    tx.run("set_waiting_on", seq=seq, waiting_on=waiting_on)


def _hold_or_release(tx: Transaction, task_id: str, fields: Sequence[str]) -> None:
    """The state of a pending task after an edit; a pause the edit does not touch goes on.

    What held its model call is looked at anew: the edit may have changed what it costs, or may cost.
    """
    row = steering.find(tx, task_id)
    if row["waiting_on"]:
        tx.run("set_state", seq=row["seq"], state="blocked", waiting_for=None, not_before=row["not_before"])
    elif row["state"] == "blocked" or row["held_by"] or {"not_before", "every"} & set(fields):
        ending.make_claimable(tx, row)


def _settle(tx: Transaction, task: Task, fields: Sequence[str]) -> None:
    if "depends_on" in fields:
        intake.settle_dependencies(tx, [task], reaches_older=True)


def edit_task(
    tx: Transaction,
    task_id: str,
    base_version: int,
    new_doc: dict[str, Any],
    by: str,
    rules: Rules,
    *,
    send_back: bool = False,
) -> EditResult:
    """Change a task from the text its version `base_version` had to `new_doc`; `send_back` also retries it.

    Fields that somebody else changed since stay as they are. Raises `NotFound`, `InvalidTask`,
    `TransitionNotAllowed`.
    """
    row = steering.find(tx, task_id)
    lost_runs.check_task(tx, row)
    stored = load(tx, row)
    is_correction = stored.code in merge.REFUSED_CODES
    if stored.status in ENDED and not is_correction and not (send_back and stored.status in merge.RETRIABLE):
        raise TransitionNotAllowed(f"{task_id} ended {stored.status}; a change of it would have no effect.")
    base = stored.doc if base_version == stored.version else stored.versions.get(base_version, stored.doc)
    check = checker(rules.contract, stored.doc)
    if is_correction:
        new_doc = {key: value for key, value in new_doc.items() if key != "raw"}
    theirs = check(without_machine_keys({**new_doc, "id": task_id}))
    conflicts: list[str] = []
    if is_correction:
        merged, fields = theirs, [key for key in theirs if key not in {"id", "status"}]
    else:
        merged, fields, conflicts = merge.merge_fields(theirs, base, stored.doc)
    asked = Asked(by, None, dump(new_doc))
    actions: list[Action] = [Edit(check(merged), tuple(fields))] if fields else []
    actions += [Conflict(tuple(conflicts))] if conflicts else []
    actions += [Retry()] if stored.status in ENDED else []
    act(tx, task_id, actions, rules, asked)
    version = steering.find(tx, task_id)["version"]
    return EditResult(
        version, tuple(fields), tuple(conflicts), _note(tx, row), retried=stored.status in ENDED
    )
