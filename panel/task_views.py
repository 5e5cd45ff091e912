"""Tasks as the panel shows them: one shape for the page and for the API."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any, Final

from attempts import AttemptPolicy
from clock import to_rfc3339
from panel.context import Panel
from panel.words import last_line, one_line
from redaction import clean, clean_start, clean_value
from run_contract import asking
from runtime_contract import ENDED, Status
from store import agreements, budgets, deadlines, lost_runs, plan_review, proposals, shown_text, waiting
from store.answering import FINAL, tries_left, why_outdated
from store.reading import Reader, event_of
from store.records import STATUS_OF_STATE
from store.steering import RETRIABLE
from store.subtasks import own_words
from supervisor.presence import situation

#: Events of one task that are told at once; the rest by `after`.
MOST_EVENTS: Final = 500
#: Characters of what a task printed that are told with it; all of it is under its `output_ref`.
MOST_OUTPUT: Final = 4_000
#: Characters of a plan that are shown with the question about it.
MOST_ABOUT_CHARS: Final = 100_000
#: A task that broke the contract is mended where it was written, not tried again; nor is one that was lost.
_NOT_RETRIED: Final = frozenset({"invalid_task", "duplicate_id", lost_runs.LOST})


def page_of(here: Panel, rows: Sequence[sqlite3.Row]) -> list[dict[str, Any]]:
    """Tasks in short, in the order of their rows."""
    now = situation(here.home, here.reader)
    return [summary(here, row, now) for row in rows]


def summary(here: Panel, row: sqlite3.Row, now: waiting.Situation) -> dict[str, Any]:
    """A task in short, without secrets."""
    reader = here.reader
    doc = json.loads(row["doc"])
    may_ask = row["state"] == "review" or row["held_by"] is not None
    decision = reader.one("open_decision_of", id=row["id"]) if may_ask else None
    parents = reader.all("parents_of", child=row["seq"]) if row["state"] == "blocked" else []
    result = json.loads(row["result"]) if row["result"] else {}
    told = {
        "id": row["id"],
        "seq": row["seq"],
        "status": STATUS_OF_STATE[row["state"]].value,
        "waiting_for": waiting.waiting_for(row, parents, decision, now),
        "attempts": row["attempts"],
        "priority": row["priority"],
        "mode": _mode(doc),
        "is_recurring": bool(doc.get("every")),
        "tags": _tags(doc),
        "cost_micros": _cost(reader, row),
        "title": one_line(clean_start(_work(doc), MOST_OUTPUT)),
        "created": to_rfc3339(row["created"]),
        "started": _moment(row["started"]),
        "finished": _moment(row["finished"]),
        "source": row["source"],
        "code": row["code"],
        "reason": row["reason"],
        "result": result.get("result") or None,
        "output": clean_start(str(result.get("output") or result.get("result") or ""), MOST_OUTPUT),
        "decision": None if decision is None else _decision(here, decision, row),
        "actions": actions_of(row, decision),
    }
    shown: dict[str, Any] = clean_value(told)
    return shown


def _decision(here: Panel, decision: sqlite3.Row, task: sqlite3.Row) -> dict[str, Any]:
    return decision_of(decision, here.clock.now(), task, here.settings.attempt_policy)


def detail(here: Panel, row: sqlite3.Row, after: int = 0) -> dict[str, Any]:
    """A task with everything that is known of it; its events from a place on."""
    reader = here.reader
    events = reader.all("events_of", task_id=row["id"], after=after, limit=MOST_EVENTS + 1)
    told = [event_of(event) for event in events[:MOST_EVENTS]]
    more: dict[str, Any] = {
        "task": json.loads(row["doc"]),
        "version": row["version"],
        "feedback": json.loads(row["feedback"]) if row["feedback"] else [],
        "outcome": json.loads(row["result"]) if row["result"] else None,
        "attempt_list": [_attempt(attempt) for attempt in reader.attempts(row["seq"])],
        "events": told,
        "events_next": told[-1]["seq"] if len(events) > MOST_EVENTS else None,
    }
    shown: dict[str, Any] = clean_value(more)
    return summary(here, row, situation(here.home, reader)) | shown


def actions_of(row: sqlite3.Row, decision: sqlite3.Row | None) -> list[str]:
    """What a person may do to the task now."""
    status = STATUS_OF_STATE[row["state"]]
    actions = ["approve", "reject"] if decision is not None else []
    if status not in ENDED and not row["cancel_requested"]:
        actions.append("cancel")
    if status in RETRIABLE and row["code"] not in _NOT_RETRIED:
        actions.append("retry")
    return actions


def remark_of(task: dict[str, Any]) -> str:
    """The line that says why a task waits, or what came of it."""
    if task["status"] == Status.APPROVED:
        return last_line(task["result"] or task["reason"] or "")
    if task["waiting_for"]:
        return one_line(task["waiting_for"])
    return last_line(task["reason"] or task["result"] or "")


def decision_of(
    row: sqlite3.Row, now: float, task: sqlite3.Row | None = None, policy: AttemptPolicy | None = None
) -> dict[str, Any]:
    """A question to a person at a time, in Unix seconds, and the task it is about.

    By `policy` it is told how often that may be tried again.
    """
    outdated = None if task is None else why_outdated(task, row)
    left = None
    if row["kind"] == "review" and task is not None and policy is not None:
        left = tries_left(task, policy, row)
    about = clean(outdated or _about(row))
    return shown_text.told(about) | {
        "id": row["id"],
        "task_id": row["task_id"],
        "kind": row["kind"],
        "tries_left": left,
        "question": clean(row["question"]),
        "options": json.loads(row["options"]) + ([FINAL] if left else []),
        "about": about,
        "digest": row["digest"],
        "deadline": _moment(row["deadline"]),
        "is_past": row["deadline"] is not None and row["deadline"] <= now,
        "is_overdue": row["rank"] == 0,
        "fails_at_deadline": deadlines.ends_task(row["kind"]),
    }


def _about(row: sqlite3.Row) -> str:
    """What is decided on, where the question does not hold it all; the command last, an argument a line."""
    payload = json.loads(row["payload"])
    if row["kind"] in {plan_review.KIND, proposals.KIND}:
        return _planned(payload.get("subtasks") or payload.get("tasks") or [])
    if row["kind"] == asking.KIND:
        return str(payload["question"])
    if row["kind"] == "removal":
        return "\n".join(map(str, payload["ids"]))
    if row["kind"] != agreements.KIND:
        return ""
    rights = [f"{name}: {json.dumps(value)}" for name, value in payload["rights"].items() if value]
    variables = [f"{name}={value}" for name, value in payload["environment"].items()]
    words = [json.dumps(word, ensure_ascii=False) for word in payload["argv"]]
    return "\n".join([*rights, "", *variables, "", *words])


def _planned(documents: list[dict[str, Any]]) -> str:
    """The tasks that a yes enters; what all of them share stands once, before them."""
    prompts = [str(document.get("prompt") or "") for document in documents]
    shared = {prompt.removesuffix(own_words(prompt)).strip() for prompt in prompts}
    lines = [*shared, ""] if len(shared) == 1 and shared != {""} else []
    for document, prompt in zip(documents, prompts, strict=True):
        after = f" (after {', '.join(document['depends_on'])})" if document.get("depends_on") else ""
        budget = f" ${document['max_budget']:.6f}" if "max_budget" in document else ""
        lines += [f"{document['id']}{after}{budget}", own_words(prompt) if len(shared) == 1 else prompt, ""]
    text = "\n".join(lines).strip()
    cut = len(text) - MOST_ABOUT_CHARS
    return text if cut <= 0 else f"{text[:MOST_ABOUT_CHARS]}\n[{cut:,} more characters: skep status --json]"


def _attempt(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "attempt": row["attempt"],
        "lease": row["lease"],
        "worker_id": row["worker_id"],
        "claimed": _moment(row["claimed"]),
        "started": _moment(row["started"]),
        "ended": _moment(row["ended"]),
        "became": row["became"],
        "outcome": json.loads(row["outcome"]) if row["outcome"] else None,
        "findings": json.loads(row["findings"]) if row["findings"] else [],
    }


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else to_rfc3339(seconds)


def _cost(reader: Reader, row: sqlite3.Row) -> int:
    """Micro-dollars that the task's calls have cost so far; lists have it in the row."""
    if "spent" in row.keys():  # noqa: SIM118  of a row, `in` looks at the values
        return int(row["spent"])
    return budgets.balance_of(reader, budgets.Account("task", row["id"])).spent


def _tags(doc: dict[str, Any]) -> list[str]:
    tags = doc.get("tags")
    return [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []


def _mode(doc: dict[str, Any]) -> str | None:
    if lost_runs.is_text_lost(doc):
        return None
    if "raw" in doc and not doc.keys() & {"prompt", "command", "argv", "profile"}:
        return None  # broke the contract; what it was meant to be is not known
    is_local = any(doc.get(name) for name in ("command", "argv", "profile"))
    return str(doc.get("mode") or ("local" if is_local else "llm"))


def _work(doc: dict[str, Any]) -> str:
    """The words of the task: its prompt, its command, or what was written in its place."""
    argv = doc.get("argv")
    if isinstance(argv, list) and argv:
        return " ".join(map(str, argv))
    return str(doc.get("command") or doc.get("prompt") or doc.get("raw") or "")
