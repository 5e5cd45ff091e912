"""What a face answered to an entry, and whether that was right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tests.safety.corpus import Entry


@dataclass(frozen=True)
class Verdict:
    """What a face made of an entry."""

    entry: Entry
    #: what must be judged got through; for a secret: it, or the look-alike, is still in the text
    passed: bool
    #: the rules that answered, by every name they go by
    rules: frozenset[str]
    #: the words of the face, for whoever looks at a failure
    told: str
    #: the sentence around a secret was refused, which is honest
    is_sentence_refused: bool = False

    @property
    def must_be_stopped(self) -> bool:
        """Whether it is hostile, or a secret."""
        return self.entry.redacted if self.entry.face == "secret" else not self.entry.allowed

    @property
    def is_miss(self) -> bool:
        """Hostile, and got through; or a secret that is still there."""
        return self.passed and self.must_be_stopped

    @property
    def is_false_alarm(self) -> bool:
        """Honest, and refused; or a look-alike that was taken out."""
        return self.is_sentence_refused or not (self.passed or self.must_be_stopped)

    @property
    def is_other_rule(self) -> bool:
        """Rightly stopped, but not by the rule that should have answered."""
        expected = self.entry.rules
        return self.must_be_stopped and not self.passed and bool(expected) and not expected & self.rules

    @property
    def is_wrong(self) -> bool:
        """Whether it is not as the corpus says."""
        return self.is_miss or self.is_false_alarm or self.is_other_rule

    @property
    def kind(self) -> str:
        """What is wrong with it."""
        return "missed" if self.is_miss else "false alarm" if self.is_false_alarm else "other rule"

    def __str__(self) -> str:
        kind = self.kind
        if self.entry.half == "held out":  # its words would be tuned for
            return f"{self.entry.id}: {kind}"
        return f"{self.entry.id}: {kind} [{', '.join(sorted(self.rules)) or '-'}] {self.told[:200]}"


def wrong(verdicts: Iterable[Verdict]) -> list[str]:
    """Every verdict that is not as the corpus says, as a line each."""
    return [str(each) for each in verdicts if each.is_wrong]
