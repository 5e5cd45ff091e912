"""What a person does with one task beyond answering: an edit, an edited copy, a final no."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Annotated, Any, Final

import flask
import pydantic
from pydantic import ConfigDict, Field, StrictBool, StrictInt

from errors import InvalidTask, TransitionNotAllowed
from panel.api import fields
from panel.api.describing import ANY_OBJECT, FLAG, NUMBER, TEXT, path, post, post_of, shape
from panel.api.task import row_of
from panel.api.tasks import subject_of
from panel.context import panel
from panel.task_views import page_of
from redaction import clean
from store import editing
from store.queue_file.apply import EditResult
from store.records import Intake, NewTask

blueprint = flask.Blueprint("api_task_edits", __name__, url_prefix="/api/v1/tasks")

_TASK: Final = path("task_id")
_DOCUMENT: Final = "the task, as an entry of queue.json"
_CHECK: Final = "true: only say whether it would be taken"


class _Copy(pydantic.BaseModel):
    """An edited copy of a task."""

    model_config = ConfigDict(extra="forbid", strict=True)

    task: dict[str, Any]
    only_check: StrictBool = False


class _Edit(_Copy):
    """A changed text of a task, and the version it was made of."""

    version: Annotated[StrictInt, Field(ge=1, lt=2**62)]


PATHS: Final[dict[str, Any]] = {
    "/api/v1/tasks/{task_id}/fail": post(
        "Reject its result: it fails, whatever attempts are left",
        _TASK,
        reason="why; the reason of its end",
        decision="the question that was shown",
    ),
    "/api/v1/tasks/{task_id}/edit": post_of(
        _Edit,
        "Change the text of a task that has not ended, or correct one that was refused",
        _TASK,
        task=_DOCUMENT,
        version="the version that was edited",
        only_check=_CHECK,
        answers="DoneOrChecked",
    ),
    "/api/v1/tasks/{task_id}/rerun": post_of(
        _Copy,
        "Add an edited copy of a task as a new one",
        _TASK,
        task=_DOCUMENT,
        only_check=_CHECK,
        answers="DoneOrChecked",
    ),
}
SCHEMAS: Final[dict[str, Any]] = {
    "DoneOrChecked": shape(
        message=TEXT,
        task=ANY_OBJECT,
        version=NUMBER | {"description": "of an edited task, as it is now"},
        would_be_taken=FLAG | {"description": "where it was only checked"},
    ),
}


@blueprint.post("/<path:task_id>/fail")
def fail(task_id: str) -> dict[str, Any]:
    """Reject a result, whatever attempts are left; ``decision`` binds the answer to the question shown."""
    given = fields.body(flask.request, "reason", "decision")
    subject = subject_of(task_id, given)
    return _after(task_id, panel().store.reject(subject, flask.g.by, given.get("reason"), is_final=True))


@blueprint.post("/<path:task_id>/edit")
def edit(task_id: str) -> dict[str, Any]:
    """Change the text of a task as an edit of ``queue.json`` would."""
    row = row_of(task_id)
    given = fields.document(flask.request, _Edit)
    if given.only_check:
        return _verdict(lambda: _edited(row, given.task), "It keeps the contract.")
    found = panel().store.edit(task_id, given.version, _edited(row, given.task), flask.g.by)
    return _after(task_id, _told(task_id, found)) | {"version": found.version}


@blueprint.post("/<path:task_id>/rerun")
def rerun(task_id: str) -> dict[str, Any]:
    """Add an edited copy of a task as a new one; the task itself stays as it is."""
    row = row_of(task_id)
    given = fields.document(flask.request, _Copy)
    if given.only_check:
        return _verdict(lambda: _copied(row, given.task), "It keeps the contract and would be added.")
    new = _copied(row, given.task)
    if not panel().store.submit(Intake(new=[new]), flask.g.by):
        raise TransitionNotAllowed(f"There is a task {new.task.id!r} already; give another id.")
    return _after(new.task.id, f"{new.task.id} is in the queue.")


def _edited(row: sqlite3.Row, task: dict[str, Any]) -> dict[str, Any]:
    """The changed text of a task. Raises `InvalidTask`, `TransitionNotAllowed`."""
    if not editing.is_editable(row):
        raise TransitionNotAllowed(
            f"{row['id']} has ended; a change would have no effect. Add an edited copy."
        )
    doc: dict[str, Any] = editing.restored(task, editing.document(row))
    editing.check_edit(row["id"], doc, panel().settings.limits)
    return doc


def _copied(row: sqlite3.Row, task: dict[str, Any]) -> NewTask:
    """The edited copy of a task. Raises `InvalidTask`, `TransitionNotAllowed`."""
    doc = editing.restored(task, editing.document(row))
    reader = panel().reader
    return editing.new_task(doc, panel().settings.limits, lambda known: reader.task(known) is not None)


def _verdict(check: Callable[[], object], yes: str) -> dict[str, Any]:
    """Whether a text would be taken, which is an answer and no error."""
    try:
        check()
    except (InvalidTask, TransitionNotAllowed) as error:
        return {"message": error.message, "would_be_taken": False}
    return {"message": yes, "would_be_taken": True}


def _told(task_id: str, found: EditResult) -> str:
    """What became of an edit, in words."""
    changed, left = (", ".join(map(clean, names)) for names in (found.fields, found.conflicts))
    told = f"{task_id}: changed {changed}." if changed else f"{task_id} was not changed."
    if left:
        told += f" Of it, {left} was changed meanwhile and stays; your text is kept."
    return told + (f" {found.note[:1].upper()}{found.note[1:]}." if found.note else "")


def _after(task_id: str, message: str) -> dict[str, Any]:
    row = panel().reader.task(task_id)
    return {"message": message, "task": page_of(panel(), [row])[0] if row is not None else None}
