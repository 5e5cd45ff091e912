"""Puts single rows measured anew into the page that is there, and leaves the others as they were."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set

from benchmarks import report
from benchmarks.measure import Figure


def merge(page: str, figures: Mapping[str, Sequence[Figure]], when: str, *, has_plots: bool = False) -> str:
    """The page with these rows in it; `when` and where they were measured is said with them.

    What a row told before goes with its old self, also a figure that has another name today.
    """
    everything = [one for found in figures.values() for one in found]
    names = {one.what for one in everything} | _told_before(page, figures)
    page = _table(page, everything, names)
    page = _shortfalls(page, everything, names)
    for name, found in figures.items():
        page = _notes(page, name, found, when)
    for growth in report.growths(everything):
        page = _section(page, growth.heading, report.growth_section(growth, has_plot=has_plots))
    return _standing(page)


def _standing(page: str) -> str:
    """The page with today's words on how to measure and how it is done."""
    page = _section(page, "Measure it yourself", report.REPRODUCE)
    rounds = re.search(r"Each figure is the median of ([^;]+);", page)
    if rounds is None:
        return page
    return _section(page, "How it is measured", report.METHOD.format(rounds=rounds[1]))


def _told_before(page: str, figures: Mapping[str, Sequence[Figure]]) -> set[str]:
    """The figures of the table that the notes of these rows speak of."""
    notes = " ".join(
        " ".join(block.split()) for name in figures for block in _blocks(page)[1] if _is_of(block, name)
    )
    return {name for name in map(_name, _lines_of_table(page)) if f"* {name}: " in notes}


def _lines_of_table(page: str) -> list[str]:
    _, _, rest = page.partition("## Figures\n\n")
    table, _, _ = rest.partition("\n\n")
    return table.split("\n")[2:]


def _name(line: str) -> str:
    return line.partition(" | ")[0].removeprefix("| ")


def _table(page: str, figures: Sequence[Figure], names: Set[str]) -> str:
    head, heading, rest = page.partition("## Figures\n\n")
    table, blank, tail = rest.partition("\n\n")
    kept = [line for line in table.split("\n") if _name(line) not in names]
    return head + heading + "\n".join([*kept, *report.table_lines(figures)]) + blank + tail


def _shortfalls(page: str, figures: Sequence[Figure], names: Set[str]) -> str:
    head, heading, rest = page.partition("## Where it falls short\n\n")
    listed, blank, tail = rest.partition("\n\n")
    begins = tuple(f"* {name}: " for name in names)
    kept = [line for line in listed.split("\n") if not line.startswith((*begins, "Nowhere"))]
    lines = [*kept, *report.shortfall_lines(figures)]
    return head + heading + "\n".join(lines or [report.NO_SHORTFALL]) + blank + tail


def _notes(page: str, name: str, figures: Sequence[Figure], when: str) -> str:
    before, blocks, after = _blocks(page)
    kept = [block for block in blocks if not _is_of(block, name)]
    block = "\n".join([*report.note_lines(name, figures), report.wrapped(f"measured by itself, {when}")])
    return before + "\n".join([*kept, block]) + after


def _blocks(page: str) -> tuple[str, list[str], str]:
    """What stands before the notes, those of each row, and what stands behind them."""
    head, heading, rest = page.partition("## Row by row\n\n")
    notes, blank, tail = rest.partition("\n\n")
    return head + heading, re.split(r"\n(?=\* \*\*)", notes), blank + tail


def _is_of(block: str, name: str) -> bool:
    return block.startswith(f"* **{name}**:")


def _section(page: str, heading: str, text: str) -> str:
    """The page with one section anew, or with it before the notes where it had none."""
    before, found, rest = page.partition(f"## {heading}\n")
    if not found:
        before, notes, rest = page.partition("## Row by row\n")
        return f"{before}{text}\n{notes}{rest}"
    _, following, rest = rest.partition("\n## ")
    return f"{before}{text}{following}{rest}"
