"""The words on buttons, and what each will do, in the terms of the person who presses it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from panel.addresses import url_for
from run_contract import asking
from runtime_contract import Status


@dataclass(frozen=True, kw_only=True)
class Button:
    """A button that sends one request to the API."""

    label: str
    #: where it posts to
    path: str
    #: what will happen; asked before, where there is anything to say
    ask: str = ""
    #: the text that is decided on
    about: str = ""
    #: id of the element that shows that text, where the page does
    about_from: str = ""
    #: what the person may write along, and under which field
    reason: str = ""
    reason_field: str = "reason"
    #: further fields of the body
    values: dict[str, str]
    #: which of them are numbers, and none where they are empty; separated by spaces
    numbers: str = ""
    #: primary, secondary or danger
    look: str = "secondary"
    #: the word in the button's id
    name: str
    #: the command line that does the same, where it is shown beside the button
    cli: str = ""


#: Answers to decisions, by kind and option: label, what will happen, look.
_ANSWERS: Final[dict[tuple[str, str], tuple[str, str, str]]] = {
    ("review", "approve"): ("Approve", "The result counts, and what waits for it may start.", "primary"),
    ("review", "reject"): ("Reject", "With attempts left it is tried again, else it fails.", "secondary"),
    ("interrupted", "again"): (
        "Run again",
        "What the interrupted attempt did may be done twice.",
        "secondary",
    ),
    ("interrupted", "done"): ("Count as done", "It is approved, and what waits for it may start.", "primary"),
    ("interrupted", "failed"): ("Count as failed", "It fails, and what waits for it fails too.", "danger"),
    ("execution", "run"): ("Let it run", "Exactly this runs, with these rights.", "primary"),
    ("execution", "refuse"): ("Refuse", "It fails, and what waits for it fails too.", "danger"),
    ("plan", "split"): ("Enter the plan", "Exactly these subtasks are entered.", "primary"),
    ("plan", "whole"): ("Run as one", "It is not split, for as long as it asks for the same.", "secondary"),
    ("proposal", "add"): ("Add them", "Exactly these tasks are added to the queue.", "primary"),
    ("proposal", "drop"): ("Drop them", "Nothing is added.", "secondary"),
    ("removal", "accept"): ("Cancel them", "Every task of this question that waits is cancelled.", "danger"),
    ("removal", "keep"): ("Keep them", "Nothing is cancelled; the file shows them again.", "primary"),
    ("recovery", "accept"): ("Accept and go on", "Work goes on with the rebuilt store.", "primary"),
    ("budget", "needed"): ("Add what is needed", "The limit gets what the call may cost.", "primary"),
    ("budget", "more"): ("Add more", "The limit gets the larger amount of the question.", "secondary"),
    ("budget", "no"): ("Add nothing", "What waits for this limit goes on waiting.", "secondary"),
    (asking.KIND, asking.ANSWER): ("Answer", "What you write is its answer.", "primary"),
    (asking.KIND, asking.REFUSE): ("Refuse", "It fails, and what waits for it fails too.", "danger"),
    ("recovery", "wait"): ("Wait", "Nothing runs until you resume.", "secondary"),
    ("circuit_breaker", "resume"): ("Go on", "Tasks start again, and counting begins anew.", "primary"),
    ("circuit_breaker", "wait"): ("Wait", "Nothing new is started until you resume.", "secondary"),
}


#: What a choice of a question does.
_CHOSEN: Final = "It is the answer, and what waits for it may start."
#: What a person may write along with an answer, by kind and option.
_COMMENTS: Final[dict[tuple[str, str], str]] = {
    ("review", "reject"): "What should be different? The next attempt is told.",
    ("execution", "refuse"): "Why? It is told with the task.",
    ("plan", "whole"): "Why? It is told with the task.",
    (asking.KIND, asking.ANSWER): "Your answer.",
    (asking.KIND, asking.REFUSE): "Why? It is told with the task.",
}


def buttons_of(task: dict[str, Any]) -> list[Button]:
    """What a person may do to a task, as buttons."""
    decision = task["decision"]
    found = []
    if decision is not None and decision["kind"] != "budget":  # whose question stands above the tasks
        found += _review(task, decision) if decision["kind"] == "review" else answers_to(decision)
    if "cancel" in task["actions"]:
        found.append(_cancel(task))
    if "retry" in task["actions"]:
        found.append(_button(task, "retry", "Retry"))
    return found


def switch_of(is_on: bool) -> Button:
    """The kill switch: a button to set it, or one to clear it, never one that does either."""
    if is_on:
        return Button(
            label="Clear the kill switch",
            path=url_for("api_kill_switch.off"),
            ask="Clear the kill switch? Tasks start again at once.",
            values={},
            look="primary",
            name="kill-switch-off",
        )
    return Button(
        label="Kill switch",
        path=url_for("api_kill_switch.on"),
        ask="Stop everything? Nothing new starts, running commands are killed, model calls are abandoned. "
        "What was stopped runs again when you clear the switch, or asks you.",
        reason="Why? It is shown wherever something waits for it.",
        values={},
        look="danger",
        name="kill-switch-on",
    )


def pause_of(is_paused: bool) -> Button:
    """Pause, or resume where it is paused or the circuit breaker has tripped."""
    if is_paused:
        return Button(
            label="Resume",
            path=url_for("api_steering.resume"),
            values={},
            look="primary",
            name="resume",
            cli="skep resume",
        )
    return Button(
        label="Pause",
        path=url_for("api_steering.pause"),
        ask="Pause? Nothing new starts until you resume; what runs goes on.",
        reason="Why? It is shown wherever something waits for it.",
        values={},
        name="pause",
        cli="skep pause",
    )


def capacity_buttons(name: str, count: int, most: int, *, is_set: bool) -> list[Button]:
    """One fewer, one more, and back to what the settings say where a person has said otherwise."""
    what = {"workers": "workers", "pace": "tasks at once"}[name]
    wanted = [(f"Fewer {what}", "fewer", count - 1), (f"More {what}", "more", count + 1)]
    buttons = [_count(name, label, word, number) for label, word, number in wanted if 1 <= number <= most]
    if is_set:
        buttons.append(_count(name, f"As set: {name}", "default", None))
    return buttons


def _count(name: str, label: str, word: str, number: int | None) -> Button:
    return Button(
        label=label,
        path=url_for(f"api_steering.set_{name}"),
        values={"count": "" if number is None else str(number)},
        numbers="count",
        name=f"{name}-{word}",
        cli=f"skep {name} {'default' if number is None else number}",
    )


def answers_to(decision: dict[str, Any]) -> list[Button]:
    """The options of a decision, as buttons."""
    return [_answer(decision, option) for option in decision["options"]]


def inbox_buttons(decision: dict[str, Any]) -> list[Button]:
    """The same where the card beside them shows what is decided on."""
    shown = f"about-{decision['id']}" if decision["about"] else ""
    return [replace(button, about="", about_from=shown) for button in answers_to(decision)]


def _answer(decision: dict[str, Any], option: str) -> Button:
    plain = (
        (option, _CHOSEN, "secondary")
        if decision["kind"] == asking.KIND
        else (option.capitalize(), "", "secondary")
    )
    label, ask, look = _ANSWERS.get((decision["kind"], option), plain)
    return Button(
        label=label,
        path=url_for("api_decisions.answer", decision_id=decision["id"]),
        ask=f"{label}? {ask}".strip(),
        about=decision["about"],
        reason=_COMMENTS.get((decision["kind"], option), ""),
        reason_field="comment",
        values={"answer": option, "digest": decision["digest"]},
        look=look,
        name=_name_of(decision, option),
    )


def _name_of(decision: dict[str, Any], option: str) -> str:
    """The word in the button's id: a choice of a question may be any text, and is told by its place."""
    if decision["kind"] != asking.KIND or option in {asking.ANSWER, asking.REFUSE}:
        return option
    return f"choice-{decision['options'].index(option) + 1}"


def _review(task: dict[str, Any], decision: dict[str, Any]) -> list[Button]:
    bound = {"decision": decision["id"]}
    about = task["output"]
    return [
        _button(
            task,
            "approve",
            "Approve",
            ask=f"Approve {task['id']}? Its result counts, and what waits for it may start.",
            values=bound,
            about=about,
            look="primary",
        ),
        _button(
            task,
            "reject",
            "Reject",
            ask=f"Reject the result of {task['id']}? With attempts left it is tried again, else it fails.",
            about=about,
            reason="What should be different? The next attempt is told.",
            values=bound,
        ),
    ]


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
    return Button(**({"values": {}} | more), name=name, label=label, path=path)
