"""What a local run needs: the run itself from its file, and an orchestrator with the work that was chosen."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import click
import jsonlines

import host_platform
from commands import terminal
from commands.place import Place
from commands.run_person import name_of, person_at
from cost.cost_calculator import CostCalculator
from cost.model_catalog import ModelCatalog
from cost.model_catalog import Place as ModelPlace
from money import dollars_text
from redaction import clean, clean_value
from run_contract.job import Job
from run_contract.policy import RunPolicy
from run_contract.records import Run, RunTask
from runs.admission import Prepared
from runs.asking_a_person import asking
from runs.compiling import run_of
from runs.control import RunControl
from runs.factory import Options, default_catalog, new_orchestrator_with_defaults
from runs.inline_executor import InlineExecutor
from runs.llm_work import FoundModel, LlmWork, sent
from runs.mock_work import mock_work
from runs.orchestrator import Orchestrator
from runs.policy_file import read_policies
from runs.prompting import plain_prompt
from runs.run_events import RunEvent
from runs.sub_runs import Shelf, with_inner
from runs.work import Work
from runs.workflow_file import read_workflow
from safety.gateway import SafetyGateway
from safety.kill_switch import KillSwitch, KillSwitchWatch
from safety.secure_api import SecureAPIWrapper
from store import budgets
from store.sqlite_store import SqliteStore

#: Seconds that a made-up answer takes on a terminal, so that an eye can follow.
MOCK_S = 0.15
#: Characters of a prompt that are shown before a step.
SHOWN_CHARS = 1_500


@dataclass(frozen=True, slots=True)
class Made:
    """An orchestrator, and the handle on its run."""

    orchestrator: Orchestrator
    control: RunControl


def read_run(place: Place, file: Path, inputs: Sequence[str], policy: str | None, run_id: str | None) -> Run:
    """The run of a workflow file. Raises `InvalidFile`, `InvalidInput`, `InvalidSetting`, `OSError`."""
    workflow = read_workflow(file)
    chosen = workflow.policy if policy is None else policy
    if not isinstance(chosen, RunPolicy):
        chosen = read_policies(place.home.policies_file).named(chosen)
    run = run_of(workflow, chosen, dict(map(input_of, inputs)), run_id)
    return with_inner(run, workflow, Shelf(place.home.policies_file, place.home.workflows))


def input_of(given: str) -> tuple[str, str]:
    """The name and the text of an input. Raises `UsageError`, `OSError`."""
    name, equals, text = given.partition("=")
    if not equals or not name:
        raise click.UsageError(f"--input must be NAME=TEXT, got {ascii(given)[:60]}.")
    return name, Path(text[1:]).read_text("utf-8") if text.startswith("@") else text


@contextlib.contextmanager
def noted(path: Path | None, listen: Callable[[RunEvent], None]) -> Iterator[Callable[[RunEvent], None]]:
    """A listener that also writes every event into a file, where one is named. Raises `OSError`."""
    if path is None:
        yield listen
        return
    with (
        path.open("w", encoding="utf-8", errors="backslashreplace") as file,
        jsonlines.Writer(file, flush=True) as lines,
    ):

        def note(event: RunEvent) -> None:
            lines.write(clean_value(event.as_json()))
            listen(event)

        yield note


@contextlib.contextmanager
def opened(
    place: Place,
    executor: str,
    run: Run,
    listen: Callable[[RunEvent], None],
    *,
    by_step: bool,
    answers: Sequence[str] = (),
) -> Iterator[Made]:
    """An orchestrator for a run, and what it needs meanwhile. Raises `NoModel`, `NoHome`, `StoreError`."""
    control = RunControl()
    with contextlib.ExitStack() as held:
        if executor == "mock":
            catalog, where = _mock_prices(place)
            seconds = MOCK_S if terminal.is_terminal() and not by_step else 0.0
            work = mock_work(CostCalculator(catalog, where), seconds)
        else:
            catalog, where, work = held.enter_context(_llm(place, control))
        person = person_at(run, answers, is_made_up=executor == "mock")
        work = work if person is None else asking(person, work)
        slots = InlineExecutor(1, work) if by_step or person is not None else None
        options = Options(
            catalog=catalog,
            place=where,
            listener=listen,
            max_tokens=place.settings.llm_max_tokens,
            executor=slots,
            sent=sent if executor == "llm" else None,
            gate=ask_before if by_step else None,
        )
        made = new_orchestrator_with_defaults(run.policy, work, options)
        held.callback(made.close)
        yield Made(made, control)


def _mock_prices(place: Place) -> tuple[ModelCatalog, ModelPlace]:
    """Prices for a run that asks nobody: the home's own, and those of the default roles; else nothing."""
    own = ModelCatalog.of_home(place.settings, place.home.models_file)
    catalog = own if own.names() else default_catalog()
    return catalog, ModelPlace("", is_loopback=True, default_model=place.settings.llm_model)


@contextlib.contextmanager
def _llm(place: Place, control: RunControl) -> Iterator[tuple[ModelCatalog, ModelPlace, Work]]:
    """The home's model, with the gateway before it and the budgets of the home behind it."""
    settings, home = place.settings, place.home
    with place.store() as store, contextlib.closing(FoundModel(settings)) as model:
        catalog = ModelCatalog.of_home(settings, home.models_file)
        owner = str(host_platform.this_process())
        secure = SecureAPIWrapper(store, settings, catalog, model, owner, actor=place.by)
        if budgets.any_abandoned(store.reader):  # of a run here that was killed, where no daemon has come
            store.write(lambda tx: budgets.settle_abandoned(tx, place.by))
        switch = KillSwitch(home)
        switch.check()
        refusals = _refusals(store, place.by)
        watch = KillSwitchWatch(switch, lambda _: True, lambda: control.cancel)
        watch.start()
        try:
            yield catalog, model.place, LlmWork(secure, SafetyGateway(home, settings), switch, refusals)
        finally:
            watch.stop()


def _refusals(store: SqliteStore, by: str) -> Callable[[Job, Mapping[str, Any]], None]:
    """Puts what the gateway refuses into the audit, by the hash of what was refused."""

    def note(job: Job, report: Mapping[str, Any]) -> None:
        found = [each.get("rule") for each in report.get("checks", {}).values() if not each["passed"]]
        refused = f"{job.run_id}/{job.task_id}/{report.get('task', '')}"
        digest = hashlib.sha256(refused.encode("utf-8", "surrogatepass")).hexdigest()
        rule = next(filter(None, found), "unnamed")
        store.audit("execution", "blocked", actor=by, rule=rule, digest=digest)

    return note


def ask_before(run: Run, task: RunTask, found: Prepared) -> Literal["go", "skip", "abort"]:
    """Show a step as it would be sent, and ask whether it is."""
    job, estimate = found.job, found.estimate
    click.echo(
        terminal.clean(f"\n{name_of(job)}  {job.model or 'the model of the home'}  attempt {job.attempt}")
    )
    told = ", ".join(job.bundle.sources) or "nothing"
    click.echo(terminal.clean(f"  is told of: {told}"))
    most = dollars_text(estimate.micros)
    click.echo(
        f"  about {estimate.tokens:,} tokens to read, at most {most}; {dollars_text(run.usage.micros)} spent"
    )
    prompt = clean(plain_prompt(job))
    more = f"\n... and {len(prompt) - SHOWN_CHARS:,} characters more" if len(prompt) > SHOWN_CHARS else ""
    click.echo(terminal.clean_block(prompt[:SHOWN_CHARS] + more))
    answer = click.prompt("go, skip or abort", type=click.Choice(["go", "skip", "abort"]), default="go")
    return {"go": "go", "skip": "skip"}.get(answer, "abort")  # type: ignore[return-value]
