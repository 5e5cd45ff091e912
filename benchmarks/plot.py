"""The plot of what a backlog costs."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

from benchmarks import row_growth
from benchmarks.measure import Figure


def is_possible() -> bool:
    """Whether matplotlib is there."""
    return importlib.util.find_spec("matplotlib") is not None


def draw(figures: Sequence[Figure], path: Path) -> bool:
    """Draw the drain rate by the number of waiting tasks as SVG; whether there was anything to draw."""
    levels = row_growth.levels_of(list(figures))
    if len(levels) < 2 or not is_possible():
        return False
    import matplotlib as mpl

    mpl.use("svg")
    # The same figures make the same file.
    mpl.rcParams["svg.hashsalt"] = "skep"
    from matplotlib import pyplot

    canvas, axes = pyplot.subplots(figsize=(7, 3.6), layout="constrained")
    axes.plot(list(levels), [one.value for one in levels.values()], marker="o", color="#b8860b")
    for level, one in levels.items():
        axes.scatter([level] * len(one.runs), one.runs, s=12, color="#b8860b", alpha=0.4)
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("tasks still waiting when the measurement ends")
    axes.set_ylabel("tasks a second, whole path")
    axes.grid(visible=True, alpha=0.3)
    canvas.savefig(path, format="svg", metadata={"Date": None})
    pyplot.close(canvas)
    return True
