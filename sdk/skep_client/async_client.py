"""Skep for asyncio: the methods of `Skep`, to be awaited."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence

import httpx

from skep_client import calls, outcomes
from skep_client.answers import Answer, Event, Run, RunBrief, RunDecision, RunPage, RunState
from skep_client.async_sending import AsyncSender
from skep_client.errors import ConnectionBroken, SkepClientError, TooBusy
from skep_client.finding import place_of
from skep_client.following import Following
from skep_client.requests import ONE, ForkOptions, RunPolicy, TaskOptions, TaskRequest, plain_task
from skep_client.retrying import Retries
from skep_client.watching import Deadline, Watch, is_put_off


class AsyncSkep:
    """The runs of one daemon, for one event loop; close it, or use it as an asynchronous context manager.

    Parameters:
        home: the directory of the home; none: ``SKEP_HOME``, else the current directory.
        url: a port of this machine in place of a home, such as ``http://127.0.0.1:8420``.
        token: the text of ``.swarm/execution_token``, which goes with `url`.
        timeout_s: seconds that one request may take.
        retries: how patiently a request is sent again.
        transport: takes the place of the network, for tests.

    Raises `AddressRefused` for an address that is not of this machine. Every method raises the errors of
    `skep_client.errors`.
    """

    def __init__(
        self,
        home: str | os.PathLike[str] | None = None,
        *,
        url: str | None = None,
        token: str | None = None,
        timeout_s: float = 30.0,
        retries: Retries | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        place = place_of(home, url, token, os.environ)
        self._sender = AsyncSender(place, timeout_s, retries or Retries(), transport)

    async def __aenter__(self) -> AsyncSkep:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.shut()

    async def shut(self) -> None:
        """Close the connections."""
        await self._sender.shut()

    # -- runs ----------------------------------------------------------------------------------------------

    async def start(
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

        Parameters:
            tasks: its tasks, in any order.
            id: its id; none: one is made.
            name: what people call it.
            policy: what it is held to, or the name of a policy of the home.
            memory: what all tasks are told.
            open: whether it goes on when its tasks have ended, so that more can be added.
            idempotency_key: under which a repeat starts nothing; none: one is made for this call.
        """
        return await self._sender.do(
            calls.start(tasks, idempotency_key, id=id, name=name, policy=policy, memory=memory, open=open)
        )

    async def get(self, run_id: str) -> Run:
        """A run with its tasks."""
        return await self._sender.do(calls.get(run_id))

    async def list(self, *states: RunState, limit: int = 100) -> AsyncIterator[RunBrief]:
        """Every run in some states (none: in all), the newest first, by pages of `limit`."""
        page = RunPage((), None)
        while True:
            page = await self._sender.do(calls.list_runs(states, page.next, limit))
            for run in page.runs:
                yield run
            if page.next is None:
                return

    async def add(self, run_id: str, *tasks: TaskRequest) -> RunBrief:
        """Add tasks to a run that goes on."""
        return await self._sender.do(calls.add(run_id, tasks))

    async def close(self, run_id: str) -> RunBrief:
        """Let a run end, that was started with `open`, when all its tasks have."""
        return await self._sender.do(calls.close(run_id))

    async def abort(self, run_id: str) -> RunBrief:
        """Abort a run."""
        return await self._sender.do(calls.abort(run_id))

    async def resume(self, run_id: str) -> RunBrief:
        """Send back what did not complete of a run that failed or was aborted."""
        return await self._sender.do(calls.resume(run_id))

    async def fork(self, run_id: str, task: str, options: ForkOptions | None = None) -> RunBrief:
        """Start a run that does one task of another, and what depends on it, anew."""
        return await self._sender.do(calls.fork(run_id, task, options or {}))

    # -- questions to people --------------------------------------------------------------------------------

    async def decisions(self, run_id: str) -> tuple[RunDecision, ...]:
        """What people are or were asked about a run, oldest first."""
        return await self._sender.do(calls.decisions(run_id))

    async def answer(
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
        return await self._sender.do(calls.answer(run_id, decision, choice, text, comment))

    # -- ends and answers ----------------------------------------------------------------------------------

    async def wait(
        self,
        run_id: str,
        timeout_s: float | None = None,
        *,
        raises_on_hold: bool = False,
        raises_on_question: bool = False,
    ) -> Run:
        """Wait until a run has ended, in whatever way; it with its tasks.

        Parameters:
            run_id: the run.
            timeout_s: seconds after which `WaitTimedOut` is raised, and the run goes on; none: no limit.
            raises_on_hold: raise `OverBudget` when a task waits for money that only a person can give.
            raises_on_question: raise `PersonNeeded` when a person is asked something; the run goes on.
        """
        watch = Watch(
            run_id,
            timeout_s,
            raises_on_hold=raises_on_hold,
            raises_on_question=raises_on_question,
            now=time.monotonic(),
        )
        while True:
            began = time.monotonic()
            run = await self.get(run_id)
            if watch.is_settled(run, time.monotonic() - began):
                return run
            if watch.minds_questions:
                watch.check(run, await self.decisions(run_id))
            await self._await_news(watch)

    async def result(self, run_id: str, timeout_s: float | None = None) -> dict[str, str]:
        """Wait for a run; what its tasks answered, whole. Raises `RunNotCompleted`, `WaitTimedOut`."""
        run = await self.wait(run_id, timeout_s)
        failure = outcomes.failure_of(run)
        if failure is not None:
            raise failure
        return await self.answers(run)

    async def answers(self, run: Run, *names: str) -> dict[str, str]:
        """What the completed tasks of a run answered, whole, by their ids; of all, or of those named."""
        return {
            name: task.output if outcomes.is_whole(task) else await self.output(run.id, name)
            for name, task in outcomes.completed(run, names)
        }

    async def output(self, run_id: str, task_id: str) -> str:
        """What a completed task of a run answered, whole."""
        return await self._sender.do(calls.output(run_id, task_id))

    async def ask(
        self,
        prompt: str,
        *,
        timeout_s: float | None = None,
        policy: RunPolicy | str | None = None,
        name: str | None = None,
        options: TaskOptions | None = None,
    ) -> Answer:
        """Have one prompt answered: a run of one task, paid, checked and reviewed as every other.

        The prompt is taken as it is: braces in it refer to nothing. Raises as `complete`.
        """
        run = await self.start([plain_task(ONE, prompt, options or {})], name=name, policy=policy)
        ended = await self.complete(run.id, timeout_s)
        return Answer((await self.answers(ended)).get(ONE, ""), ended, ended.tasks[ONE])

    async def complete(self, run_id: str, timeout_s: float | None = None) -> Run:
        """Wait for a run to complete, or abort it: it is not left to itself.

        Aborted it is where the waiting ends before the run: by a timeout, by Ctrl-C, or since a budget cannot
        pay and only a person could. Raises `RunNotCompleted`, `OverBudget`, `WaitTimedOut`.
        """
        try:
            run = await self.wait(run_id, timeout_s, raises_on_hold=True)
        except BaseException:
            with contextlib.suppress(SkepClientError):
                await self.abort(run_id)
            raise
        failure = outcomes.failure_of(run)
        if failure is not None:
            raise failure
        return run

    async def events(
        self, run_id: str, after: int = 0, timeout_s: float | None = None
    ) -> AsyncGenerator[Event, None]:
        """What happened to a run and what happens, until it has ended; a broken stream is taken up again.

        Parameters:
            run_id: the run.
            after: only events behind this place in the history.
            timeout_s: seconds after which `WaitTimedOut` is raised, and the run goes on; none: no limit.
        """
        following, deadline = Following(run_id, after), Deadline(run_id, timeout_s, time.monotonic())
        while True:
            read_s, is_broken = deadline.left_s(time.monotonic()), False
            stream = self._sender.lines(following.call(), read_s, self._sender.at_once)
            try:
                async with contextlib.aclosing(stream) as lines:
                    async for line in lines:
                        event = following.take(line)
                        if event is not None:
                            yield event
                        if deadline.is_nearer(read_s, time.monotonic()):
                            break
                    else:
                        if following.is_over():
                            return
            except (ConnectionBroken, TooBusy):
                is_broken = True
            has_ended = (await self.get(run_id)).has_ended
            following.note(has_ended=has_ended)
            if is_broken or not has_ended:
                await asyncio.sleep(min(following.retry_s, deadline.left_s(time.monotonic())))

    async def follow(self, run_id: str, timeout_s: float | None = None) -> AsyncGenerator[Event, None]:
        """What happens to a run that must complete: as `complete`, told as it happens.

        Who stops reading aborts the run. Raises `RunNotCompleted`, `OverBudget`, `WaitTimedOut`.
        """
        try:
            async with contextlib.aclosing(self.events(run_id, timeout_s=timeout_s)) as events:
                async for event in events:
                    held = outcomes.hold_of(await self.get(run_id)) if is_put_off(event) else None
                    if held is not None:
                        raise held
                    yield event
        except BaseException:
            with contextlib.suppress(SkepClientError):
                await self.abort(run_id)
            raise
        failure = outcomes.failure_of(await self.get(run_id))
        if failure is not None:
            raise failure

    # -- requests ------------------------------------------------------------------------------------------

    async def _await_news(self, watch: Watch) -> None:
        """Wait until it is worth looking at the run again."""
        read_s = watch.deadline.left_s(time.monotonic())
        try:
            async with contextlib.aclosing(
                self._sender.lines(watch.call(), read_s, self._sender.at_once)
            ) as lines:
                async for line in lines:
                    if watch.is_woken(line, read_s, time.monotonic()):
                        return
        except TooBusy:
            await asyncio.sleep(watch.pause_s(time.monotonic()))
        except ConnectionBroken:
            return
