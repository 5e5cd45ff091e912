"""``skep run show``: one run of the daemon with its tasks, what each used and what holds it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import click

from commands import terminal
from commands.exits import FAILED, FINE, WAITS
from commands.place import Place, json_option, with_place
from errors import NotFound
from money import dollars_text
from redaction import clean
from store import lost_runs


@click.command(
    help="""Show a run: its tasks, what each used, what it waits for or how it ended.

    Exit code 0: the run completed. 1: it failed or was aborted. 75: it goes on.

    Example: skep run show newsletter-3f9a21c0 --answers"""
)
@click.argument("run_id", metavar="RUN")
@click.option("--answers", is_flag=True, help="Print every answer, not only its first line.")
@click.option("--context", is_flag=True, help="Print what each task was told of others and of memory.")
@click.option("--text", metavar="HASH", help="Print a text that --context names, and nothing else.")
@json_option
@with_place
def show(place: Place, run_id: str, answers: bool, context: bool, text: str | None, as_json: bool) -> int:
    """Show a run."""
    from commands.run_house import run_row
    from runs import views

    with place.reader() as reader:
        row = run_row(reader, run_id)
        told = views.whole(reader, row)
    if text is not None:
        memory = json.loads(row["memory"])
        click.echo(terminal.clean_block(clean(_text(place, told, memory, text))))
        return FINE
    if as_json:
        terminal.print_json(told)
    else:
        tell(told, answers=answers, context=context)
    return code_of(told["state"])


def code_of(state: str) -> int:
    """The exit code for a run in this state."""
    return {"completed": FINE, "running": WAITS, "aborting": WAITS}.get(state, FAILED)


def tell(run: dict[str, Any], *, answers: bool, context: bool) -> None:
    """Print a run for a person."""
    columns = ("task", "state", "attempts", "tokens", "cost", "waits for, or what came of it")
    rows = [
        (name, task["state"], str(task["attempts"]), f"{task['usage']['tokens']:,}",
         dollars_text(task["usage"]["cost_micros"]), terminal.shorten(words_of(task), 100))
        for name, task in run["tasks"].items()
    ]  # fmt: skip
    terminal.print_table(columns, rows)
    for name, task in run["tasks"].items():
        if answers and task.get("output") is not None:
            again = f" (done again: its answer is that of {task['answer_of']})" if "answer_of" in task else ""
            click.echo(f"\n== {terminal.clean(name + again)}\n{terminal.clean_block(task['output'])}")
        if context and task.get("context"):
            click.echo(terminal.clean(f"{name} was told: {_told(task['context'])}"))
            for each in [*task["context"]["told"], *task["context"].get("dropped", ())]:
                click.echo(terminal.clean(f"  {each['task']}: {each['output_ref'] or 'not kept'}"))
    if run["is_lost"]:
        click.echo(f"{lost_runs.LOST}: {lost_runs.TOLD}")
    elif run["error"] is not None:
        click.echo(terminal.clean(f"{run['error']['code']}: {run['error']['message']}"))
    click.echo(headline(run))


def headline(run: dict[str, Any]) -> str:
    """A run in a line."""
    done = sum(task["state"] == "completed" for task in run["tasks"].values())
    if run["is_lost"]:
        spent = f"{done} of them completed, {dollars_text(run['cost_micros'])}"
        return terminal.clean(f"{run['id']} {run['state']}: lost with its {run['task_count']} tasks, {spent}")
    of = "" if run["budget_micros"] is None else f" of {dollars_text(run['budget_micros'])}"
    spent = f"{run['usage']['tokens']:,} tokens, {dollars_text(run['cost_micros'])}{of}"
    return terminal.clean(f"{run['id']} {run['state']}: {done} of {len(run['tasks'])} completed, {spent}")


def words_of(task: dict[str, Any]) -> str:
    """What a task waits for, or what came of it."""
    if task.get("waiting_for"):
        return f"waiting for: {task['waiting_for']}"
    if task.get("error"):
        return f"{task['error']['code']}: {task['error']['message']}"
    lines = str(task.get("output") or "").strip().splitlines()
    if task.get("answer_of"):
        return f"(done again: its answer is that of {task['answer_of']}) " + (lines[0] if lines else "")
    source = f"(answer of {task['reused_from']}) " if task.get("reused_from") else ""
    return source + (lines[0] if lines else "")


def _text(place: Place, run: dict[str, Any], memory: dict[str, str], ref: str) -> str:
    """A text that a task of a run was told, or that was left out, by its hash. Raises `NotFound`."""
    from store.outputs import read_output

    ledgers = [task["context"] for task in run["tasks"].values() if task.get("context")]
    known = {each["output_ref"] for one in ledgers for each in [*one["told"], *one.get("dropped", ())]}
    if ref not in known:
        raise NotFound(f"No task of {run['id']} was told a text of that hash; --context names them.")
    try:
        return read_output(place.home.outputs, ref).decode("utf-8", errors="replace")
    except NotFound:
        # short answers stand with their tasks, and memory with its run
        answers = [str(task.get("output") or "") for task in run["tasks"].values()]
        for each in [*answers, *memory.values()]:
            if hashlib.sha256(each.encode("utf-8", "surrogatepass")).hexdigest() == ref:
                return each
        raise


def _told(ledger: dict[str, Any]) -> str:
    parts = [f"{each['task']} ({each['tokens']:,} tokens)" for each in ledger["told"]]
    left = [f"{each['task']} ({each['tokens']:,} tokens)" for each in ledger.get("dropped", ())]
    told = ", ".join(parts) or "nothing"
    return f"{told}; left out by {ledger['strategy']}: {', '.join(left)}" if left else told
