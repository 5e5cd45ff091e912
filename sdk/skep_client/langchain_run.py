"""A Runnable of LangChain that is a run of Skep: one prompt, or a graph of tasks.

What the daemon refuses is an exception of `skep_client.errors`. Who stops waiting, or stops reading a stream,
aborts the run.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, Literal

from langchain_core.runnables import Runnable, RunnableConfig

from skep_client import outcomes
from skep_client.answers import Event
from skep_client.connection import Connection
from skep_client.langchain_input import text_of
from skep_client.requests import ONE, RunPolicy, TaskOptions, TaskRequest, plain_task


class SkepRunnable(Runnable[Any, str]):
    """Submits what it is given to Skep, and answers with the text of one task.

    Without `tasks` its input is a text, a prompt or messages, which is a run of one task. With `tasks` the
    input is an object of texts, told to all of them as ``{{memory.KEY}}``; a text by itself is
    ``{{memory.input}}``.

    Parameters:
        tasks: the tasks of each run; none: one that asks the input.
        answer: id of the task whose answer is the output; none: the one that no other waits for.
        streams: what `stream` and `astream` tell: the answer once it is approved; or its words as they
            come (``live``), which ends in `AnswerDiscarded` where they are not approved; or every `Event`.
        options: what is said of the task of a run of one.
        policy: what each run is held to, or the name of a policy of the home.
        timeout_s: seconds that a run may take; it is aborted then.
        home: the directory of the home; none: ``SKEP_HOME``, else the current directory.
        url: a port of this machine in place of a home.
        token: the text of ``.swarm/execution_token``, which goes with `url`.

    Raises `ValueError` where `answer` is missing and several tasks come last.
    """

    def __init__(
        self,
        tasks: Sequence[TaskRequest] | None = None,
        *,
        answer: str | None = None,
        streams: Literal["answer", "live", "events"] = "answer",
        options: TaskOptions | None = None,
        policy: RunPolicy | str | None = None,
        timeout_s: float | None = None,
        home: str | None = None,
        url: str | None = None,
        token: str | None = None,
        name: str | None = None,
    ) -> None:
        self.name = name
        self._tasks = tasks
        self._answer = ONE if tasks is None else _last_of(tasks, answer)
        self._may_be_done_again = any(
            task.get("repeat") and task["id"] != self._answer for task in tasks or ()
        )
        self._streams = streams
        self._options: TaskOptions = options or {}
        self._policy = policy
        self._timeout_s = timeout_s
        self._connection = Connection(home, url, token)

    # -- the answer ----------------------------------------------------------------------------------------

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> str:
        """Do a run; the answer. Raises `RunNotCompleted`, `NoAnswer`, `WaitTimedOut`."""
        return self._call_with_config(self._invoked, input, config, **kwargs)

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> str:
        """The same, to be awaited."""
        return await self._acall_with_config(self._ainvoked, input, config, **kwargs)

    def _invoked(self, given: Any) -> str:
        with self._connection.open() as skep:
            run = skep.complete(skep.start(**self._request(given)).id, self._timeout_s)
            return outcomes.text_of(run, self._answer, skep.answers(run, self._answer))

    async def _ainvoked(self, given: Any) -> str:
        async with self._connection.open_async() as skep:
            started = await skep.start(**self._request(given))
            run = await skep.complete(started.id, self._timeout_s)
            return outcomes.text_of(run, self._answer, await skep.answers(run, self._answer))

    # -- as it comes ---------------------------------------------------------------------------------------

    def stream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[Any]:
        """Do a run; the answer as soon as it is approved, its words as they come, or each `Event`."""
        return self._transform_stream_with_config(iter([input]), self._streamed, config, **kwargs)

    def astream(
        self,
        input: Any,
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[Any]:
        """The same, to be awaited."""

        async def inputs() -> AsyncIterator[Any]:
            yield input

        return self._atransform_stream_with_config(inputs(), self._astreamed, config, **kwargs)

    def _streamed(self, inputs: Iterator[Any]) -> Iterator[Any]:
        request = self._request(next(inputs))
        with self._connection.open() as skep:
            run = skep.start(**request)
            if self._streams == "live":
                with contextlib.closing(skep.live(run.id, self._answer, self._timeout_s)) as pieces:
                    yield from pieces
                return
            has_told = self._streams == "events"
            with contextlib.closing(skep.follow(run.id, self._timeout_s)) as happenings:
                for event in happenings:
                    if self._streams == "events":
                        yield event
                    elif self._is_answer(event):
                        has_told = True
                        yield skep.output(run.id, self._answer)
            if not has_told:
                ended = skep.get(run.id)
                yield outcomes.text_of(ended, self._answer, skep.answers(ended, self._answer))

    async def _astreamed(self, inputs: AsyncIterator[Any]) -> AsyncIterator[Any]:
        request = self._request(await inputs.__anext__())
        async with self._connection.open_async() as skep:
            run = await skep.start(**request)
            if self._streams == "live":
                async with contextlib.aclosing(skep.live(run.id, self._answer, self._timeout_s)) as pieces:
                    async for piece in pieces:
                        yield piece
                return
            has_told = self._streams == "events"
            async with contextlib.aclosing(skep.follow(run.id, self._timeout_s)) as happenings:
                async for event in happenings:
                    if self._streams == "events":
                        yield event
                    elif self._is_answer(event):
                        has_told = True
                        yield await skep.output(run.id, self._answer)
            if not has_told:
                ended = await skep.get(run.id)
                yield outcomes.text_of(ended, self._answer, await skep.answers(ended, self._answer))

    def _is_answer(self, event: Event) -> bool:
        """Whether an event is that of the answer: of a task that may be done again only the end tells it."""
        if self._may_be_done_again:
            return False
        return event.event == "task.approved" and event.task == self._answer

    # -- the request ---------------------------------------------------------------------------------------

    def _request(self, given: Any) -> dict[str, Any]:
        """What `start` is told. Raises `TypeError`, `ValueError` where the input is of the wrong kind."""
        if self._tasks is None:
            return {"tasks": [plain_task(ONE, text_of(given), self._options)], "policy": self._policy}
        memory = given if isinstance(given, Mapping) else {"input": text_of(given)}
        wrong = [name for name, value in memory.items() if not isinstance(value, str)]
        if wrong:
            raise TypeError(f"{wrong[0]}: must be a text, for {{{{memory.{wrong[0]}}}}}")
        return {"tasks": self._tasks, "policy": self._policy, "memory": dict(memory)}


def _last_of(tasks: Sequence[TaskRequest], answer: str | None) -> str:
    """The task whose answer is the output. Raises `ValueError`."""
    names = [task["id"] for task in tasks]
    if answer is not None:
        if answer not in names:
            raise ValueError(f"answer: there is no task {answer!r}")
        return answer
    waited_for = {dep for task in tasks for dep in task.get("deps", ())}
    last = [name for name in names if name not in waited_for]
    if len(last) != 1:
        raise ValueError(f"answer: say which of {', '.join(last) or 'the tasks'} is the answer")
    return last[0]
