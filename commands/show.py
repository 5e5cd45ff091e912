"""``skep show``: everything about one task."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import click

from clock import to_local_text
from commands import question_view, terminal, tool_receipt, tree
from commands.exits import FINE
from commands.place import Place, json_option, with_place
from commands.task_id import offer_ids
from commands.task_view import full
from errors import NotFound
from runtime_contract import MICROS_PER_DOLLAR
from store.budget_words import is_budget
from store.lost_runs import is_text_lost
from store.plan_tree import tree_of
from supervisor.presence import situation

#: Keys of a task that have lines of their own.
_TOLD: Final = frozenset({"id", "prompt", "command", "argv", "depends_on", "status", "raw"})


@click.command(
    help="""Tell everything about a task: what holds it, each attempt, and the way on.

    Example: skep show t-1

    The id of a question that `skep status` lists shows every word of what a yes would
    do, and after the answer what was answered.

    --tree shows a task that was split with its subtasks, and of each what was
    routed, judged, spent and earned."""
)
@click.argument("task_id", metavar="ID", shell_complete=offer_ids)
@click.option("--tree", "as_tree", is_flag=True, help="The task with its subtasks.")
@json_option
@with_place
def show(place: Place, task_id: str, as_tree: bool, as_json: bool) -> int:
    """Tell of one task."""
    with place.reader() as reader:
        row = reader.task(task_id)
        if row is None:
            asked = question_view.question(place.home, reader, task_id)
            return _show_question(asked, task_id, as_json=as_json)
        now = situation(place.home, reader)
        receipt = tool_receipt.receipt_in(reader.events(task_id=task_id))
        told = (
            full(reader, row, now)
            | {"route": receipt}
            | ({"tree": tree_of(reader, row, now)} if as_tree else {})
        )
        if told["decision"] is not None:
            told["decision"] |= question_view.question(place.home, reader, told["decision"]["id"]) or {}
    if as_json:
        terminal.print_json(told)
    elif as_tree:
        _print_tree(told["tree"])
    else:
        for label, text in lines(told):
            _print(label, text)
    return FINE


def _show_question(told: dict[str, Any] | None, name: str, *, as_json: bool) -> int:
    if told is None:
        raise NotFound(f"There is no task {name!r}; `skep list` shows those there are.", task_id=name)
    if as_json:
        terminal.print_json(told)
    else:
        for label, text in question_view.lines(told):
            _print(label, text)
    return FINE


def _print_tree(root: dict[str, Any]) -> None:
    for line in tree.lines_of(root):
        click.echo(line)
    for label, text in question_view.intent(root["intent"]):
        _print(label, text)


def _print(label: str, text: str) -> None:
    shown = terminal.clean_block(text).rstrip().replace("\n", "\n" + " " * 14)
    if label == "status":
        shown = terminal.styled_status(shown)
    click.echo(f"{label:<13} {shown}".rstrip())


def lines(task: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What a person is told, as label and text."""
    yield "task", task["id"]
    yield "status", task["status"]
    for label, name in (("waits for", "waiting_for"), ("reason", "reason"), ("result", "result_summary")):
        if task[name] is not None:
            yield label, str(task[name])
    settings = {key: value for key, value in task["task"].items() if key not in _TOLD}
    if is_text_lost(task["task"]):
        yield "asked for", "what it asked for was lost with the damaged database"
    else:
        yield "prompt" if task["mode"] == "llm" else "command", task["what"]
    if settings:
        yield (
            "with",
            ", ".join(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in settings.items()),
        )
    subtasks = {each["id"] for each in task["subtasks"]}
    if others := [each for each in task["depends_on"] if each["id"] not in subtasks]:
        yield "depends on", ", ".join(map(_parent, others))
    if task["parent"]:
        yield "part of", task["parent"]
    if task["subtasks"]:
        yield "subtasks", ", ".join(f"{each['id']} ({each['status']})" for each in task["subtasks"])
        yield from question_view.intent(task["intent"])
    if task["dependants"]:
        yield "needed by", ", ".join(task["dependants"])
    yield "came", f"{_local(task['created_at'])} from {task['source']}"
    yield from tool_receipt.lines(task["route"])
    for each in task["attempt_history"]:
        yield from _attempt(each)
    if task["checkpoint"] is not None:
        yield "kept", _kept(task["id"], task["checkpoint"])
    for each in task["earned"]:
        yield "earned", f"{each['tokens']} tokens for {each['identity_id']}"
    yield "events", f"{task['events']} (skep events {task['id']})"
    yield from _way_on(task)


def _parent(each: dict[str, Any]) -> str:
    return f"{each['id']} ({each['status'] or 'does not exist'})"


def _attempt(each: dict[str, Any]) -> Iterator[tuple[str, str]]:
    when = f"{_local(each['started_at'] or each['claimed_at'])} to {_local(each['ended_at'])}"
    yield f"attempt {each['attempt']}", f"{when} by {each['worker_id']}: {each['became'] or 'under way'}"
    if each["result"]:
        yield "", each["result"]
    if each["failure"]:
        yield "", f"{each['failure']['code']}: {each['failure']['message']}"
    if each["exit_code"] is not None:
        yield "", f"exit code {each['exit_code']}" + (" (time limit)" if each["timed_out"] else "")
    for check in each["checks"]:
        by = f" ({check['model']})" if check["model"] not in {None, "local"} else ""
        yield "", f"checked by {check['check']}{by}: {check['result'] or 'under way'}"
    if each["output_cut"]:
        told = f"output cut: {each['output_cut']:,} bytes were not kept"
        yield "", f"{told}, {each['output_bytes'] or 0:,} bytes were"
    for finding in each["findings"]:
        yield "", f"found: {finding}"
    if each["usage"]:
        yield "", _usage(each)


def _usage(each: dict[str, Any]) -> str:
    usage, cost = each["usage"], each["cost_micros"]
    price = "price unknown" if cost is None else f"${cost / MICROS_PER_DOLLAR:.6f}"
    tokens = f"{usage['prompt_tokens']} tokens read, {usage['completion_tokens']} written"
    return f"{each['model']}: {tokens} ({usage['source']}), {price}"


def _kept(task_id: str, checkpoint: dict[str, Any]) -> str:
    """What is kept of the workspace after the task."""
    reason = f"; {checkpoint['reason']}" if checkpoint["reason"] else ""
    if checkpoint["state"] == "made":
        return f"{checkpoint['paths']} changed files (skep rollback {task_id}){reason}"
    return f"nothing yet{reason}" if checkpoint["state"] == "due" else f"nothing{reason}"


def _way_on(task: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The commands that make sense now."""
    name = task["id"]
    if task["decision"] is not None:
        yield "asks", task["decision"]["question"]
        yield from question_view.about(task["decision"])
        if task["decision"]["deadline_at"] is not None:
            yield "deadline", question_view.deadline(task["decision"])
        if task["decision"]["outdated"] is not None:
            yield "approve", task["decision"]["outdated"]
            yield "way on", f"skep reject {name} --reason '...', or skep cancel {name}"
        else:
            yield "way on", question_view.ways(task["decision"])
    elif task["way_out"] is not None and task["status"] != "approved":
        yield "way on", task["way_out"]
    elif task["status"] in {"failed", "safety_blocked", "cancelled"}:
        correct = task["code"] in {"invalid_task", "duplicate_id"}
        yield "way on", f"skep edit {name}" if correct else f"skep retry {name}, or skep edit --retry {name}"
    elif is_budget(task["held_by"]):
        yield "way on", f"skep budget add AMOUNT --limit {task['held_by']}, or skep cancel {name}"
    elif task["status"] == "pending":
        yield "way on", f"skep edit {name}, or skep cancel {name}"
    if any(each["output_ref"] for each in task["attempt_history"]):
        yield "output", f"skep log {name}"
    elif task["status"] == "in_progress":
        yield "output", f"skep log -f {name}"


def _local(text: str | None) -> str:
    """A time of the JSON as a person reads it."""
    from datetime import datetime

    return "now" if text is None else to_local_text(datetime.fromisoformat(text).timestamp())
