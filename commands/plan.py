"""``skep plan``: what an ask would be split into, before anything is queued."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any, Final

import click

from commands import plan_directory, terminal
from commands.dashed_text import TextCommand
from commands.exits import FINE
from commands.place import Place, json_option, with_place
from planning.plan import Decision, PlanRules, consider
from planning.subtasks import Subtasks, id_candidates, make_subtasks
from runtime_contract import MICROS_PER_DOLLAR, Task, dollars_to_micros, normalize_task
from store.task_file import STDIN

WORDS_SHOWN: Final = 60  # characters of a subtask's own words
_INTENT: Final = {
    "goal": "goal",
    "constraints": "constraint",
    "must_nots": "must not",
    "acceptance": "accepted when",
}


@click.command(
    cls=TextCommand,
    help="""Show what PROMPT (- reads standard input) would be split into: its score, its subtasks with what
    each waits for, and the intent that all of them are told. Nothing is queued, and
    neither a home nor a daemon is needed.

    Example: skep plan "Research bees, then write a summary and a poem from it"

    A task's own wish counts: with --decompose always the score does not.

    --dir shows the tasks that the files of a directory ask for: open boxes, plans,
    TODO comments, issues. With --add they are queued after that; a task that is in
    the queue already is left as it is.

    Example: skep plan --dir . --add""",
)
@click.argument("prompt", metavar="[PROMPT]", required=False)
@click.option(
    "--dir",
    "directory",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Read the files of this directory instead of a prompt.",
)
@click.option("--add", "wants_add", is_flag=True, help="Queue what --dir found, after it is shown.")
@click.option("--yes", "says_yes", is_flag=True, help="Add without asking.")
@click.option("--id", "task_id", metavar="ID", default="task", help="The id the task would have.")
@click.option(
    "--decompose", type=click.Choice(["auto", "always", "never"]), default="auto", help="The task's wish."
)
@click.option("--max-budget", type=float, metavar="DOLLARS", help="The budget to be shared.")
@json_option
@with_place
def plan(place: Place, /, prompt: str | None, directory: Path | None, as_json: bool, **options: Any) -> int:
    """Show a plan."""
    if (prompt is None) == (directory is None):
        raise click.UsageError('Give one thing to plan: "a prompt", - for standard input, or --dir PATH.')
    max_budget: float | None = options["max_budget"]
    if max_budget is not None and not math.isfinite(max_budget):
        raise click.UsageError(f"--max-budget must be a number, got {max_budget}.")
    if directory is not None:
        return _plan_directory(place, directory, max_budget, options, as_json=as_json)
    if options["wants_add"]:
        raise click.UsageError("--add queues what --dir found; a prompt is queued by `skep add`.")
    return _plan_prompt(place, prompt or "", options["task_id"], options["decompose"], max_budget, as_json)


def _plan_directory(
    place: Place, directory: Path, max_budget: float | None, options: dict[str, Any], *, as_json: bool
) -> int:
    plan_directory.check_may_ask(options["wants_add"], options["says_yes"])
    project = plan_directory.read(directory, max_budget)
    told: dict[str, Any] = {
        "tasks": project.documents,
        "places": project.places,
        "left_out": project.left_out,
    }
    if not as_json:
        plan_directory.tell(project, directory)
    wanted = options["wants_add"] and project.documents
    if wanted and (options["says_yes"] or click.confirm("Add them to the queue?", err=True)):
        added = plan_directory.add(place, project)
        told["added"] = added.to_json()
        for each in added.refused:
            terminal.note(f"skep plan: {each.where}: {each.reason}")
        terminal.note(f"{len(added.ids):,} added, {len(added.refused):,} left as they are")
    if as_json:
        terminal.print_json(told)
    return FINE


def _plan_prompt(
    place: Place, prompt: str, task_id: str, decompose: str, max_budget: float | None, as_json: bool
) -> int:
    raw: dict[str, Any] = {"id": task_id, "decompose": decompose, "prompt": _words(prompt)}
    if max_budget is not None:
        raw["max_budget"] = max_budget
    task, _ = normalize_task(raw, place.settings.limits)
    rules = PlanRules.of_settings(place.settings)
    decision = consider(task, rules)
    if as_json:
        terminal.print_json(_to_json(task, decision, rules))
    else:
        _tell(task, decision, rules)
    return FINE


def _words(prompt: str) -> str:
    return sys.stdin.read() if prompt == STDIN else prompt


def _subtasks(task: Task, decision: Decision, rules: PlanRules) -> Subtasks:
    if decision.split is None:
        return Subtasks((), None)
    ids = next(id_candidates(task.id, len(decision.split.parts)))
    return make_subtasks(task, decision.split, ids, may_split=rules.plan_max_depth > 1)


def _to_json(task: Task, decision: Decision, rules: PlanRules) -> dict[str, Any]:
    subtasks = _subtasks(task, decision, rules)
    budget = subtasks.synthesis_budget
    return {
        "split": decision.split is not None,
        "reason": decision.reason,
        "score": decision.check.score,
        "threshold": rules.plan_threshold,
        "reasons": list(decision.check.reasons),
        "features": list(decision.check.features),
        "subtasks": [{"depends_on": []} | document for document in subtasks.documents],
        "synthesis_budget": None if budget is None else budget / MICROS_PER_DOLLAR,
        "intent": None if decision.intent is None else decision.intent.as_json(),
    }


def _tell(task: Task, decision: Decision, rules: PlanRules) -> None:
    check = decision.check
    told = ", ".join(check.reasons)
    if decision.split is None or decision.intent is None:
        score = f" (score {check.score}: {told})" if told else ""
        click.echo(terminal.clean(f"{task.id} runs as one: {decision.reason}{score}."))
        return
    subtasks = _subtasks(task, decision, rules)
    click.echo(terminal.clean(f"{task.id} is split; score {check.score} of {rules.plan_threshold}: {told}"))
    for document, part in zip(subtasks.documents, decision.split.parts, strict=True):
        after = document.get("depends_on")
        notes = [f"after {', '.join(after)}"] if after else []
        if "max_budget" in document:
            notes.append(_dollars(dollars_to_micros(document["max_budget"])))
        _print_branch(document["id"], terminal.shorten(part.text, WORDS_SHOWN), notes, is_last=False)
    budget = subtasks.synthesis_budget
    _print_branch(
        task.id, "puts their answers together", [] if budget is None else [_dollars(budget)], is_last=True
    )
    _tell_intent(decision.intent.as_json())


def _print_branch(name: str, words: str, notes: list[str], *, is_last: bool) -> None:
    told = f"  ({'; '.join(notes)})" if notes else ""
    click.echo(terminal.clean(f"{'└' if is_last else '├'}─ {name}  {words}{told}"))


def _tell_intent(intent: dict[str, Any]) -> None:
    click.echo()
    for name, label in _INTENT.items():
        entries = [intent[name]] if isinstance(intent[name], str) else intent[name]
        for entry in entries:
            click.echo(f"{label:<13} {terminal.clean(entry)}")


def _dollars(micros: int) -> str:
    return f"${micros / MICROS_PER_DOLLAR:.6f}"
