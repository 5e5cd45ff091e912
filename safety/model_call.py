"""A model call on its way: what is asked, of whom, for whom, and what it may and did cost."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

from cost.budget_enforcer import Payer
from cost.cost_calculator import Bill
from cost.model_catalog import ModelFacts
from llm.contracts import ChatClient, ChatRequest, ChatResult

#: Words and ids of a server that are taken over as they are; whatever else it says of an answer is left out.
_WORD: Final = re.compile(r"[\w.:/@+-]{1,200}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is asked of a model call; what is left out comes from the settings."""

    model: str | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    #: seconds
    timeout_s: float | None = None


@dataclass(slots=True)
class ModelCall:
    """An approved call: what is sent to whom, what it may cost, and in the end what it did."""

    id: str
    request: ChatRequest
    client: ChatClient
    #: host of the endpoint
    host: str
    #: SHA-256 of what was approved
    digest: str
    payer: Payer
    #: of the task, where there is one
    lease: int | None
    facts: ModelFacts
    #: micro-dollars
    worst_micros: int
    #: tokens that count against the rate until it is known better
    likely_tokens: int
    #: what it came to; none before it is sent
    bill: Bill | None = None
    #: what the audit tells of its end
    told: dict[str, Any] = field(default_factory=dict)


def told_of(result: ChatResult) -> dict[str, Any]:
    """What the audit tells of an answer: words and counts of the server, never a text."""
    words = {
        "answered_by": result.model,
        "finish_reason": result.finish_reason,
        "response": result.response_id,
    }
    told: dict[str, Any] = {name: word for name, word in words.items() if word and _WORD.fullmatch(word)}
    if result.usage.source == "server":
        told |= {
            "tokens_read": result.usage.prompt_tokens,
            "tokens_written": result.usage.completion_tokens,
        }
    return told
