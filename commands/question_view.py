"""A question to a person, whole: every word of what a yes would do, and what was answered."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from clock import to_local_text
from commands.task_view import decision, moment
from redaction import clean
from run_contract import asking
from settings import Home
from store import agreements, deadlines, plan_review, reviewed_output, rollbacks
from store.answering import YES_AND_NO
from store.reading import Reader

#: What of a payload binds the question to what was asked, and says nothing to a person.
_BINDING: Final = frozenset({"after_event", "asked", "digest", "ran_before", "task"})
#: What has lines of its own.
_TOLD: Final = frozenset({"tasks", "subtasks", "plan", "rights", "environment", "argv"})
#: What a yes and a no do, where that is not plain from the question alone.
_DOES: Final = {
    "interrupted": (" counts it as done", " counts it as failed"),
    agreements.KIND: (" lets it run", " does not"),
    plan_review.KIND: (" enters them", " lets it run as one"),
}
_INTENT: Final = {
    "goal": "goal",
    "constraints": "constraint",
    "must_nots": "must not",
    "acceptance": "accepted if",
    "added": "by a model",
}


def question(home: Home, reader: Reader, name: str) -> dict[str, Any] | None:
    """The question of that id, open or answered, as JSON tells it; `about` is the result that is reviewed."""
    row = reader.one("get_decision", id=name)
    if row is None:
        return None
    is_open = row["answer"] is None
    task = reader.task(row["task_id"]) if row["task_id"] is not None else None
    asked = decision(row, task if is_open else None) or {}
    comment = None if row["comment"] is None else clean(row["comment"])
    return (
        asked
        | reviewed_output.result_of(home.outputs, row, task).told()
        | {
            "answer": row["answer"],
            "answered_at": moment(row["answered"]),
            "answered_by": row["answered_by"],
            "comment": comment,
        }
    )


def lines(told: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The question for a person, label by label."""
    yield "question", told["id"]
    if told["task_id"] is not None:
        yield "task", told["task_id"]
    yield "asks", told["question"]
    yield from about(told)
    if told["answer"] is None and told["deadline_at"] is not None:
        yield "deadline", deadline(told)
    if told["answer"] is not None:
        said = f": {told['comment']}" if told["comment"] else ""
        yield "answered", f"{told['answer']} at {told['answered_at']} by {told['answered_by']}{said}"
        return
    name = told["task_id"] or told["id"]
    if told["outdated"] is not None:
        yield "approve", told["outdated"]
        yield "answer", f"skep reject {name}"
    elif told["kind"] == asking.KIND:
        yield "answer", _ways(name, told["options"])
    elif told["kind"] in _DOES:
        yield "answer", ways(told)
    else:
        others = [each for each in told["options"] if each not in YES_AND_NO[told["kind"]]]
        more = "".join(f", or skep approve {name} --answer {each}" for each in others)
        no = YES_AND_NO[told["kind"]][1]
        yield (
            "answer",
            f"skep approve {name}{f', or skep reject {name}' if no in told['options'] else ''}{more}",
        )


def ways(told: dict[str, Any]) -> str:
    """The commands that answer an open question, and what each does where its words do not say it."""
    name = told["task_id"] or told["id"]
    yes, no = _DOES.get(told["kind"], ("", ""))
    found = [f"skep retry {name} runs it again"] if told["kind"] == "interrupted" else []
    found += [f"skep approve {name}{yes}"] if told["outdated"] is None else []
    found += [f"skep reject {name} --reason '...'{no}"] if told["kind"] != rollbacks.KIND else []
    *others, last = found
    return f"{', '.join(others)}, or {last}" if others else last


def deadline(told: dict[str, Any]) -> str:
    """Until when a question waits, and what follows."""
    local = to_local_text(datetime.fromisoformat(told["deadline_at"]).timestamp())
    if told["is_overdue"]:
        return f"overdue since {local}; what it holds stays held"
    follows = "its task fails" if deadlines.ends_task(told["kind"]) else "it is overdue"
    return f"answer by {local}, or {follows}"


def _ways(name: str, options: list[str]) -> str:
    """How a question of a run is answered."""
    if asking.ANSWER in options:
        return f"skep approve {name} --comment ..., or skep reject {name}"
    choices = ", ".join(shlex.quote(each) for each in options if each != asking.REFUSE)
    return f"skep approve {name} --answer, with one of: {choices}; or skep reject {name}"


def about(told: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Every word of what is decided on, a line each: tasks, a command and its rights, and whatever else.

    The result of a review stands in place of the beginning of it that the payload has; what Skep says of it
    has a label of its own, since a result may hold any words.
    """
    payload = told["payload"]
    if told["about_parts"]:
        yield "result is", told["about_length"]
        for part in told["about_parts"]:
            yield "(skep says)" if part["is_note"] else "result", part["text"]
        payload = {name: value for name, value in payload.items() if name not in {"output", "result"}}
    added = payload.get("subtasks") or payload.get("tasks") or ()
    for document in added if isinstance(added, list) else ():
        yield "would add", _document(document)
    yield from intent((payload.get("plan") or {}).get("intent"))
    if "argv" in payload and "rights" in payload:
        granted = {name: value for name, value in payload["rights"].items() if value}
        yield "rights", ", ".join(f"{name}={json.dumps(value)}" for name, value in granted.items())
        yield "variables", ", ".join(f"{name}={value}" for name, value in payload["environment"].items())
        yield "would run", "\n".join(json.dumps(word, ensure_ascii=False) for word in payload["argv"])
    for name, value in payload.items():
        is_told = name in _TOLD and isinstance(value, list | dict)
        if not is_told and name not in _BINDING and value not in (None, [], {}, ""):
            yield "about", f"{name}: {_plain(value)}"


def intent(told: dict[str, Any] | None) -> Iterator[tuple[str, str]]:
    """What every part of a split task is told of the whole."""
    for name, label in _INTENT.items():
        entries = (told or {}).get(name) or ()
        for entry in [entries] if isinstance(entries, str) else entries:
            yield label, entry


def _document(document: dict[str, Any]) -> str:
    """A task that would be added: its id and bounds, then its words, then whatever else it says."""
    after = f" (after {', '.join(document['depends_on'])})" if document.get("depends_on") else ""
    budget = f" ${document['max_budget']:.6f}" if isinstance(document.get("max_budget"), int | float) else ""
    words = str(document.get("prompt") or document.get("command") or "")
    shown = {"id", "depends_on", "max_budget", "prompt" if document.get("prompt") else "command"}
    rest = [f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in document.items()
            if name not in shown]  # fmt: skip
    return "\n".join([f"{document.get('id')}{after}{budget}", *([words] if words else []), *rest])


def _plain(value: Any) -> str:
    """A value of a payload for a person: a text as it is, a list or an object an entry a line."""
    if isinstance(value, list):
        return "".join(f"\n- {_inline(each)}" for each in value)
    if isinstance(value, dict):
        return "".join(f"\n- {name}: {_inline(each)}" for name, each in value.items())
    return _inline(value)


def _inline(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
