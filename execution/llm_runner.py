"""Runs an approved model call: streamed into the output as it comes, counted and priced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import urlsplit

from cost.price import Price, price_of, to_dollars, worst_case_micros
from errors import SkepError
from execution.model_watch import ModelWatch
from execution.running import Running
from faults import fault_point
from llm.contracts import Call, ChatRequest, ChatResult
from llm.discovery import ModelStatus
from llm.endpoint import is_loopback
from runtime_contract import dollars_to_micros
from safety.work import Approved
from settings import Settings

LINE_CHARS: Final = 200


class OverBudget(SkepError):
    """The call could cost more than the task may spend."""

    code = "over_budget"
    http_status = 403


class Sink(Protocol):
    """Takes an answer as it comes."""

    def write(self, data: bytes) -> None:
        """Take a piece."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a task asks of its model call; what it leaves out comes from the settings."""

    model: str | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    #: seconds
    timeout_s: float | None = None
    #: dollars
    max_budget: float | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """A complete answer and its cost."""

    result: ChatResult
    #: none where the price is unknown
    cost_micros: int | None


class LlmRunner:
    """Asks the home's model.

    Parameters:
        settings: what calls get that ask for nothing else.
        models: which model, and the connection to it.
    """

    def __init__(self, settings: Settings, models: ModelWatch) -> None:
        self._settings = settings
        self._models = models

    def run(self, approved: Approved, running: Running, sink: Sink, wishes: Wishes) -> Answered:
        """Ask and wait for the whole answer. Raises `ModelError` subclasses and `OverBudget`."""
        client, status = self._models.client()
        price = self._price(status)
        request = self._request(approved, status, wishes)
        _check_budget(request, price, wishes)
        call = Call()
        running.on_stop(call.cancel)
        result = client.complete(request, on_text=_Stream(sink), call=call)
        cost = None
        if price is not None:
            cost = price.cost_micros(result.usage.prompt_tokens, result.usage.completion_tokens)
        return Answered(result, cost)

    def _request(self, approved: Approved, status: ModelStatus, wishes: Wishes) -> ChatRequest:
        settings = self._settings
        temperature = settings.llm_temperature if wishes.temperature is None else wishes.temperature
        return ChatRequest(
            messages=approved.messages,
            model=wishes.model or status.model or "",
            max_tokens=wishes.max_tokens or settings.llm_max_tokens,
            temperature=temperature,
            timeout_s=wishes.timeout_s or settings.llm_timeout_s,
        )

    def _price(self, status: ModelStatus) -> Price | None:
        host = urlsplit(status.endpoint or "").hostname or ""
        return price_of(self._settings, is_loopback=is_loopback(host))


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


def _check_budget(request: ChatRequest, price: Price | None, wishes: Wishes) -> None:
    """Raise `OverBudget` where the worst case is known and is more than the task may spend."""
    if price is None or wishes.max_budget is None:
        return
    texts = [message.content for message in request.messages]
    worst, most = worst_case_micros(price, texts, request.max_tokens), dollars_to_micros(wishes.max_budget)
    if worst > most:
        raise OverBudget(
            f"Estimated cost ${to_dollars(worst):.6f} exceeds task max budget ${to_dollars(most):.6f}"
        )


def line_of(result: ChatResult, text: str) -> str:
    """The answer in a line: its first line, and whether it was cut short."""
    first = next((line.strip() for line in text.splitlines() if line.strip()), "(empty answer)")
    line = first if len(first) <= LINE_CHARS else f"{first[:LINE_CHARS]}..."
    return f"{line} (cut off at max_tokens)" if result.finish_reason == "length" else line
