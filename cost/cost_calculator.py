"""What a call may cost before it is made, and what it did cost after. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from cost.model_catalog import ModelCatalog, ModelFacts, Place
from cost.price import Price
from cost.token_estimator import most_tokens
from run_contract.errors import ModelUnknown
from run_contract.policy import Role

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


#: Work that names no model where there is none asks nobody.
_NOBODY: Final = ModelFacts(Price(Decimal(0), Decimal(0)), "no model is asked")


class CostCalculator:
    """What the models of a catalogue cost, asked at one place; all amounts in micro-dollars, rounded up."""

    def __init__(self, catalog: ModelCatalog, place: Place) -> None:
        self.catalog = catalog
        self._place = place

    def facts(self, model: str) -> ModelFacts:
        """What is known of a model; where none is named, of the place's own, or that none is asked.

        Raises `ModelUnknown`.
        """
        name = model or self._place.default_model
        if not name:
            return _NOBODY
        found = self.catalog.facts(name, self._place)
        if found.price is None:
            raise ModelUnknown(
                f"nobody knows what the model {model!r} costs; give its price in config/models.toml"
            )
        return found

    def price(self, model: str) -> Price:
        """The price of a model. Raises `ModelUnknown`."""
        price = self.facts(model).price
        assert price is not None  # noqa: S101  `facts` raises otherwise
        return price

    def estimate(self, tokens: int, model: str) -> int:
        """So many tokens at the mean of the model's two prices: half of them read, half of them written."""
        price = self.price(model)
        return math.ceil(tokens * (price.read + price.written) / 2)

    def estimate_by_role(self, tokens: int, role: Role) -> int:
        """The same for the model that has a role. Raises `ModelUnknown`."""
        return self.estimate(tokens, self.model_of(role))

    def model_of(self, role: Role) -> str:
        """The model that has a role. Raises `ModelUnknown`."""
        model = self.catalog.model_of(role)
        if model is None:
            raise ModelUnknown(f"no model has the role {role}; name it under [roles] in config/models.toml")
        return model

    def worst_case(self, texts: Sequence[str], model: str, max_tokens: int) -> int:
        """The most that a call with these texts can cost. Raises `ModelUnknown`."""
        return worst_case(self.facts(model), texts, max_tokens)
