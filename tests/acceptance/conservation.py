"""What must hold after any crash, whatever was killed and when."""

from __future__ import annotations

import collections
from datetime import datetime
from typing import Any

from runtime_contract import ENDED
from testing.running_daemon import RunningDaemon

ENDS = {status.value for status in ENDED}
END_EVENTS = {f"task.{status}" for status in ENDS}


def is_settled(task: dict[str, Any]) -> bool:
    """Whether a task has its end, or visibly waits for a person."""
    return task["status"] in ENDS or (
        task["status"] == "pending_review" and "a person" in (task["waiting_for"] or "")
    )


def settled(daemon: RunningDaemon, ids: list[str]) -> dict[str, Any]:
    """Wait until all of these are settled; all tasks."""
    return daemon.wait_until(
        lambda tasks: all(name in tasks and is_settled(tasks[name]) for name in ids), "every task settled"
    )


def check_nothing_is_lost(daemon: RunningDaemon, ids: list[str]) -> dict[str, list[dict[str, Any]]]:
    """One end each, no gap in the history, the log whole; the events by task."""
    events = daemon.events()
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    of_task: dict[str, list[dict[str, Any]]] = collections.defaultdict(list)
    for event in events:
        if event["task_id"]:
            of_task[event["task_id"]].append(event)
    tasks = daemon.tasks()
    for name in ids:
        ends = [event["event"] for event in of_task[name] if event["event"] in END_EVENTS]
        assert is_settled(tasks[name]), (name, tasks[name])
        assert len(ends) == (1 if tasks[name]["status"] in ENDS else 0), (name, ends)
        assert [event["event"] for event in of_task[name]].count("task.queued") == 1, name
    verified = daemon.skep("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    return of_task


def check_nothing_finished_ran_again(events: list[dict[str, Any]], times: list[float]) -> None:
    """Executions seen from outside: none after the result was recorded, none without its own attempt."""
    claims = [event for event in events if event["event"] == "task.in_progress"]
    assert len(times) <= len(claims), (len(times), [event["event"] for event in events])
    for event in events:
        if event["event"] in {"task.approved", "task.completed"}:
            done = datetime.fromisoformat(event["ts"]).timestamp()
            assert all(moment <= done for moment in times), (event, times)
