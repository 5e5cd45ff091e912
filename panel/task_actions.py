"""What a person may do about one task, as buttons: each with its command line."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

from panel import command_lines
from panel.addresses import url_for
from panel.answer_labels import answers_to
from panel.labels import Button
from panel.words import count_of
from runtime_contract import Status
from store.answering import FINAL


def buttons_of(task: dict[str, Any]) -> list[Button]:
    """The buttons beside a task of a list. A question about money stands above the tasks."""
    decision = task["decision"]
    answers = [] if decision is None or decision["kind"] == "budget" else _answers(task, decision)
    return answers + _steering(task)


def actions_of(task: dict[str, Any]) -> list[Button]:
    """The buttons of a task's own page."""
    decision = task["decision"]
    return ([] if decision is None else _answers(task, decision)) + _steering(task)


def _answers(task: dict[str, Any], decision: dict[str, Any]) -> list[Button]:
    """The answers to what is asked about the task; a review shows the result it is about."""
    found = answers_to(decision)
    if decision["kind"] != "review":
        return found
    return [_of_task(each, task, decision) for each in found]


def _of_task(button: Button, task: dict[str, Any], decision: dict[str, Any]) -> Button:
    name = {FINAL: "api_task_edits.fail"}.get(button.name, f"api_tasks.{button.name}")
    shown = url_for("api_decisions.show_decision", decision_id=decision["id"])
    return dataclasses.replace(
        button,
        path=url_for(name, task_id=task["id"]),
        values={"decision": decision["id"]},
        about_at="" if decision["about"] else shown,
        reason_field="reason",
    )


def _steering(task: dict[str, Any]) -> list[Button]:
    found = []
    if "cancel" in task["actions"]:
        found.append(_cancel(task))
    if "retry" in task["actions"]:
        found.append(_button(task, "retry", "Retry"))
    return found


def _cancel(task: dict[str, Any]) -> Button:
    what = "It waits and will not run."
    if task["status"] == Status.IN_PROGRESS:
        what = "It is running and will be stopped; what it has done so far is not undone."
    elif task["status"] == Status.PENDING_REVIEW:
        what = "Its result is thrown away."
    if task["is_recurring"]:
        what += " Its schedule ends: it does not come again."
    ask = f"Cancel {task['id']}? {what} Tasks that wait for it will fail."
    return _button(task, "cancel", "Cancel", ask=ask, look="danger")


def _button(task: dict[str, Any], name: str, label: str, **more: Any) -> Button:
    path = url_for(f"api_tasks.{name}", task_id=task["id"])
    cli = command_lines.line(name, task["id"])
    return Button(**({"values": {}} | more), name=name, label=label, path=path, cli=cli)


def rollback_buttons(task_id: str, found: dict[str, Any], *, is_unfinished: bool = False) -> list[Button]:
    """A button that shows what undoing a task's changes would change, and one that does what is shown.

    One that broke off is finished by it too, also where its last file was written before it did.
    """
    look = Button(
        label="Show what a rollback would change",
        path=url_for("api_task_rollback.look", task_id=task_id),
        values={},
        name="rollback-look",
        cli=command_lines.line("rollback", task_id, "--before"),
    )
    shown = found["result"] or {}
    is_done = is_unfinished and not shown.get("left")
    if shown.get("kind") != "preview" or not (shown["count"] or is_done):
        return [look]
    files = count_of(shown["count"], "file")
    do = Button(
        label=f"Roll back {files}" if shown["count"] else "Finish the rollback",
        path=url_for("api_task_rollback.do", task_id=task_id),
        ask=_ask_rollback(files, shown) if shown["count"] else _FINISH,
        values={"digest": shown["digest"]},
        look="danger",
        name="rollback-do",
        cli=command_lines.line("rollback", task_id, "--before", "--yes"),
    )
    return [look, do]


#: What is asked where a rollback broke off with all of its files written.
_FINISH: Final = (
    "Finish the rollback that broke off? Its files are as it was to leave them, so none is changed; "
    "its question is closed."
)


def _ask_rollback(files: str, shown: dict[str, Any]) -> str:
    sentences = (
        f"Bring back {files} of the workspace to {shown['goal']}?",
        shown["goes"],
        shown["told"],
        "What they hold now is kept as a checkpoint first, and its number is told.",
        "It is refused while commands run, and where anything has changed since it was shown.",
    )
    return " ".join(each for each in sentences if each)
