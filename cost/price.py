"""The price of a model's tokens. Unknown stays unknown: it is never taken for free."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from money import dollars_text


@dataclass(frozen=True, slots=True)
class Step:
    """The price of a call whose prompt is longer than so many tokens, of the whole call."""

    above: int
    read: Decimal
    written: Decimal


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per million tokens, which is micro-dollars a token."""

    read: Decimal
    written: Decimal
    #: micro-dollars of each call, whatever its length
    call: Decimal = Decimal(0)
    #: other prices of longer prompts, rising
    steps: tuple[Step, ...] = ()

    @property
    def is_free(self) -> bool:
        """Whether no call can cost anything."""
        rates = [self.read, self.written, self.call]
        rates += [rate for step in self.steps for rate in (step.read, step.written)]
        return not any(rates)

    def cost_micros(self, prompt_tokens: int, completion_tokens: int) -> int:
        """The cost of a call in micro-dollars, rounded up."""
        reached = [step for step in self.steps if prompt_tokens > step.above]
        read, written = (reached[-1].read, reached[-1].written) if reached else (self.read, self.written)
        return math.ceil(prompt_tokens * read + completion_tokens * written + self.call)

    def most_micros(self, prompt_tokens: int, completion_tokens: int) -> int:
        """The most that a call of at most so many tokens can cost, whichever steps it reaches."""
        reached = [step for step in self.steps if prompt_tokens > step.above]
        read = max([self.read, *(step.read for step in reached)])
        written = max([self.written, *(step.written for step in reached)])
        return math.ceil(prompt_tokens * read + completion_tokens * written + self.call)

    def as_json(self) -> str:
        """The price as the store keeps it."""
        steps = [[step.above, str(step.read), str(step.written)] for step in self.steps]
        return json.dumps([str(self.read), str(self.written), str(self.call), steps])

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The price that `as_json` told."""
        read, written, call, steps = json.loads(text)
        rises = tuple(Step(above, Decimal(read), Decimal(written)) for above, read, written in steps)
        return cls(Decimal(read), Decimal(written), Decimal(call), rises)

    def __str__(self) -> str:
        if self.is_free:
            return "free"
        more = " (dearer for long prompts)" if self.steps else ""
        call = f" and {dollars_text(math.ceil(self.call))} a call" if self.call else ""
        return f"${self.read:f} read, ${self.written:f} written per million tokens{call}{more}"
