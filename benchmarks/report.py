"""The page ``docs/performance.md``: the figures, what stood beside them, and where they fall short."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Final

from benchmarks import row_durable_runs, row_growth, row_runs
from benchmarks.curves import SIZES, Curve, Growth
from benchmarks.measure import Bar, Figure
from benchmarks.rows import ROWS

INTRODUCTION: Final = """\
# Performance

This page is written by `make bench`; nobody edits it. Every figure belongs to the machine described below, so
read the ratios: each is to a peer or a limit that ran on the same machine in the same run, the two taking
turns. The bars were set before the measurements, and where one is not reached the page says so.
"""

REPRODUCE: Final = """\
## Measure it yourself

```sh
make bench                              # everything, about half an hour; writes this page and the plots
make bench ARGS="--quick"               # the same with small numbers, for a look; leaves this page alone
make bench ARGS="--list"                # the rows
make bench ARGS="--only path --only drop"
make bench ARGS="--only planning --merge"   # one row anew, into this page
make bench ARGS="--json figures.json"   # the figures of every round
```

The peer is [huey](https://github.com/coleifer/huey) on SQLite with WAL and `synchronous=FULL`, one worker
thread and a function that does nothing: among the durable local queues in Python the fastest we found. It
takes a task out of its table as it starts it, so what ran in a crash is lost; Skep leases it, and runs
checks, an API call and a review besides, with four durable commits a task. A tenth of huey's rate is about
what celery on Redis reaches with bare no-op jobs. Limits are the same work with nothing around it: starting
`/bin/true` and capturing its output, posting with httpx to a Flask application, claiming rows in a table of
two columns.
"""

NO_SHORTFALL: Final = "Nowhere: every bar was reached in this run."

METHOD: Final = """\
## How it is measured

* Homes, queues and databases lie on one disk and are made anew for each round. Nothing is turned off to be
  faster: `synchronous=FULL` everywhere, the panel runs, `queue.json` and `execution_log.jsonl` are kept up.
* Each figure is the median of {rounds}; of the drops, all rounds are pooled.
* A rate is taken from the times in the history (`task.approved`), after a warm-up, not from when somebody
  looked. Where a number of tasks *waits*, that many still do when the measurement ends.
* The start of a task is its claim as the store has it, minus the instant before `queue.json` was renamed
  into place.
* `kill -9` hits supervisor, worker, swarm and panel in the middle of work; the clock starts at that moment
  and stops at the next claim.
* CPU is user and system time of worker, swarm, panel, the server they are forked from and the supervisor
  together; memory that of the first four. RSS counts a page that four share four times, PSS once.
"""


def write(
    figures: Mapping[str, Sequence[Figure]],
    machine: Mapping[str, str],
    *,
    rounds: int,
    is_quick: bool = False,
    has_plot: bool = False,
) -> str:
    """The page."""
    everything = [one for found in figures.values() for one in found]
    parts = [
        INTRODUCTION,
        "**These are small numbers to see that everything works; they say little.**\n" if is_quick else "",
        _table(everything),
        _shortfalls(everything),
        _growth(everything, has_plot),
        *(growth_section(each, has_plot=has_plot) for each in growths(everything)),
        _notes(figures),
        REPRODUCE,
        METHOD.format(rounds=f"{rounds} rounds" if rounds > 1 else "one round"),
        _machine(machine),
    ]
    return "\n".join(part for part in parts if part)


def _table(figures: Sequence[Figure]) -> str:
    lines = [
        "| what | Skep | beside it, same run | ratio | bar | |",
        "|---|---:|---|---:|---|---|",
        *table_lines(figures),
    ]
    return "\n".join(["## Figures\n", *lines, ""])


def table_lines(figures: Sequence[Figure]) -> list[str]:
    """A line of the table for each figure that has a bar or something beside it."""
    lines = []
    for one in figures:
        if one.bar is None and not one.beside:
            continue
        beside = "<br>".join(f"{each.name}: {number(each.value)} {one.unit}" for each in one.beside)
        ratio = "" if one.ratio is None else f"{one.ratio:.2f}"
        cells = [one.what, f"{number(one.value)} {one.unit}", beside, ratio, bar_text(one), verdict(one)]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def bar_text(one: Figure) -> str:
    """The bar in words."""
    if one.bar is None:
        return ""
    unit = "x" if one.bar.of == "ratio" else f" {one.unit}"
    return f"{one.bar.side} {one.bar.limit:g}{unit}"


def verdict(one: Figure) -> str:
    """Met, or not; empty where there is no bar."""
    if one.bar is None:
        return ""
    return {True: "met", False: "**falls short**", None: "not compared"}[one.is_met]


def _shortfalls(figures: Sequence[Figure]) -> str:
    lines = shortfall_lines(figures) or [NO_SHORTFALL]
    return "\n".join(["## Where it falls short\n", *lines, ""])


def shortfall_lines(figures: Sequence[Figure]) -> list[str]:
    """A line for each bar that was not reached, or could not be held to anything."""
    short = [one for one in figures if one.is_met is False]
    missing = [one for one in figures if one.bar is not None and one.is_met is None]
    lines = [f"* {one.what}: {_shortfall(one, one.bar)}." for one in short if one.bar is not None]
    return lines + [f"* {one.what}: what it is to be compared with was not measured." for one in missing]


def _shortfall(one: Figure, bar: Bar) -> str:
    reached = one.ratio if bar.of == "ratio" else one.value
    unit = "x" if bar.of == "ratio" else f" {one.unit}"
    return f"{number(reached or 0.0)}{unit} where {bar_text(one)} was to be reached"


def _growth(figures: Sequence[Figure], has_plot: bool) -> str:
    levels = row_growth.levels_of(list(figures))
    if not levels:
        return ""
    lines = ["## What a backlog costs\n"]
    if has_plot:
        lines += ["![tasks a second by the number of waiting tasks](performance.svg)\n"]
    lines += ["| waiting | tasks/s |", "|---:|---:|"]
    lines += [f"| {level:,} | {number(one.value)} |" for level, one in levels.items()]
    return "\n".join([*lines, ""])


def growths(figures: Sequence[Figure]) -> list[Growth]:
    """How runs grow, as far as that was measured."""
    found = [row_runs.growth(list(figures)), row_durable_runs.growth(list(figures))]
    return [each for each in found if each.is_measured]


def growth_section(growth: Growth, *, has_plot: bool) -> str:
    """The table of one, with its plot; what was measured elsewhere stands in lines of its own."""
    lines = [f"## {growth.heading}\n"]
    if has_plot:
        lines += [f"![{growth.unit} by the number of tasks]({growth.plot})\n"]
    heads = [f"{size:,} tasks" for size in SIZES]
    lines += [f"| tasks/s | {' | '.join(heads)} |", f"|---|{'---:|' * len(heads)}"]
    for curve in growth.curves:
        lines.append(_row(curve.name, [_rate(curve, size) for size in SIZES]))
        if any(curve.elsewhere):
            lines.append(_row(f"{curve.name}, {growth.elsewhere}", curve.elsewhere))
    return "\n".join([*lines, ""])


def _row(name: str, cells: Sequence[str]) -> str:
    return f"| {' | '.join([name, *cells])} |"


def _rate(curve: Curve, size: int) -> str:
    return number(curve.rates[size]) if size in curve.rates else ""


def _notes(figures: Mapping[str, Sequence[Figure]]) -> str:
    lines = ["## Row by row\n"]
    for row in ROWS:
        if row.name in figures:
            lines += note_lines(row.name, figures[row.name])
    return "\n".join([*lines, ""])


def note_lines(name: str, figures: Sequence[Figure]) -> list[str]:
    """What is said of one row: what it is about, and of each figure its rounds and its note."""
    told = next(row.told for row in ROWS if row.name == name)
    return [
        f"* **{name}**: {told}",
        *(wrapped(f"{one.what}: {_rounds(one)}{one.note}") for one in figures),
    ]


def wrapped(text: str) -> str:
    """A point of a list, in lines as long as those of the other documents."""
    return textwrap.fill(
        text,
        115,
        initial_indent="  * ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _rounds(one: Figure) -> str:
    shown = ""
    if 1 < len(one.runs) <= 12:
        shown = f"rounds {', '.join(number(each) for each in one.runs)} {one.unit}"
    elif len(one.runs) <= 1 or not one.note:
        shown = f"{number(one.value)} {one.unit}"
    return f"{shown}{'; ' if shown and one.note else ''}"


def _machine(machine: Mapping[str, str]) -> str:
    lines = [f"| {name} | {text} |" for name, text in machine.items()]
    return "\n".join(["## The machine\n", "| | |", "|---|---|", *lines, ""])


def number(value: float) -> str:
    """Three digits that count, with separators where there are more."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}".removesuffix(".0") if abs(value) >= 10 else f"{value:.2f}"
