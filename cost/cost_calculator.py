"""What a call may cost before it is made, and what it did cost after. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from cost.model_catalog import ModelFacts
from cost.price import Price
from cost.token_estimator import most_tokens

#: Tokens of one call that a server is believed; more is a fault of its counting.
MOST_BELIEVED: Final = 10**9


@dataclass(frozen=True, slots=True)
class Counted:
    """Tokens of a call, and who counted them."""

    prompt_tokens: int
    completion_tokens: int
    source: Literal["server", "estimate"]
    #: whether the answer has any text
    has_text: bool


@dataclass(frozen=True, slots=True)
class Bill:
    """What a call came to."""

    micros: int
    #: false: nobody knows what was used, so this is the worst case
    is_settled: bool
    #: tokens read and written; none: nobody knows
    tokens: int | None = None


def worst_case(facts: ModelFacts, texts: Sequence[str], max_tokens: int) -> int:
    """The most a call can cost, in micro-dollars: every token that may be read and every one it may answer.

    0 where the price is unknown; such a call is not made.
    """
    if facts.price is None or facts.price.is_free:
        return 0
    return facts.price.most_micros(facts.most_read(most_tokens(texts)), facts.most_written(max_tokens))


def bill_of(price: Price, counted: Counted, worst_micros: int) -> Bill:
    """What an answered call came to: by the server's counts where it gave any that can be."""
    if counted.source != "server" or not _can_be(counted):
        return Bill(worst_micros, is_settled=price.is_free)
    cost = price.cost_micros(counted.prompt_tokens, counted.completion_tokens)
    return Bill(cost, is_settled=True, tokens=counted.prompt_tokens + counted.completion_tokens)


def _can_be(counted: Counted) -> bool:
    """A prompt is never empty, nor is an answer with text; some servers count neither."""
    if counted.has_text and counted.completion_tokens == 0:
        return False
    return 0 < counted.prompt_tokens <= MOST_BELIEVED and counted.completion_tokens <= MOST_BELIEVED
