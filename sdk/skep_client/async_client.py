"""Skep for asyncio: the methods of `Skep`, to be awaited."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

import httpx

from skep_client import outcomes
from skep_client.answers import Answer, Event, OutputEvent, Run
from skep_client.async_requesting import AsyncRequesting
from skep_client.async_sending import AsyncSender
from skep_client.errors import ConnectionBroken, SkepClientError, TooBusy
from skep_client.finding import place_of
from skep_client.following import Followed, Following, FollowingOutput
from skep_client.live import Live
from skep_client.requests import ONE, RunPolicy, TaskOptions, plain_task
from skep_client.retrying import Retries
from skep_client.watching import Deadline, Watch, is_put_off

Told = TypeVar("Told")


class AsyncSkep(AsyncRequesting):
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
        outcomes.check(run)
        return await self.answers(run)

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
        return Answer(outcomes.text_of(ended, ONE, await self.answers(ended)), ended, ended.tasks[ONE])

    async def complete(self, run_id: str, timeout_s: float | None = None) -> Run:
        """Wait for a run to complete, or abort it: it is not left to itself.

        Aborted it is where the waiting ends before the run: by a timeout, by Ctrl-C, or since a budget cannot
        pay and only a person could. Raises `RunNotCompleted`, `OverBudget`, `WaitTimedOut`.
        """
        async with self._or_aborted(run_id):
            run = await self.wait(run_id, timeout_s, raises_on_hold=True)
        outcomes.check(run)
        return run

    # -- as it comes ---------------------------------------------------------------------------------------

    async def events(
        self, run_id: str, after: int = 0, timeout_s: float | None = None
    ) -> AsyncGenerator[Event, None]:
        """What happened to a run and what happens, until it has ended; a broken stream is taken up again.

        Parameters:
            run_id: the run.
            after: only events behind this place in the history.
            timeout_s: seconds after which `WaitTimedOut` is raised, and the run goes on; none: no limit.
        """
        deadline = Deadline(run_id, timeout_s, time.monotonic())
        async with contextlib.aclosing(self._told(Following(run_id, after), deadline)) as events:
            async for event in events:
                yield event

    async def follow(self, run_id: str, timeout_s: float | None = None) -> AsyncGenerator[Event, None]:
        """What happens to a run that must complete: as `complete`, told as it happens.

        Who stops reading aborts the run. Raises `RunNotCompleted`, `OverBudget`, `WaitTimedOut`.
        """
        happenings = self._happenings(Following(run_id), Deadline(run_id, timeout_s, time.monotonic()))
        async with self._or_aborted(run_id), contextlib.aclosing(happenings) as events:
            async for event in events:
                yield event
        outcomes.check(await self.get(run_id))

    async def output_events(
        self, run_id: str, task_id: str, timeout_s: float | None = None
    ) -> AsyncGenerator[OutputEvent, None]:
        """What a task prints or answers while it does, attempt by attempt, until it has ended.

        None of it counts before the end says that the task completed. A broken stream is taken up again.

        Parameters:
            run_id: the run.
            task_id: the task, within its run.
            timeout_s: seconds after which `WaitTimedOut` is raised, and the run goes on; none: no limit.
        """
        deadline = Deadline(run_id, timeout_s, time.monotonic())
        output = FollowingOutput(run_id, task_id)
        async with contextlib.aclosing(self._told(output, deadline)) as pieces:
            async for piece in pieces:
                yield piece

    async def live(
        self, run_id: str, task_id: str, timeout_s: float | None = None
    ) -> AsyncGenerator[str, None]:
        """The answer of a task as it comes, of a run that must complete: as `follow`, told in pieces of text.

        Together they are the answer where the reading ends without an error, and until then they are a
        guess. Raises `AnswerDiscarded` where they turn out not to be, and as `follow`; the run is aborted.
        Raises `NoAnswer` where the run completed without an answer of the task.
        """
        live, following = Live(run_id, task_id), Following(run_id)
        deadline = Deadline(run_id, timeout_s, time.monotonic())
        async with self._or_aborted(run_id):
            while await self._has_turn(live, following, deadline):
                output = FollowingOutput(run_id, task_id)
                async with contextlib.aclosing(self._told(output, deadline)) as pieces:
                    async for piece in pieces:
                        text = live.take(piece)
                        if text:
                            yield text
                        if piece.kind == "discarded":
                            break
        live.check(await self.get(run_id))

    async def _has_turn(self, live: Live, following: Following, deadline: Deadline) -> bool:
        """Wait until there may be something to read of an answer; false when the run has ended."""
        async with contextlib.aclosing(self._happenings(following, deadline)) as events:
            async for event in events:
                if live.is_turn(event):
                    return True
        return False

    # -- requests ------------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def _or_aborted(self, run_id: str) -> AsyncIterator[None]:
        """Abort a run where what is done with it breaks off."""
        try:
            yield
        except BaseException:
            with contextlib.suppress(SkepClientError):
                await self.abort(run_id)
            raise

    async def _happenings(self, following: Following, deadline: Deadline) -> AsyncGenerator[Event, None]:
        """What happens to a run. Raises `OverBudget` where only a person can let it go on."""
        async with contextlib.aclosing(self._told(following, deadline)) as events:
            async for event in events:
                held = outcomes.hold_of(await self.get(following.run_id)) if is_put_off(event) else None
                if held is not None:
                    raise held
                yield event

    async def _told(self, followed: Followed[Told], deadline: Deadline) -> AsyncGenerator[Told, None]:
        """What a stream tells, to its end."""
        while True:
            read_s, is_broken = deadline.left_s(time.monotonic()), False
            stream = self._sender.lines(followed.call(), read_s, self._sender.at_once)
            try:
                async with contextlib.aclosing(stream) as lines:
                    async for line in lines:
                        told = followed.take(line)
                        if told is not None:
                            yield told
                        if deadline.is_nearer(read_s, time.monotonic()):
                            break
                    else:
                        if followed.is_over():
                            return
            except (ConnectionBroken, TooBusy):
                is_broken = True
            has_ended = followed.needs_look and (await self.get(followed.run_id)).has_ended
            followed.note(has_ended=has_ended)
            if is_broken or not has_ended:
                await asyncio.sleep(min(followed.retry_s, deadline.left_s(time.monotonic())))

    async def _await_news(self, watch: Watch) -> None:
        """Wait until it is worth looking at the run again."""
        read_s = watch.silence_s(time.monotonic())
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
