"""Judged results as examples of an evaluation set: the ask, the answer, what was thought of it, and by whom.

An attempt answers the words its task had when it ran, not those it was edited to since; so the text of that
time is taken. What nobody judged (``review: none``) is no example of anything.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any, Final, Literal

from clock import to_rfc3339
from commands.task_view import loads
from errors import NotFound
from redaction import clean_value
from settings import Home
from store.outputs import read_output
from store.plan_tree import words_of
from store.reading import Reader

Label = Literal["approved", "rejected"]
#: What an attempt became and the code of its task, where its result was judged and failed it.
_FAILED_REVIEW: Final = {("failed", "rejected"), ("failed", "timeout")}

#: Bytes of an answer that an example holds.
MOST_BYTES: Final = 1024 * 1024
_VERDICT: Final = {
    "verdict": "review_verdict",
    "confidence": "review_confidence",
    "issues": "review_issues",
    "critics": "review_critics",
}


def examples(home: Home, reader: Reader, label: Label | None = None) -> Iterator[dict[str, Any]]:
    """Every judged result, in the order of the tasks; only those of a label where one is given."""
    for row in reader.tasks():
        attempts = [each for each in reader.attempts(row["seq"]) if each["outcome"] is not None]
        if not attempts:
            continue
        history = [dict(event) | json.loads(event["data"]) for event in reader.events(task_id=row["id"])]
        for attempt in attempts:
            told = _example(home, reader, row, attempt, history)
            if told is not None and label in {None, told["label"]}:
                shown: dict[str, Any] = clean_value(told)
                yield shown


def _example(
    home: Home, reader: Reader, row: sqlite3.Row, attempt: sqlite3.Row, history: list[dict[str, Any]]
) -> dict[str, Any] | None:
    label = _label(row, attempt)
    since = _history_since(attempt, history)
    judged = next((each for each in since if each["event"] == "task.pending_review"), None)
    if judged is None or label is None or judged.get("reviewer") == "none":
        return None
    outcome = json.loads(attempt["outcome"])
    text, is_cut = _answer(home, outcome)
    doc = _doc_then(reader, row, since)
    decided = _decided(since, judged)
    return {
        "task_id": row["id"],
        "attempt": attempt["attempt"],
        "label": label,
        "mode": outcome["mode"],
        "prompt": words_of(doc),
        "expect": doc.get("expect"),
        "output": text,
        "output_cut": is_cut,
        "model": outcome.get("model"),
        "exit_code": outcome.get("exit_code"),
        **{name: judged.get(field) for name, field in _VERDICT.items()},
        "decided_by": decided.get("answered_by") or judged.get("reviewer"),
        "comment": decided.get("comment"),
        "usage": outcome.get("usage"),
        "cost_micros": outcome.get("cost_micros"),
        "ended_at": to_rfc3339(outcome["ended_at"]),
    }


def _label(row: sqlite3.Row, attempt: sqlite3.Row) -> Label | None:
    """How it was judged in the end; none where it was not, or waits for a person."""
    became = attempt["became"]
    if became == "approved":
        return "approved"
    return "rejected" if became == "rejected" or (became, row["code"]) in _FAILED_REVIEW else None


def _answer(home: Home, outcome: dict[str, Any]) -> tuple[str, bool]:
    ref = outcome.get("output_ref")
    if ref is None:
        return str(outcome.get("output") or ""), False
    try:
        data = read_output(home.outputs, ref, MOST_BYTES + 1)
    except (NotFound, OSError):
        return str(outcome.get("output") or ""), True
    text = data[:MOST_BYTES].decode("utf-8", errors="replace")
    return text, len(data) > MOST_BYTES or bool(outcome.get("output_cut"))


def _history_since(attempt: sqlite3.Row, history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What happened from the attempt's claim on: its lease is its own, its number may come again."""
    claims = (
        place
        for place, event in enumerate(history)
        if event["event"] == "task.in_progress" and event.get("lease") == attempt["lease"]
    )
    return history[next(claims, len(history)) :]


def _doc_then(reader: Reader, row: sqlite3.Row, since: list[dict[str, Any]]) -> dict[str, Any]:
    """The task's text when the attempt began: as many versions back as it was edited since."""
    edits = sum(event["event"] == "task.edited" for event in since)
    older = reader.one("get_version", task=row["seq"], version=row["version"] - edits) if edits else None
    doc: dict[str, Any] = loads((older or row)["doc"])
    return doc


def _decided(since: list[dict[str, Any]], judged: dict[str, Any]) -> dict[str, Any]:
    """The person's answer about a result that was left to one, empty where there is none."""
    for event in since:
        if event["seq"] > judged["seq"]:
            if event["event"] == "task.pending_review":
                break
            if event["event"] == "decision.answered" and event.get("kind") == "review":
                return event
    return {}
