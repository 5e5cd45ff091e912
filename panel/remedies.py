"""What a person can do about a task that did not end well, by the code of its end. Pure."""

from __future__ import annotations

from typing import Any, Final

_OF_CODE: Final = {
    "exit_code": "Look at the end of its output. Mend what it names, then retry; or add an edited copy.",
    "timed_out": "Give it more time (timeout_s) in an edited copy, or have it do less.",
    "timeout": "Give it more time (timeout_ms) in a fork of the run, or have it do less.",
    "model_timeout": "Retry; or give an edited copy more time (timeout_s) or fewer tokens (max_tokens).",
    "rejected": "Read what the critics found, then add a copy that says it more clearly, or retry.",
    "dependency_failed": "Mend and retry the task it waited for; this one comes back with it.",
    "not_reached": "Give it more rounds (most) or ask for less (until) in a fork of the run; a resumed run "
    "asks the last round once more.",
    "subtask_failed": "Retry the part that failed; this one comes back with it.",
    "plan_ended": "It was part of a task that has ended. Retry that one, or add a copy of this.",
    "dependency_cycle": "Take an id of the circle out of depends_on of one of them with skep edit "
    "--retry, then retry the others.",
    "invalid_task": "Correct what it names below; it enters the queue as soon as it keeps the contract.",
    "duplicate_id": "Give it an id of its own below.",
    "lost": "Its run cannot go on: what it asked for is lost. Start the run anew, under another id and "
    "idempotency key.",
    "cancelled": "Nothing is wrong. Retry it where you have changed your mind.",
    "not_allowed": "Ask for less in an edited copy, or let the rule it names allow it, and retry.",
    "safety_blocked": "Ask for less in an edited copy, or let the rule it names allow it, and retry.",
    "worker_lost": "Look at what ended the process (memory, disk, a signal), then retry.",
    "interrupted": "What it did before it was cut off is not known. Look, then retry.",
    "not_agreed": "A person said no to what it wanted to run. Change that in an edited copy.",
    "decision_expired": "Nobody answered in time. Retry; or let questions wait longer (decision_deadline_s).",
    "program_missing": "Install the program or correct its name, then retry.",
    "not_started": "The machine would not start it. Look at what it says, then retry.",
    "disk_limit": "Have it write less, or raise sandbox_disk_bytes, then retry.",
    "model_unreachable": "Start the model server, or name another model, then retry.",
    "model_busy": "The model's server had no room. Retry later, or name another model.",
    "model_failed": "The model's server failed. Retry, or name another model.",
    "model_refused": "The model's server refused the request. Look at what it says; change the copy or the "
    "settings.",
    "no_model": "Name a model in the settings (skep doctor says how), then retry.",
}
_OF_OTHERS: Final = "Look at the newest lines of the timeline, mend what they name, and retry."
_BLOCKED: Final = _OF_CODE["safety_blocked"]


def remedy_of(task: dict[str, Any]) -> str:
    """What to do about a task that ended badly; empty where nothing is known, or nothing is wrong."""
    if task["status"] == "safety_blocked":
        return _BLOCKED
    if task["status"] not in {"failed", "cancelled"}:
        return ""
    return _OF_CODE.get(
        task["code"] or "", "Look at the last lines of the timeline, mend what they name, and retry."
    )
