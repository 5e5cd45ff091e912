"""One imperative of an ask, where it stands in the order of things, and what was said of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from planning.imperatives import Order
from planning.masking import Words


class Unsure(Exception):
    """The words may ask for something that cannot be told apart from the rest; `args` says what."""


@dataclass(slots=True)
class Step:
    """One imperative."""

    words: Words
    #: the verb, in small letters; empty where none was recognised
    action: str = ""
    order: Order | None = None
    #: steps of one number are one stage of one sentence: what comes next comes after all of them
    stage: int = 0
    #: whether it begins a sentence, so that "then" means after everything said before
    is_opening: bool = True
    #: steps of one number were asked for by one clause
    group: int = 0
    #: what was said of it in sentences of their own
    remarks: list[Words] = field(default_factory=list)

    @property
    def whole(self) -> Words:
        """The step with the remarks about it."""
        whole = self.words
        for remark in self.remarks:
            whole = whole + Words(". ", ". ") + remark
        return whole
