"""How a figure grows with the size of what is measured: its smaller sizes beside it, a table and a plot."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

from benchmarks.measure import Bar, Beside, Figure

#: Tasks of the graphs that are measured.
SIZES: Final = (100, 1_000, 10_000)
_TASKS: Final = " tasks"


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a plot."""

    name: str
    #: tasks a second by the number of tasks
    rates: Mapping[int, float]
    #: what was measured elsewhere at each of `SIZES`, as text; empty where nothing was
    elsewhere: Sequence[str] = ()

    @classmethod
    def of_figures(
        cls, name: str, what: str, figures: Sequence[Figure], elsewhere: Sequence[str] = ()
    ) -> Self:
        """The line that a figure made by `sized_figure` gives; without a point where it was not measured."""
        rates: dict[int, float] = {}
        for size in SIZES:
            found = next((one for one in figures if one.what == what.format(size=f"{size:,}")), None)
            if found is not None:
                smaller = {_size_of(each): each.value for each in found.beside if each.name.endswith(_TASKS)}
                rates = {**dict(sorted(smaller.items())), size: found.value}
        return cls(name, rates, elsewhere)


@dataclass(frozen=True, slots=True)
class Growth:
    """A plot with its table."""

    heading: str
    #: the file of the plot, beside the page
    plot: str
    #: what the plot's height says
    unit: str
    curves: Sequence[Curve]
    #: what the figures of elsewhere are; empty where there are none
    elsewhere: str = ""

    @property
    def is_measured(self) -> bool:
        """Whether there are two points to draw a line between."""
        return any(len(curve.rates) > 1 for curve in self.curves)


def sized_figure(
    what: str,
    rates: Mapping[int, Sequence[float]],
    *,
    beside: Mapping[str, Sequence[float]] | None = None,
    bar: Bar | None = None,
    note: str = "",
) -> Figure:
    """A figure in tasks a second of the largest size, with the smaller ones beside it.

    Parameters:
        what: what is measured, with ``{size}`` in it.
        rates: by the number of tasks, those of each round.
        beside: peers, which stand before the smaller sizes.
    """
    most = max(rates)
    others = [Beside(name, statistics.median(found)) for name, found in (beside or {}).items()]
    others += [
        Beside(f"{size:,}{_TASKS}", statistics.median(rates[size]))
        for size in sorted(rates, reverse=True)
        if size != most
    ]
    runs = [*rates[most]]
    return Figure(what.format(size=f"{most:,}"), statistics.median(runs), "tasks/s", others, bar, runs, note)


def _size_of(beside: Beside) -> int:
    return int(beside.name.removesuffix(_TASKS).replace(",", ""))
