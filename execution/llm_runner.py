"""Runs an approved model call: prepared and priced, then streamed into the output as it comes."""

from __future__ import annotations

from typing import Final, Protocol

from execution.attempt import Attempt
from execution.running import Running
from faults import fault_point
from llm.contracts import Call, ChatResult
from safety.headroom import payer_of
from safety.model_call import ModelCall, Wishes
from safety.secure_api import SecureAPIWrapper
from safety.work import Approved

LINE_CHARS: Final = 200


class Sink(Protocol):
    """Takes an answer as it comes."""

    def write(self, data: bytes) -> None:
        """Take a piece."""


class LlmRunner:
    """Asks the home's model, through the wrapper that pays for it."""

    def __init__(self, secure: SecureAPIWrapper) -> None:
        self._secure = secure

    def prepare(self, approved: Approved, attempt: Attempt) -> ModelCall:
        """The call of an attempt, with what it may cost. Raises `NoModel`."""
        payer = payer_of(attempt.task, attempt.request.max_budget)
        return self._secure.prepare(approved, _wishes(attempt), payer, attempt.ref.lease)

    def run(self, call: ModelCall, running: Running, sink: Sink) -> ChatResult:
        """Ask and wait for the whole answer. Raises `ModelError` subclasses."""
        handle = Call()
        running.on_stop(handle.cancel)
        return self._secure.ask(call, _Stream(sink), handle)


class _Stream:
    """Takes the pieces of an answer into the output."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._has_begun = False

    def __call__(self, text: str) -> None:
        self._sink.write(text.encode("utf-8", "replace"))
        if not self._has_begun:
            self._has_begun = True
            fault_point("cycle.running")


#: What is said of an answer that ended otherwise than by itself, by why it did.
_NOTES: Final = {
    "length": "cut off at max_tokens",
    "content_filter": "the server ended it by its content filter",
    "pause_turn": "the server paused amid it",
}


def _wishes(attempt: Attempt) -> Wishes:
    request, task = attempt.request, attempt.task
    return Wishes(
        model=request.model or task.model,
        max_tokens=request.max_tokens or task.max_tokens,
        temperature=task.temperature if request.temperature is None else request.temperature,
        timeout_s=attempt.timeout_s,
    )


def line_of(result: ChatResult, text: str) -> str:
    """The answer in a line: its first line, and whether it was cut short."""
    first = next((line.strip() for line in text.splitlines() if line.strip()), "(empty answer)")
    line = first if len(first) <= LINE_CHARS else f"{first[:LINE_CHARS]}..."
    note = _NOTES.get(result.finish_reason)
    return line if note is None else f"{line} ({note})"
