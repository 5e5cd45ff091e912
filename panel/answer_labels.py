"""The answers to decisions as buttons: the same word for the same answer wherever it is given."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from panel import command_lines
from panel.addresses import url_for
from panel.labels import Button
from run_contract import asking
from store.answering import FINAL, without_commands
from store.deadline_text import NONE

#: Answers to decisions, by kind and option: label, what will happen, look. Those of a review depend on the
#: attempts that are left.
_ANSWERS: Final[dict[tuple[str, str], tuple[str, str, str]]] = {
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
    ("rollback", "leave"): (
        "Leave the files",
        "They stay as the rollback that broke off left them.",
        "secondary",
    ),
    ("budget", "needed"): ("Add what is needed", "The limit gets what the call may cost.", "primary"),
    ("budget", "more"): ("Add more", "The limit gets the larger amount of the question.", "secondary"),
    ("budget", "no"): ("Add nothing", "What waits goes on waiting; a task of a run fails.", "secondary"),
    (asking.KIND, asking.ANSWER): ("Answer", "What you write is its answer.", "primary"),
    (asking.KIND, asking.REFUSE): ("Refuse", "It fails, and what waits for it fails too.", "danger"),
    ("recovery", "wait"): ("Wait", "Nothing runs until you resume.", "secondary"),
    ("circuit_breaker", "resume"): ("Go on", "Tasks start again, and counting begins anew.", "primary"),
    ("circuit_breaker", "wait"): ("Wait", "Nothing new is started until you resume.", "secondary"),
}


#: What a person may write along with an answer, by kind and option.
_COMMENTS: Final[dict[tuple[str, str], str]] = {
    ("execution", "refuse"): "Why? It is told with the task.",
    ("plan", "whole"): "Why? It is told with the task.",
    (asking.KIND, asking.ANSWER): "Your answer.",
    (asking.KIND, asking.REFUSE): "Why? It is told with the task.",
}

#: What a choice of a question does.
_CHOSEN: Final = "It is the answer, and what waits for it may start."
APPROVE: Final = "Approve"
REQUEUE: Final = "Requeue with feedback"
REJECT: Final = "Reject"
_FEEDBACK: Final = "What should be different? The next attempt is told."
_WHY: Final = "Why? It is shown as the reason of its end."


def answers_to(decision: dict[str, Any]) -> list[Button]:
    """The answers to a decision, as buttons."""
    if decision["kind"] == "review":
        return _to_review(decision)
    return [_answer(decision, option) for option in decision["options"]]


def inbox_buttons(decision: dict[str, Any]) -> list[Button]:
    """The same where the card beside them shows what is decided on."""
    shown = f"about-{decision['id']}" if decision["about"] else ""
    return [replace(button, about="", about_from=shown) for button in answers_to(decision)]


def deadline_buttons(decision: dict[str, Any]) -> list[Button]:
    """A button that gives an open decision a deadline, and one that lifts the one it has."""
    follows = "Its task fails" if decision["fails_at_deadline"] else "It is overdue"
    path = url_for("api_decisions.set_deadline", decision_id=decision["id"])
    put = Button(
        label="Change the deadline" if decision["deadline"] else "Set a deadline",
        path=path,
        ask=f"Until when may this wait? {follows} where nobody answers by then; nothing is approved.",
        reason="A span from now, such as 90m, 4h or 2d, or a time within a year as YYYY-MM-DDTHH:MM.",
        reason_field="deadline",
        values={},
        look="quiet",
        name="set-deadline",
        cli=command_lines.deadline(decision, "4h"),
    )
    lift = Button(
        label="Lift the deadline",
        path=path,
        ask="Let it wait for ever? Whatever waits for the answer waits with it.",
        values={"deadline": NONE},
        look="quiet",
        name="lift-deadline",
        cli=command_lines.deadline(decision, NONE),
    )
    return [put, lift] if decision["deadline"] else [put]


def asks(decision: dict[str, Any]) -> str:
    """The question without the command lines in it, which a page shows beside the buttons."""
    return without_commands(decision["kind"], decision["question"])


def label_of(decision: dict[str, Any], option: str) -> str:
    """What an answer is called."""
    return next((each.label for each in answers_to(decision) if each.name == option), option)


def _answer(decision: dict[str, Any], option: str) -> Button:
    is_choice = decision["kind"] == asking.KIND
    plain = (option, _CHOSEN, "secondary") if is_choice else (option.capitalize(), "", "secondary")
    label, ask, look = _ANSWERS.get((decision["kind"], option), plain)
    return _button(
        decision,
        option,
        label,
        f"{label}? {ask}".strip(),
        look,
        _COMMENTS.get((decision["kind"], option), ""),
    )


def _to_review(decision: dict[str, Any]) -> list[Button]:
    """Approve, requeue with feedback where attempts are left, and reject, after which no attempt follows."""
    task_id, left = decision["task_id"], decision["tries_left"]
    yes = f"Approve {task_id}? Its result counts, and what waits for it may start."
    approve = _button(decision, "approve", APPROVE, yes, "primary")
    if not left:
        ask = f"Reject the result of {task_id}? No attempts are left: it fails, and what waits for it."
        return [approve, _button(decision, "reject", REJECT, ask, "danger", _WHY)]
    often = "once more" if left == 1 else f"up to {left} more times"
    ask = f"Send {task_id} back? It may be tried {often}, with what you say in its prompt."
    final = (
        f"Reject the result of {task_id}? It fails, whatever attempts are left, and what waits for it fails."
    )
    return [
        approve,
        _button(decision, "reject", REQUEUE, ask, "secondary", _FEEDBACK),
        _button(decision, FINAL, REJECT, final, "danger", _WHY),
    ]


def _button(
    decision: dict[str, Any], option: str, label: str, ask: str, look: str, comment: str = ""
) -> Button:
    return Button(
        label=label,
        path=url_for("api_decisions.answer", decision_id=decision["id"]),
        ask=ask,
        about=decision["about"],
        reason=comment,
        reason_field="comment",
        values={"answer": option, "digest": decision["digest"]},
        look=look,
        name=option,
        cli=command_lines.of_answer(decision, option),
    )
