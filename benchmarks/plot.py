"""The plots: what a backlog costs, and how runs grow."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks import row_growth
from benchmarks.curves import Growth
from benchmarks.measure import Figure

_COLORS: Final = ("#b8860b", "#2f6f8f", "#7a5195", "#4f7f3f", "#a04030")


def is_possible() -> bool:
    """Whether matplotlib is there."""
    return importlib.util.find_spec("matplotlib") is not None


def draw(figures: Sequence[Figure], path: Path) -> bool:
    """Draw the drain rate by the number of waiting tasks as SVG; whether there was anything to draw."""
    levels = row_growth.levels_of(list(figures))
    if len(levels) < 2 or not is_possible():
        return False
    canvas, axes = _canvas()
    axes.plot(list(levels), [one.value for one in levels.values()], marker="o", color=_COLORS[0])
    for level, one in levels.items():
        axes.scatter([level] * len(one.runs), one.runs, s=12, color=_COLORS[0], alpha=0.4)
    axes.set_xlabel("tasks still waiting when the measurement ends")
    axes.set_ylabel("tasks a second, whole path")
    _save(canvas, axes, path)
    return True


def draw_growth(growth: Growth, path: Path) -> bool:
    """Draw the rates by the number of tasks as SVG, a line for each shape; whether there was anything."""
    if not growth.is_measured or not is_possible():
        return False
    canvas, axes = _canvas()
    for curve, color in zip(growth.curves, _COLORS, strict=False):
        axes.plot(list(curve.rates), list(curve.rates.values()), marker="o", color=color, label=curve.name)
    axes.set_xlabel("tasks in the run")
    axes.set_ylabel(growth.unit)
    axes.legend(frameon=False)
    _save(canvas, axes, path)
    return True


def _canvas() -> tuple[Any, Any]:
    import matplotlib as mpl

    mpl.use("svg")
    # The same figures make the same file.
    mpl.rcParams["svg.hashsalt"] = "skep"
    from matplotlib import pyplot

    canvas, axes = pyplot.subplots(figsize=(7, 3.6), layout="constrained")
    axes.set_xscale("log")
    axes.grid(visible=True, alpha=0.3)
    return canvas, axes


def _save(canvas: Any, axes: Any, path: Path) -> None:
    from matplotlib import pyplot

    axes.set_ylim(bottom=0)
    canvas.savefig(path, format="svg", metadata={"Date": None})
    pyplot.close(canvas)
