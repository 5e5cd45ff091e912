"""Everything between a task that could start and its work: its context, its size, its price. Pure.

The steps go in a fixed order, and each that fails has a code of its own: context, compaction, tokens, price.
Nothing is reserved here and no state is changed, so the same steps serve a run in memory, one whose tasks
stand in the store, and a look at what a run would cost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from context import context_compactor, template
from errors import SkepError
from run_contract import asking
from run_contract.errors import InvalidInput, TaskNotFound
from run_contract.job import ContextBundle, Job
from run_contract.policy import ContextPolicy
from run_contract.records import Compaction, Run, RunTask, TaskInput, Usage
from runs import prompting, summarising
from runs.contracts import (
    ContextBuilder,
    ContextCompactor,
    ContextRouter,
    CostCalculator,
    TokenEstimator,
)


class Denied(Exception):
    """A task cannot start, for good; the code says at which step."""

    def __init__(self, code: str, cause: SkepError) -> None:
        super().__init__(cause.message)
        self.code = code
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Prepared:
    """An attempt that could start."""

    job: Job
    #: tokens, and the micro-dollars that are reserved for it
    estimate: Usage
    compaction: Compaction | None


#: The texts that the work of an attempt sends, to the byte, so that what they may cost is known before.
Sent = Callable[[Job], list[str]]


class Admission:
    """Prepares attempts.

    Parameters:
        default_max_tokens: tokens of an answer, where a task names no limit.
        sent: what is sent; by default the prompt and all that the task is told.
    """

    def __init__(
        self,
        builder: ContextBuilder,
        compactor: ContextCompactor,
        router: ContextRouter,
        estimator: TokenEstimator,
        calculator: CostCalculator,
        default_max_tokens: int,
        sent: Sent | None = None,
    ) -> None:
        self._builder = builder
        self._compactor = compactor
        self._router = router
        self._estimator = estimator
        self._calculator = calculator
        self._default_max_tokens = default_max_tokens
        self._sent = sent

    def most_tokens(self, task: RunTask) -> int:
        """Tokens that a task may answer with."""
        return task.max_tokens or self._default_max_tokens

    def values(self, run: Run, task: RunTask, text: str) -> dict[str, str]:
        """What the references in a text of the task stand for."""
        return self._router.values(run, task, [text])

    def prepare(self, run: Run, task_id: str, model: str) -> Prepared:
        """The attempt, ready to be paid and started. Raises `Denied`."""
        task = run.tasks.get(task_id)
        if task is None:
            raise Denied("task_not_found", TaskNotFound(f"{task_id} is no task of the run"))
        if task.inputs is None:
            raise Denied("token_estimation_failed", InvalidInput(f"task {task_id} has no input"))
        code = "context_build_failed"
        try:
            values = self.values(run, task, task.inputs.prompt)
            prompt = template.render(task.inputs.prompt, values)
            placed = prompting.placed(values)
            whole = self._builder.build(run, task_id, placed)
            code = "context_compact_failed"
            policy = task.context or run.policy.context_policy
            if task.choices is not None:
                return self._question(run, task, prompt, values)
            bundle = self._compactor.compact(whole, policy, prompting.placed_bytes(values))
            job = self._job(run, task, model, values, bundle, policy)
            code = "token_estimation_failed"
            tokens = self._tokens(run, task, job, prompt)
            code = "model_unknown"
            estimate = Usage(tokens, self._price(run, job, prompt, tokens))
        except SkepError as error:
            raise Denied(code, error) from error
        compaction = None
        if len(bundle.messages) != len(whole.messages):
            compaction = context_compactor.record(whole, bundle, policy.strategy, run.archive)
        return Prepared(job, estimate, compaction)

    def _question(self, run: Run, task: RunTask, text: str, values: dict[str, str]) -> Prepared:
        """A question to a person, which costs nothing and has only the time it names itself."""
        asking.check_text(text)
        job = self._job(run, task, "", values, ContextBundle(), ContextPolicy())
        timeout_s = task.timeout_ms / 1000 if task.timeout_ms else None
        return Prepared(job.replace(timeout_s=timeout_s), Usage(), None)

    def _tokens(self, run: Run, task: RunTask, job: Job, prompt: str) -> int:
        """Tokens as a person reads them; in batches an answer counts twice, as it is told and routed."""
        given = task.inputs or TaskInput("")
        if run.policy.mode == "batch":
            given = TaskInput(given.prompt, {**given.inputs, **task.routed}, given.metadata)
        else:
            given = TaskInput(prompt)
        return self._estimator.estimate(given, job.bundle)

    def _price(self, run: Run, job: Job, prompt: str, tokens: int) -> int:
        """The worst case; in batches the tokens at the mean of both prices."""
        if run.policy.mode == "batch":
            return self._calculator.estimate(tokens, job.model)
        texts = [prompt, *job.bundle.messages, *job.bundle.memory.values()]
        if self._sent is not None:
            texts = self._sent(job)
        micros = self._calculator.worst_case(texts, job.model, job.max_tokens)
        if summarising.surplus(job, self._compactor):
            micros *= 2  # the summary is a call of its own, with no more text than the task's
        return micros

    def _job(
        self,
        run: Run,
        task: RunTask,
        model: str,
        values: dict[str, str],
        bundle: ContextBundle,
        policy: ContextPolicy,
    ) -> Job:
        given = task.inputs or TaskInput("")
        timeout_ms = run.policy.timeout_ms if task.timeout_ms is None else task.timeout_ms
        return Job(
            run_id=run.id,
            task_id=task.id,
            attempt=task.attempts + 1,
            model=model,
            template=given.prompt,
            values=values,
            bundle=bundle,
            metadata=given.metadata,
            max_tokens=self.most_tokens(task),
            timeout_s=timeout_ms / 1000 if timeout_ms else None,
            context=policy,
            choices=task.choices,
            foreign=run.foreign,
            top_run=_top_of(run),
            may_add=task.may_add,
            cache=task.repeat is None and (run.policy.cache if task.cache is None else task.cache),
        )


def _top_of(run: Run) -> str:
    """The outermost run that a run is within; empty where it is within none."""
    *_, top = ("", *(above.id for above, _ in run.line_above()))
    return top
