"""``skep run local``: a workflow run here and now, without a daemon, to see what it does."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from commands import terminal
from commands.exits import FAILED, FINE, INTERRUPTED
from commands.place import Place, json_option, with_place

if TYPE_CHECKING:
    from run_contract.records import Run
    from runs.control import RunControl


@click.command(
    help="""Run a workflow here and now, without a daemon, and show what every step does. It is for
    working on a workflow: nothing is queued, reviewed or kept, and a run that is
    interrupted is gone.

    With --executor mock nobody is asked; answers are made up from the prompts, so that
    order, references, context and estimates can be looked at. With --executor llm the
    home's model is asked; every call passes the safety gateway and is paid from the
    home's budgets.

    Exit code 0: the run completed. 1: it failed. 130: it was interrupted.

    Example: skep run local examples/workflows/compare.yaml --executor mock"""
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--executor", type=click.Choice(["mock", "llm"]), required=True, help="Who does the work of a step."
)
@click.option("--input", "inputs", multiple=True, metavar="NAME=TEXT", help="Give an input; @FILE reads one.")
@click.option("--policy", metavar="NAME", help="A policy of config/policies.toml, instead of the file's.")
@click.option("--run-id", metavar="ID", help="The id of the run; default the name and something new.")
@click.option("--step", "by_step", is_flag=True, help="Ask before each step, with its prompt and price.")
@click.option(
    "--events",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write each event there as a line of JSON.",
)
@click.option(
    "--answer",
    "given",
    multiple=True,
    metavar="ID=TEXT",
    help="Answer the question that a step asks a person.",
)
@click.option("--answers", is_flag=True, help="Print every answer whole, not only its first line.")
@json_option
@with_place
def local(place: Place, /, file: Path, executor: str, by_step: bool, as_json: bool, **options: Any) -> int:
    """Run a workflow."""
    from commands import run_person, run_setup, run_view

    if by_step and (as_json or not terminal.is_terminal()):
        raise click.UsageError("--step asks on a terminal; it cannot be used with --json or in a pipe.")
    run = run_setup.read_run(place, file, options["inputs"], options["policy"], options["run_id"])
    asks = any(task.choices is not None for _, task in run_person.named_tasks(run))
    watch = run_view.watch_of(run, wanted=not as_json and not by_step and not asks)
    with (
        run_setup.noted(options["events"], watch.listen) as listen,
        run_setup.opened(place, executor, run, listen, by_step=by_step, answers=options["given"]) as made,
        watch,
        _interruptible(made.control),
    ):
        made.orchestrator.run(run, made.control)
    if as_json:
        terminal.print_json(run_view.as_json(run))
    else:
        run_view.tell(run, whole=options["answers"])
    return _code_of(run)


def _code_of(run: Run) -> int:
    if run.state == "completed":
        return FINE
    return INTERRUPTED if run.state == "aborted" else FAILED


@contextlib.contextmanager
def _interruptible(control: RunControl) -> Iterator[None]:
    """Let the first Ctrl-C end the run with all its steps, and the second end it at once."""
    before: Any = None

    def interrupt(number: int, frame: FrameType | None) -> None:
        if control.cancelled:
            raise KeyboardInterrupt
        terminal.note("ending the run; once more ends it at once")
        control.cancel()

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
