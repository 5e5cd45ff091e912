"""Measuring: rounds that alternate, medians of them, and the bar a figure is held to.

A figure by itself says more about the machine than about the program. So every figure has something beside
it that ran on the same machine in the same minute: a peer, or the limit that no program can pass. The two
take turns, round after round, so that a machine that gets slower meanwhile slows both.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure is to reach.

    Parameters:
        limit: the number.
        side: whether the figure is to be at least or at most that.
        of: whether the ratio to what stands first beside it is meant, or the figure itself.
    """

    limit: float
    side: Literal["at least", "at most", "under"]
    of: Literal["ratio", "figure"]

    def holds(self, number: float) -> bool:
        """Whether the number reaches the bar; one that could not be measured does not."""
        if self.side == "at least":
            return number >= self.limit
        return number <= self.limit if self.side == "at most" else number < self.limit


@dataclass(frozen=True, slots=True)
class Beside:
    """A peer or a limit, measured in the same run."""

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured thing."""

    what: str
    value: float
    unit: str
    #: peers and limits in the same unit; the ratio is to the first
    beside: list[Beside] = field(default_factory=list)
    bar: Bar | None = None
    #: what each round gave
    runs: list[float] = field(default_factory=list)
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """The figure over what stands first beside it."""
        return self.value / self.beside[0].value if self.beside and self.beside[0].value else None

    @property
    def is_met(self) -> bool | None:
        """Whether it reaches its bar; none where it has none, or nothing to be compared with."""
        if self.bar is None:
            return None
        number = self.ratio if self.bar.of == "ratio" else self.value
        return None if number is None else self.bar.holds(number)


@dataclass(frozen=True, slots=True)
class Bench:
    """One run of the benchmarks.

    Parameters:
        scratch: a directory on the disk that is measured; removed at the end.
        is_quick: small numbers, to see that everything works.
        rounds: how often each measurement is taken.
    """

    scratch: Path
    is_quick: bool
    rounds: int

    def size(self, full: int, quick: int) -> int:
        """How many, by the kind of run."""
        return quick if self.is_quick else full

    def place(self, name: str) -> Path:
        """A path in the scratch directory that nothing stands at."""
        numbers = (number for number in range(1_000_000))
        return next(path for n in numbers if not (path := self.scratch / f"{name}-{n}").exists())

    def say(self, text: str) -> None:
        """Tell how it goes."""
        print(f"    {text}", flush=True)

    def alternate(self, measurements: Mapping[str, Callable[[], Result]]) -> dict[str, list[Result]]:
        """Take each measurement in turn, `rounds` times; the results of each, in order."""
        results: dict[str, list[Result]] = {name: [] for name in measurements}
        for number in range(self.rounds):
            for name, measure in measurements.items():
                began = time.monotonic()
                results[name].append(measure())
                self.say(f"round {number + 1} of {self.rounds}: {name}, {time.monotonic() - began:.1f} s")
        return results


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that is not under `share` of all (nearest rank)."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)] if ranked else math.nan


def figure(
    what: str,
    unit: str,
    runs: Sequence[float],
    *,
    beside: Mapping[str, Sequence[float]] | None = None,
    bar: Bar | None = None,
    note: str = "",
) -> Figure:
    """The median of the rounds, with the medians of those beside it; what was not measured is left out."""
    others = [Beside(name, statistics.median(found)) for name, found in (beside or {}).items() if found]
    return Figure(what, statistics.median(runs), unit, others, bar, list(runs), note)
