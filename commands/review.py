"""``skep review``: how often people agree with the critics, and results as an evaluation set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from clock import to_rfc3339
from commands import question_view, terminal
from commands.evaluation import Label, examples
from commands.exits import FINE
from commands.place import Place, json_option, with_place
from commands.task_view import moment
from commands.writing import write_lines
from review.agreement import agreements
from store.reading import Reader


@click.command(
    help="""Tell which results wait for your judgement, and until when; every question that is
    overdue; and how often people agreed with each critic where both judged.

    `export` prints approved and rejected results as JSON lines, an evaluation set: the
    ask, the answer, what each critic said, and who decided. Secrets are taken out.

    Example: skep review export --out results.jsonl"""
)
@click.argument("action", type=click.Choice(["export"]), required=False)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="export: into this file.")
@click.option(
    "--label", type=click.Choice(["approved", "rejected"]), help="export: only these; default both."
)
@json_option
@with_place
def review(place: Place, action: str | None, out: Path | None, label: Label | None, as_json: bool) -> int:
    """Tell how reviews stand, or export results."""
    if action is None:
        if out is not None or label is not None:
            raise click.UsageError("--out and --label are for `skep review export`.")
        with place.reader() as reader:
            _tell(situation(reader), as_json=as_json)
        return FINE
    return _export(place, out, label, as_json=as_json)


def situation(reader: Reader) -> dict[str, Any]:
    """What waits for a person, and the figures of every critic."""
    waiting = [row for row in reader.decisions() if row["kind"] == "review" or row["rank"] == 0]
    judged = [
        (json.loads(row["critics"] or "[]"), row["answer"] == "approve")
        for row in reader.all("reviewed_by_people")
    ]
    return {
        "waiting": [
            {
                "task_id": row["task_id"],
                "kind": row["kind"],
                "question": row["question"],
                "asked_at": to_rfc3339(row["asked"]),
                "deadline_at": moment(row["deadline"]),
                "is_overdue": row["rank"] == 0,
            }
            for row in waiting
        ],
        "judged_by_people": len(judged),
        "agreement": [each.as_json() for each in agreements(judged)],
    }


def _tell(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        terminal.print_json(told)
        return
    for each in told["waiting"]:
        click.echo(f"waits: {terminal.shorten(each['question'], 400)}")
        if each["deadline_at"] is not None:
            click.echo(f"       {question_view.deadline(each)}")
    if not told["waiting"]:
        click.echo("No result waits for your judgement.")
    if not told["agreement"]:
        click.echo("No result was judged by both critics and a person yet.")
        return
    columns = ("critic", "agreement", "judged by both", "too mild", "left to a person", "of these approved")
    terminal.print_table(columns, [_row(each) for each in told["agreement"]])


def _row(each: dict[str, Any]) -> list[str]:
    share, left = each["agreement"], each["open_approved"] + each["open_rejected"]
    figures = (each["judged"], each["too_mild"], left, each["open_approved"])
    return [each["critic"], "" if share is None else f"{share:.0%}", *map(str, figures)]


def _export(place: Place, out: Path | None, label: Label | None, *, as_json: bool) -> int:
    with place.reader() as reader:
        found = examples(place.home, reader, label)
        count = write_lines(out, (terminal.to_json(each, indent=None) for each in found))
    if out is not None:
        if as_json:
            terminal.print_json({"file": str(out), "examples": count})
        else:
            click.echo(terminal.clean(f"{count} results are in {out}."))
    return FINE
