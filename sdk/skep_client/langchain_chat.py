"""A chat model of LangChain whose every answer is a run of Skep, paid, checked and reviewed like any other.

No model is called from here. What the daemon refuses is an exception of `skep_client.errors`: `OverBudget`,
`SafetyBlocked`, `ReviewRejected`. An answer counts when it was reviewed, so `stream` tells it in one piece,
unless the model is `live`.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, NoReturn, cast

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.tools import BaseTool
from pydantic import SecretStr

from skep_client.answers import Answer, Run, RunTask
from skep_client.connection import Connection
from skep_client.cutting import Cut
from skep_client.langchain_input import prompt_of
from skep_client.requests import ONE, Role, RunPolicy, TaskOptions, plain_task

_NO_TOOLS = (
    "Skep binds no tools to a model: it chooses and runs tools by its own rules, behind its safety gateway. "
    "Ask for the result in the prompt, or add a task with a command to a run."
)
#: What may be given with a call in place of the model's own.
_OPTIONS = frozenset({"model", "model_role", "max_tokens", "temperature", "budget", "review", "expect"})


class ChatSkep(BaseChatModel):
    """Chat with the model of a Skep home.

    Parameters:
        home: the directory of the home; none: ``SKEP_HOME``, else the current directory.
        url: a port of this machine in place of a home.
        token: the text of ``.swarm/execution_token``, which goes with `url`.
        model: name of the model; none: the home's.
        model_role: what the model is to be good for, in place of its name.
        max_tokens: tokens it may answer with.
        temperature: from 0 to 2.
        budget: dollars that one answer may cost, all attempts together.
        review: who judges the answers.
        policy: what each run is held to, or the name of a policy of the home.
        timeout_s: seconds to wait for an answer; the run is aborted then.
        live: whether `stream` tells the words as they come, before anybody has reviewed them. The last chunk,
            which has the tokens and the cost, comes when they are approved; where they are not,
            `AnswerDiscarded` is raised, and what was told before is not the answer.
    """

    home: str | None = None
    url: str | None = None
    token: SecretStr | None = None
    model: str | None = None
    model_role: Role | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    budget: float | None = None
    review: Literal["auto", "critic", "human", "none"] = "auto"
    policy: dict[str, Any] | str | None = None
    timeout_s: float | None = None
    live: bool = False

    @property
    def _llm_type(self) -> str:
        return "skep"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self.model, "model_role": self.model_role, "temperature": self.temperature}

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        prompt, options = prompt_of(messages), self._options(kwargs)
        with self._connection().open() as skep:
            answer = skep.ask(prompt, timeout_s=self.timeout_s, policy=self._policy, options=options)
        return _result(answer, stop)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        prompt, options = prompt_of(messages), self._options(kwargs)
        async with self._connection().open_async() as skep:
            answer = await skep.ask(prompt, timeout_s=self.timeout_s, policy=self._policy, options=options)
        return _result(answer, stop)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        prompt, options, cut = prompt_of(messages), self._options(kwargs), Cut(stop or ())
        with self._connection().open() as skep:
            if not self.live:
                asked = skep.ask(prompt, timeout_s=self.timeout_s, policy=self._policy, options=options)
                yield _chunk(*_whole(asked, cut))
                return
            run_id = skep.start([plain_task(ONE, prompt, options)], policy=self._policy).id
            with contextlib.closing(skep.live(run_id, ONE, self.timeout_s)) as pieces:
                for piece in pieces:
                    text = cut.take(piece)
                    if text:
                        yield _chunk(text)
            run = skep.get(run_id)
        yield _chunk(cut.rest(), _metadata(run, run.tasks[ONE], cut))

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        prompt, options, cut = prompt_of(messages), self._options(kwargs), Cut(stop or ())
        async with self._connection().open_async() as skep:
            if not self.live:
                asked = await skep.ask(prompt, timeout_s=self.timeout_s, policy=self._policy, options=options)
                yield _chunk(*_whole(asked, cut))
                return
            run_id = (await skep.start([plain_task(ONE, prompt, options)], policy=self._policy)).id
            async with contextlib.aclosing(skep.live(run_id, ONE, self.timeout_s)) as pieces:
                async for piece in pieces:
                    text = cut.take(piece)
                    if text:
                        yield _chunk(text)
            run = await skep.get(run_id)
        yield _chunk(cut.rest(), _metadata(run, run.tasks[ONE], cut))

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> NoReturn:
        """Raise `NotImplementedError`: what runs here is decided by Skep."""
        raise NotImplementedError(_NO_TOOLS)

    @property
    def _policy(self) -> RunPolicy | str | None:
        # pydantic reads TypedDict of the standard library from Python 3.12 on only; Skep reads it strictly
        return cast("RunPolicy | str | None", self.policy)

    def _connection(self) -> Connection:
        return Connection(self.home, self.url, self.token.get_secret_value() if self.token else None)

    def _options(self, given: dict[str, Any]) -> TaskOptions:
        """What is said of the task. Raises `NotImplementedError` for tools, `ValueError` for the unknown."""
        if "tools" in given or "functions" in given:
            raise NotImplementedError(_NO_TOOLS)
        unknown = sorted(set(given) - _OPTIONS)
        if unknown:
            raise ValueError(f"{unknown[0]}: is not known to Skep; known are {', '.join(sorted(_OPTIONS))}")
        said = {
            "model": self.model,
            "model_role": self.model_role,
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
            "budget": self.budget,
            "review": self.review,
            **given,
        }
        return cast("TaskOptions", {name: value for name, value in said.items() if value is not None})


def _result(answer: Answer, stop: Sequence[str] | None) -> ChatResult:
    text, metadata = _whole(answer, Cut(stop or ()))
    return ChatResult(generations=[ChatGeneration(message=AIMessage(content=text, **metadata))])


def _whole(answer: Answer, cut: Cut) -> tuple[str, dict[str, Any]]:
    """The text of an answer, and what is told of it."""
    text = cut.take(answer.text) + cut.rest()
    return text, _metadata(answer.run, answer.task, cut)


def _chunk(text: str, metadata: Mapping[str, Any] | None = None) -> ChatGenerationChunk:
    """A piece of an answer; the last has the metadata."""
    if metadata is None:
        return ChatGenerationChunk(message=AIMessageChunk(content=text))
    return ChatGenerationChunk(message=AIMessageChunk(content=text, chunk_position="last", **metadata))


def _metadata(run: Run, task: RunTask, cut: Cut) -> dict[str, Any]:
    """What a message tells beside its text."""
    used = task.usage
    return {
        "usage_metadata": UsageMetadata(
            input_tokens=used.prompt_tokens, output_tokens=used.completion_tokens, total_tokens=used.tokens
        ),
        "response_metadata": {
            "run_id": run.id,
            "model_name": task.model or "",
            "model_provider": "skep",
            "cost_usd": run.usage.cost.amount,
            "cost_micros": run.cost_micros,
            "attempts": task.attempts,
            "stopped_by": "stop" if cut.is_cut else "end",
        },
    }
