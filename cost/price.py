"""The price of a model's tokens. Unknown stays unknown: it is never taken for free."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from runtime_contract import MICROS_PER_DOLLAR
from settings import Settings

#: Tokens that the chat template may put around a message.
TOKENS_AROUND_A_MESSAGE: Final = 16


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per million tokens, which is micro-dollars a token."""

    read: Decimal
    written: Decimal

    def cost_micros(self, prompt_tokens: int, completion_tokens: int) -> int:
        """The cost of a call in micro-dollars, rounded up."""
        return math.ceil(prompt_tokens * self.read + completion_tokens * self.written)


def price_of(settings: Settings, *, is_loopback: bool) -> Price | None:
    """The price the settings name; on this machine what is not priced costs 0, elsewhere it is unknown."""
    free = Decimal(0) if is_loopback else None
    read = free if settings.llm_price_input is None else Decimal(str(settings.llm_price_input))
    written = free if settings.llm_price_output is None else Decimal(str(settings.llm_price_output))
    return None if read is None or written is None else Price(read, written)


def worst_case_micros(price: Price, texts: list[str], max_tokens: int) -> int:
    """The most a call can cost: a token for each byte that is sent, and every token it may answer with."""
    sent = sum(len(text.encode("utf-8", "replace")) + TOKENS_AROUND_A_MESSAGE for text in texts)
    return price.cost_micros(sent, max_tokens)


def to_dollars(micros: int) -> float:
    """Micro-dollars as a person reads them."""
    return micros / MICROS_PER_DOLLAR
