"""How a run stands, in one plain sentence. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from money import dollars_text
from panel.health import START
from panel.run_words import ASKS, PENDING_REVIEW
from panel.words import count_of, one_line
from store import lost_runs


def health_of(
    run: Mapping[str, Any],
    counts: Mapping[str, int],
    questions: int,
    *,
    worker_runs: bool,
    stopping: str | None = None,
) -> dict[str, str]:
    """How a run stands: a stable word as `kind`, the sentence, and what else there is to know as `detail`.

    Parameters:
        counts: how many of its tasks are in each state.
        questions: how many of its questions wait for a person.
        stopping: why it comes to an end while tasks of it run still.
    """
    done = f"{counts['completed']:,} of {run['task_count']:,} completed"
    if run["state"] == "aborting":
        return _told("held", f"Aborting: {done}.", "It is aborted when what runs has ended.")
    if run["state"] != "running":
        return _of_end(run, counts, done)
    if stopping is not None:
        return _told(
            "stopped", f"Failing: {done}.", f"It fails when what runs has ended: {one_line(stopping)}"
        )
    if not worker_runs:
        return _told("stopped", f"Stopped: no worker runs, {done}.", START)
    return _of_work(run, counts, questions, done)


def _of_work(run: Mapping[str, Any], counts: Mapping[str, int], questions: int, done: str) -> dict[str, str]:
    running, left = counts["running"], counts["pending"] + counts["ready"]
    judged, asking = counts[PENDING_REVIEW], counts[ASKS]
    in_review = f"{judged:,} pending review, " if judged else ""
    asks = f"{asking:,} {'asks' if asking == 1 else 'ask'} you, " if asking else ""
    moving = f"{running:,} running, {in_review}{asks}{left:,} waiting"
    if questions:
        needs = "question waits" if questions == 1 else "questions wait"
        return _told("asks", f"{questions:,} {needs} for you, {done}.", f"{moving}.")
    if running or judged:
        return _told("working", f"Working: {done}.", f"{moving}.")
    if left:
        return _told("waiting", f"Waiting: {done}.", f"{moving}; beside each task stands what holds it.")
    if run["is_open"]:
        return _told("waiting", f"Open: {done}.", "It waits for more tasks, until it is closed.")
    return _told("working", f"Working: {done}.", "")


def _of_end(run: Mapping[str, Any], counts: Mapping[str, int], done: str) -> dict[str, str]:
    spent = dollars_text(run["cost_micros"])
    if run["is_lost"]:
        done = f"of which {counts['completed']:,} completed"
        ended = f"It had {count_of(run['task_count'], 'task')}, {done}, and cost {spent}."
        return _told("stopped", f"{run['state'].capitalize()}, and lost: {lost_runs.TOLD}.", ended)
    if run["state"] == "completed":
        skipped = f", {count_of(counts['skipped'], 'task')} skipped" if counts["skipped"] else ""
        return _told("done", f"Completed: {done}{skipped}, for {spent}.", "")
    error = run["error"] or {"code": run["state"], "message": ""}
    words = one_line(error["message"] or error["code"].replace("_", " "))
    kind, how = ("stopped", "Failed") if run["state"] == "failed" else ("held", "Aborted")
    back = "Resume sends back what did not complete; what completed is not done again."
    if run.get("lost_tasks"):
        back = (
            f"{count_of(run['lost_tasks'], 'task')} of it cannot be done any more, with or without a resume."
        )
    return _told(kind, f"{how}: {words}", f"{done}, for {spent}. {back}")


def _told(kind: str, sentence: str, detail: str) -> dict[str, str]:
    return {"kind": kind, "sentence": sentence, "detail": detail}
