"""How often people agree with critics: pure figures over the results that both judged.

What critics reject is tried again and never shown to a person, so this tells where they are too mild, and not
where they are too strict.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

#: A result that a person judged: what each critic said of it, and whether the person approved it.
Judged = tuple[Sequence[Mapping[str, Any]], bool]


@dataclass(slots=True)
class Agreement:
    """One critic beside people. Results it left to a person count apart: there it said nothing."""

    critic: str
    #: it approved, and so did the person
    agreed: int = 0
    #: it approved, and the person rejected
    too_mild: int = 0
    #: it could not judge or was not sure, and the person approved
    open_approved: int = 0
    #: the same, and the person rejected
    open_rejected: int = 0

    @property
    def judged(self) -> int:
        """Results on which both have a word."""
        return self.agreed + self.too_mild

    @property
    def share(self) -> float | None:
        """Of these, the share on which they agree; none where there are none."""
        return self.agreed / self.judged if self.judged else None

    def count(self, decision: str, *, is_approved: bool) -> None:
        """Take in one result."""
        if decision == "APPROVE":
            name = "agreed" if is_approved else "too_mild"
        else:
            name = "open_approved" if is_approved else "open_rejected"
        setattr(self, name, getattr(self, name) + 1)

    def as_json(self) -> dict[str, Any]:
        """The figures as they are told."""
        return asdict(self) | {"judged": self.judged, "agreement": self.share}


def agreements(judged: Iterable[Judged]) -> list[Agreement]:
    """The figures of every critic, by name; all commands of tasks count as one critic."""
    found: dict[str, Agreement] = {}
    for critics, is_approved in judged:
        for each in critics:
            name = str(each.get("critic")).partition(":")[0]
            figures = found.setdefault(name, Agreement(name))
            figures.count(str(each.get("decision")), is_approved=is_approved)
    return [found[name] for name in sorted(found)]
