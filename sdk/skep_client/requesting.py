"""The requests of `Skep` that are answered at once."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

from skep_client import calls, outcomes
from skep_client.answers import Run, RunBrief, RunDecision, RunPage, RunState
from skep_client.errors import NotFound, SkepClientError
from skep_client.requests import ForkOptions, RunPolicy, TaskRequest
from skep_client.sending import Sender

#: Times that a run is looked for whose start was broken off, and seconds between them.
_LOOKS, _LOOK_S = 5, 0.1


class Requesting:
    """What is asked of one daemon, a request each."""

    _sender: Sender

    # -- runs ----------------------------------------------------------------------------------------------

    def start(
        self,
        tasks: Sequence[TaskRequest],
        *,
        id: str | None = None,
        name: str | None = None,
        policy: RunPolicy | str | None = None,
        memory: Mapping[str, str] | None = None,
        open: bool = False,  # noqa: A002  as the API calls it
        idempotency_key: str | None = None,
    ) -> RunBrief:
        """Start a run; it goes on by itself.

        Broken off (by Ctrl-C) it aborts what it may have started, where the caller gave no id and no key.

        Parameters:
            tasks: its tasks, in any order.
            id: its id; none: one is made.
            name: what people call it.
            policy: what it is held to, or the name of a policy of the home.
            memory: what all tasks are told.
            open: whether it goes on when its tasks have ended, so that more can be added.
            idempotency_key: under which a repeat starts nothing; none: one is made for this call.
        """
        made = calls.new_id() if id is None and idempotency_key is None else None
        call = calls.start(
            tasks, idempotency_key, id=made or id, name=name, policy=policy, memory=memory, open=open
        )
        try:
            return self._sender.do(call)
        except BaseException as error:
            if made is not None and not isinstance(error, Exception):
                self._abort_started(made)
            raise

    def get(self, run_id: str) -> Run:
        """A run with its tasks."""
        return self._sender.do(calls.get(run_id))

    def list(self, *states: RunState, limit: int = 100) -> Iterator[RunBrief]:
        """Every run in some states (none: in all), the newest first, by pages of `limit`."""
        page = RunPage((), None)
        while True:
            page = self._sender.do(calls.list_runs(states, page.next, limit))
            yield from page.runs
            if page.next is None:
                return

    def add(self, run_id: str, *tasks: TaskRequest) -> RunBrief:
        """Add tasks to a run that goes on."""
        return self._sender.do(calls.add(run_id, tasks))

    def close(self, run_id: str) -> RunBrief:
        """Let a run end, that was started with `open`, when all its tasks have."""
        return self._sender.do(calls.close(run_id))

    def abort(self, run_id: str) -> RunBrief:
        """Abort a run."""
        return self._sender.do(calls.abort(run_id))

    def _abort_started(self, run_id: str) -> None:
        """Abort a run of which nobody heard that it started; it may start a moment after this."""
        for _ in range(_LOOKS):
            try:
                self.abort(run_id)
            except NotFound:  # noqa: PERF203  the loop is for it
                time.sleep(_LOOK_S)
            except SkepClientError:
                return
            else:
                return

    def resume(self, run_id: str) -> RunBrief:
        """Send back what did not complete of a run that failed or was aborted."""
        return self._sender.do(calls.resume(run_id))

    def fork(self, run_id: str, task: str, options: ForkOptions | None = None) -> RunBrief:
        """Start a run that does one task of another, and what depends on it, anew."""
        return self._sender.do(calls.fork(run_id, task, options or {}))

    # -- questions to people --------------------------------------------------------------------------------

    def decisions(self, run_id: str) -> tuple[RunDecision, ...]:
        """What people are or were asked about a run, oldest first."""
        return self._sender.do(calls.decisions(run_id))

    def answer(
        self,
        run_id: str,
        decision: RunDecision | str,
        choice: str | None = None,
        *,
        text: str | None = None,
        comment: str | None = None,
    ) -> RunDecision:
        """Pass on what a person answered to a question of a run; the decision as it stands then.

        Parameters:
            run_id: the run.
            decision: the question, or its id; given itself, only what it shows is answered.
            choice: one of its options.
            text: the person's own words, where it is answered so.
            comment: a remark to a choice.

        Raises `NotAllowed` for what is answered in the panel or with `skep approve` alone, `Conflict` where
        another answer was given or another question shown.
        """
        return self._sender.do(calls.answer(run_id, decision, choice, text, comment))

    # -- answers of tasks ------------------------------------------------------------------------------------

    def answers(self, run: Run, *names: str) -> dict[str, str]:
        """What the completed tasks of a run answered, whole, by their ids; of all, or of those named.

        Of a task that was done again (`RunTask.answer_of`) it is what the last round answered.
        """
        return {
            name: task.output if outcomes.is_whole(task) else self.output(run.id, given_by)
            for name, given_by, task in outcomes.completed(run, names)
        }

    def output(self, run_id: str, task_id: str) -> str:
        """What a completed task of a run answered, whole; each round is a task of its own here."""
        return self._sender.do(calls.output(run_id, task_id))
