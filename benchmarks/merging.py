"""Puts single rows measured anew into the page that is there, and leaves the others as they were."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from benchmarks import report
from benchmarks.measure import Figure


def merge(page: str, figures: Mapping[str, Sequence[Figure]], when: str, *, has_plots: bool = False) -> str:
    """The page with these rows in it; `when` they were measured is said with them."""
    everything = [one for found in figures.values() for one in found]
    page = _table(page, everything)
    page = _shortfalls(page, everything)
    for name, found in figures.items():
        page = _notes(page, name, found, when)
    for growth in report.growths(everything):
        page = _section(page, growth.heading, report.growth_section(growth, has_plot=has_plots))
    return page


def _table(page: str, figures: Sequence[Figure]) -> str:
    head, heading, rest = page.partition("## Figures\n\n")
    table, blank, tail = rest.partition("\n\n")
    names = {one.what for one in figures}
    kept = [line for line in table.split("\n") if line.split(" | ")[0].removeprefix("| ") not in names]
    return head + heading + "\n".join([*kept, *report.table_lines(figures)]) + blank + tail


def _shortfalls(page: str, figures: Sequence[Figure]) -> str:
    head, heading, rest = page.partition("## Where it falls short\n\n")
    listed, blank, tail = rest.partition("\n\n")
    names = tuple(f"* {one.what}: " for one in figures)
    kept = [line for line in listed.split("\n") if not line.startswith((*names, "Nowhere"))]
    lines = [*kept, *report.shortfall_lines(figures)]
    return head + heading + "\n".join(lines or [report.NO_SHORTFALL]) + blank + tail


def _notes(page: str, name: str, figures: Sequence[Figure], when: str) -> str:
    head, heading, rest = page.partition("## Row by row\n\n")
    notes, blank, tail = rest.partition("\n\n")
    blocks = re.split(r"\n(?=\* \*\*)", notes)
    kept = [block for block in blocks if not block.startswith(f"* **{name}**:")]
    block = "\n".join([*report.note_lines(name, figures), f"  * measured by itself, {when}"])
    return head + heading + "\n".join([*kept, block]) + blank + tail


def _section(page: str, heading: str, text: str) -> str:
    """The page with one section anew, or with it before the notes where it had none."""
    before, found, rest = page.partition(f"## {heading}\n")
    if not found:
        before, notes, rest = page.partition("## Row by row\n")
        return f"{before}{text}\n{notes}{rest}"
    _, following, rest = rest.partition("\n## ")
    return f"{before}{text}{following}{rest}"
