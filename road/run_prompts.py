"""What a claimed task of a run is sent: its prompt with answers of others, as its run allows.

The same parts decide here as in a run in memory: conditions, references, context, compaction. The answers
are read from the stored outputs by their hash, so what is left out can be read there as well; the ledger says
what a task was told and what not.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from context import context_compactor, envelope, template
from context.context_builder import ContextBuilder
from context.context_compactor import ContextCompactor
from context.context_router import ContextRouter
from context.envelope import Source
from cost.token_estimator import BYTES_PER_TOKEN, byte_count
from errors import NotFound, SkepError, StoreError
from outcome import Outcome, Verdict
from road import run_summaries
from road.answer_cache import AnswerCache
from road.growing import Growing
from road.named_outputs import Kept, digest_of
from road.run_turns import turns_of
from road.sub_runs import SubRuns
from run_contract import asking
from run_contract.errors import InvalidResult
from run_contract.job import ContextBundle, Job
from run_contract.policy import ContextPolicy, RunPolicy
from run_contract.records import Condition, Run, RunTask, TaskInput, TaskResult, TaskState
from runs import asked_for, conditions, entering, growth, prompting, summarising, within
from runs.entering import Models
from runtime_contract import Status
from store import ending, recording, run_ends, run_questions, run_steering, runs
from store.outputs import OutputSink
from store.records import Claim
from store.sqlite_store import SqliteStore
from store.transaction import Transaction, dump

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Given:
    """What a task is sent of its run."""

    #: the task's own prompt with its references filled in; none: as the task says
    prompt: str | None = None
    #: what else it is told
    answers: tuple[Source, ...] = ()
    #: what it was told and what was left out, by hash
    ledger: dict[str, Any] = field(default_factory=dict)
    #: whether more may follow in its run from an answer that counts
    grows: bool = False
    #: the model that is asked, where it is not the task's own
    model: str | None = None
    #: whether the answer that the same question had before is taken
    is_cached: bool = False
    #: a summary that is asked for first, in place of the oldest of what it is told
    summary: run_summaries.Wanted | None = None
    #: of one that needs a summary: all that it would be told, and the hashes of the answers
    whole: ContextBundle | None = None
    refs: dict[str, str] = field(default_factory=dict)


#: Fields of a task from whose answer more may follow.
_GROWS: Final = frozenset({"repeat", "may_add", "outputs", "files"})
#: A task of no run is sent what it says itself.
NOT_OF_A_RUN: Final = Given()


class RunPrompts:
    """Prepares claimed tasks of one home's runs.

    Parameters:
        store: reads what they wait for, and takes the word for those that never run.
        read_output: a stored output by its hash.
        models: what is known of models, for runs that do tasks; none: asked of the home.
    """

    def __init__(
        self, store: SqliteStore, read_output: Callable[[str], bytes], models: Models | None = None
    ) -> None:
        self._store = store
        self._read_output = read_output
        self._router = ContextRouter()
        self._growing = Growing(store)
        self._sub_runs = SubRuns(store, models)
        self._builder = ContextBuilder()
        self._compactor = ContextCompactor()
        #: answers that are taken again
        self.cache = AnswerCache(store, read_output, self.growth_of)

    def given(self, claim: Claim, mark: str) -> Given | None:
        """What a claimed task is sent; none where it ended instead: skipped, or impossible to prepare."""
        if not run_ends.run_of(claim.id):
            return NOT_OF_A_RUN
        row = self._store.reader.one("run_task_of", task=claim.seq)
        if row is None:
            return NOT_OF_A_RUN
        code = "context_build_failed"
        try:
            run, task, refs = self._loaded(claim, row)
            if task.when is not None and not self._is_wanted(run, task, task.when):
                self._end(claim, Status.CANCELLED, run_ends.CONDITION_NOT_MET, conditions.unmet(task.when))
                return None
            if self._goes_otherwise(claim, run, task, row):
                return None
            grows = not _GROWS.isdisjoint(json.loads(row["doc"]))
            if claim.task.mode == "local":
                return Given(grows=grows)
            foreign = frozenset(json.loads(row["foreign_inputs"] or "[]"))
            job, whole = self._job(run, task, foreign)
            code = "context_compact_failed"
            job = job.replace(
                bundle=self._compactor.compact(whole, job.context, prompting.placed_bytes(job.values))
            )
        except (StoreError, OSError) as error:  # the disk's fault, not the task's
            logger.warning("task %s cannot be prepared yet: %s", claim.id, error)
            told = f"it could not be prepared yet: {error}"
            self._store.write(lambda tx: run_steering.put_off(tx, claim.ref, told))
            return None
        except SkepError as error:
            self._end(claim, Status.FAILED, code, str(error))
            return None
        wanted, model = run_summaries.wanted(job, self._compactor, mark), self._model(claim, row)
        given = _given(job, whole, refs, mark)
        is_cached = _is_cached(row)
        return replace(
            given, model=model, is_cached=is_cached, summary=wanted, whole=whole, refs=refs, grows=grows
        )

    def summarised(self, given: Given, outcome: Outcome) -> Given:
        """What a task is sent with the summary it needs. Raises `ContextTooLarge`, `NotFound`, `OSError`."""
        wanted, whole = given.summary, given.whole
        assert wanted is not None and whole is not None  # noqa: S101, PT018  asked for by whoever has one
        text, ref = run_summaries.text_of(outcome, self._read_output)
        job = wanted.told(text, self._compactor)
        refs = given.refs | {summarising.SUMMARY: ref}
        made = _given(job, whole, refs, wanted.mark)
        return replace(made, model=given.model, is_cached=given.is_cached, grows=given.grows)

    def _model(self, claim: Claim, row: sqlite3.Row) -> str | None:
        """The model whose turn it is, where it is not the task's own."""
        tried = claim.attempt - claim.interruptions - 1
        turns = turns_of(self._store.reader, claim, row) if tried > 0 else None
        model = None if turns is None else turns.model(tried)
        return None if turns is None or model == turns.own else model

    def ask(self, claim: Claim) -> None:
        """Put up the question to a person that a claimed task is; or end it: skipped, or not to be asked."""
        self.given(claim, envelope.new_mark())

    def growth_of(
        self, claim: Claim, outcome: Outcome, why_not: Callable[[], str | None] = lambda: None
    ) -> dict[str, Any] | None:
        """What follows in its run if the answer of a task counts; none where nothing does.

        Raises `SkepError`, `OSError` where that cannot be read, or is not to be, as `why_not` says: then the
        answer must not count either.
        """
        row = self._store.reader.one("run_task_of", task=claim.seq) if run_ends.run_of(claim.id) else None
        if row is None or outcome.status != "completed" or outcome.failure is not None:
            return None
        if _GROWS.isdisjoint(json.loads(row["doc"])):
            return None
        told = why_not()
        if told is not None:
            raise StoreError(told)
        run, task, _ = self._loaded(claim, row)
        text = self._text(claim.id, outcome.output_ref, outcome.output)
        return self._growing.of_answer(claim, row, run, task, text)

    def _goes_otherwise(self, claim: Claim, run: Run, task: RunTask, row: sqlite3.Row) -> bool:
        """Have a task done by others where it is: item by item of a list, or by a person."""
        if task.for_each is not None or task.items is not None:
            self._map(claim, run, task, row)
        elif task.is_run:
            child = self._sub_runs.has_ended(claim, row, run, task)
            if child is not None:
                self._take_answer(claim, row, child)
        elif task.choices is not None:
            self._ask(claim, run, task)
        else:
            return False
        return True

    def _ask(self, claim: Claim, run: Run, task: RunTask) -> None:
        given = task.inputs or TaskInput("")
        text = template.render(given.prompt, self._router.values(run, task, [given.prompt]))
        asking.check_text(text)
        timeout_s = task.timeout_ms / 1000 if task.timeout_ms else None
        choices = task.choices or ()
        self._store.write(lambda tx: run_questions.ask(tx, claim.ref, text, choices, timeout_s))

    def _take_answer(self, claim: Claim, row: sqlite3.Row, child: str) -> None:
        """End a task with the answers of the last tasks of its run: as it is, or several as a JSON array."""
        try:
            last = self._sub_runs.last_tasks(row, child)
        except InvalidResult as error:
            self._end(claim, Status.FAILED, error.code, error.message)
            return
        texts = [self._answer(each)[0] for each in last]
        self._conclude(
            claim, within.joined(texts), "the answer of its run", last[0]["id"] if len(last) == 1 else None
        )

    def _map(self, claim: Claim, run: Run, task: RunTask, row: sqlite3.Row) -> None:
        """Have a task wait for those that do its items; or, where they have, put their answers together."""
        if task.items is None:
            text = task.for_each if isinstance(task.for_each, str) else ""
            policy = RunPolicy.model_validate_json(row["policy"])
            values = self._router.values(run, task, [text])
            items = conditions.items_of(task, values, policy.max_items)
            if items:
                asked = json.loads(row["doc"])
                limits = self._store.settings.limits
                made = entering.item_tasks(task, asked, claim.task.model, items, run.id, policy, limits)
                self._store.write(lambda tx: runs.expand(tx, claim.ref, made, self._store.limits))
                return
        text, is_round = growth.joined(run, task).output, task.for_each is None
        told = "the answer of its last round" if is_round else "the answers of its items, put together"
        last = f"{run.id}:{task.items[0]}" if is_round and task.items else None
        self._conclude(claim, text, told, last)

    def _conclude(self, claim: Claim, text: str, told: str, last: str | None) -> None:
        """End a task with what others answered in its place, which was judged there.

        `told` says whose that is; `last` is the one task whose named outputs are this one's too.
        """
        data, now = text.encode("utf-8", "surrogatepass"), self._store.clock.now()
        sink = OutputSink(self._store.home.outputs, f"{claim.seq}-{claim.ref.lease}-items", len(data))
        sink.write(data)
        stored = sink.close()
        outcome = Outcome(
            status="completed",
            task_id=claim.id,
            lease=claim.ref.lease,
            mode=claim.task.mode,
            started_at=now,
            ended_at=now,
            result=told,
            output=stored.head,
            output_ref=stored.ref,
            output_bytes=stored.bytes,
        )
        verdict = Verdict(decision="APPROVE", confidence=1.0, reviewer="none")

        def conclude(tx: Transaction) -> None:
            row = recording.begin_review(tx, claim.ref, outcome, verdict, {})
            if row is not None:
                if last is not None:
                    tx.run("copy_outputs", task=claim.seq, source=last)
                recording.approve(tx, row, verdict.reviewer)

        self._store.write(conclude)

    def _end(self, claim: Claim, status: Status, code: str, reason: str) -> None:
        self._store.write(lambda tx: run_steering.end_unrun(tx, claim.ref, status, code, reason))

    def _loaded(self, claim: Claim, row: sqlite3.Row) -> tuple[Run, RunTask, dict[str, str]]:
        """The task with what it waits for, as the parts of a run know them, and the hashes of the answers."""
        asked: dict[str, Any] = json.loads(row["doc"])
        context = asked.get("context") or json.loads(row["policy"]).get("context_policy") or {}
        when = asked.get("when")
        task = RunTask(
            id=row["id"],
            inputs=TaskInput(claim.task.prompt or "", asked.get("inputs") or {}, asked.get("metadata") or {}),
            deps=list(dict.fromkeys(asked.get("deps") or ())),
            needs=asked.get("needs", "all"),
            when=None if when is None else Condition(when["of"], when["test"], str(when["value"])),
            for_each=asked.get("for_each"),
            items=None if row["items"] is None else json.loads(row["items"]),
            context=ContextPolicy.model_validate(context),
            is_run=asked.get("run") is not None,
            choices=None if asked.get("ask") is None else tuple(asked.get("choices") or ()),
            timeout_ms=asked.get("timeout_ms"),
            may_add=asked.get("may_add", False),
        )
        run = Run(row["run"], memory=json.loads(row["memory"]))
        run.tasks[task.id] = task
        refs: dict[str, str] = {}
        self._tell(run, [*task.deps, *(task.items or ())], refs)
        if row["previous"] is not None:
            for answer in self._store.reader.all("run_answers", ids=dump([f"{run.id}:{row['previous']}"])):
                task.previous = self._answer(answer)[0]
        return run, task, refs

    def _tell(self, run: Run, names: list[str], refs: dict[str, str]) -> None:
        """Read what tasks answered, each with its later rounds, as far as they completed."""
        while names:
            wanted = dump([f"{run.id}:{name}" for name in names])
            names = []
            for answer in self._store.reader.all("run_answers", ids=wanted):
                name = answer["id"].partition(":")[2]
                later, number = answer["later"], answer["round"] or 1
                run.tasks[name] = RunTask(name, state=TaskState.FAILED, later=later, round=number)
                if answer["state"] == "approved":
                    text, refs[name] = self._answer(answer)
                    kept = Kept(json.loads(answer["outputs"] or "{}"), self._read_output)
                    run.tasks[name].state, run.tasks[name].outputs = (
                        TaskState.COMPLETED,
                        TaskResult(text, kept),
                    )
                if answer["later"] is not None:
                    names.append(answer["later"])

    def _answer(self, row: sqlite3.Row) -> tuple[str, str]:
        """What a task answered, whole, and its SHA-256. Raises `NotFound`, `OSError`."""
        result = ending.read_result(row)
        text = self._text(row["id"], result.get("output_ref"), result.get("output"))
        ref = result.get("output_ref")
        return text, ref or digest_of(text)

    def _text(self, task_id: str, ref: str | None, head: str | None) -> str:
        """An answer, whole. Raises `NotFound`, `OSError`."""
        text = str(head or "")
        # a short answer stands in the row, whole
        if not ref or digest_of(text) == ref:
            return text
        try:
            return self._read_output(ref).decode("utf-8", errors="replace")
        except NotFound as error:
            raise NotFound(f"the answer of {task_id} is not kept any more: {error.message}") from error

    def _is_wanted(self, run: Run, task: RunTask, when: Condition) -> bool:
        return conditions.holds(when, self._router.values(run, task, [when.of]))

    def _job(self, run: Run, task: RunTask, foreign: frozenset[str]) -> tuple[Job, ContextBundle]:
        """The task with what its references stand for, and all that it would be told."""
        given = task.inputs or TaskInput("")
        values = self._router.values(run, task, [given.prompt])
        template.render(given.prompt, values)
        whole = self._builder.build(run, task.id, prompting.placed(values))
        policy = task.context or ContextPolicy()
        job = Job(
            run.id, task.id, 1, task.model, given.prompt, values, whole, given.metadata, 0, None, policy
        ).replace(foreign=foreign, may_add=task.may_add)
        return job, whole


def _is_cached(row: sqlite3.Row) -> bool:
    asked = json.loads(row["doc"])
    if asked.get("repeat") is not None:
        return False  # to be done again is to be asked again
    own = asked.get("cache")
    return bool(json.loads(row["policy"]).get("cache") if own is None else own)


def _given(job: Job, whole: ContextBundle, refs: dict[str, str], mark: str) -> Given:
    words = prompting.own_words(job, mark) + (f"\n\n{asked_for.HOW}" if job.may_add else "")
    return Given(words, prompting.answers_told(job), _ledger(job, whole, refs))


def _ledger(job: Job, whole: ContextBundle, refs: dict[str, str]) -> dict[str, Any]:
    """What a task is told and what is left out: whose answer or which memory, its tokens, its hash."""
    placed = [(each, text) for name, text in job.values.items() if (each := template.dependency_of(name))]
    kept = set(job.bundle.sources)
    told = [
        _line(name, text, refs if output is None else {name: digest_of(text)})
        | ({} if output is None else {"output": output})
        | {"placed": True}
        for (name, output), text in placed
    ]
    lines = [
        (name, _line(name, text, refs)) for name, text in zip(whole.sources, whole.messages, strict=True)
    ]
    if summarising.SUMMARY in kept:
        told.append(_line(summarising.SUMMARY, job.bundle.messages[0], refs))
    told += [line for name, line in lines if name in kept]
    dropped = [line for name, line in lines if name not in kept]
    told += _memory_lines(job)
    found: dict[str, Any] = {"told": told}
    if dropped:
        found |= {
            "dropped": dropped,
            "strategy": job.context.strategy,
            "bytes_before": context_compactor.size_of(whole),
            "bytes_after": context_compactor.size_of(job.bundle),
        }
    return found if told or dropped else {}


def _memory_lines(job: Job) -> list[dict[str, Any]]:
    """What a task is told of the memory of its run, in its prompt or beside it; none of it is left out."""
    keys = ((prompting.memory_key(name), text) for name, text in job.values.items())
    in_prompt = [(key, text, {"placed": True}) for key, text in keys if key is not None]
    beside: list[tuple[str, str, dict[str, Any]]] = [
        (key, text, {}) for key, text in job.bundle.memory.items()
    ]
    return [
        _line(name := prompting.memory_source(key), text, {name: digest_of(text)}) | {"memory": key} | how
        for key, text, how in [*in_prompt, *beside]
    ]


def _line(name: str, text: str, refs: dict[str, str]) -> dict[str, Any]:
    return {"task": name, "tokens": -(-byte_count(text) // BYTES_PER_TOKEN), "output_ref": refs.get(name)}
