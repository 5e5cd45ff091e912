"""When each task of a run ran: a bar a task, from its last start to its end, as SVG (w3.org/TR/SVG2)."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

from markupsafe import Markup

from clock import to_rfc3339
from panel.context import Panel
from panel.graph_picture import task_href
from panel.run_words import word_of
from panel.words import one_line, plain
from redaction import clean_value

#: Bars of a picture: the tasks that took longest.
MOST_BARS: Final = 120
#: User units of the picture.
WIDTH: Final = 1000
NAME_WIDTH: Final = 190
ROW: Final = 22
HEAD: Final = 26
#: Letters of a name that fit beside a bar.
_FIT: Final = 24
#: Marks of the axis, and the steps between them, in seconds.
_MARKS: Final = 8
_STEPS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400)

_BAR: Final = Markup(
    '<a href="%(href)s" aria-label="%(label)s"><title>%(label)s</title>'
    '<text class="name" x="%(name_x)s" y="%(text_y)s" text-anchor="end">%(name)s</text>'
    '<rect class="bar %(state)s" x="%(x)s" y="%(y)s" width="%(width)s" height="14" rx="3"/></a>\n'
)
_MARK: Final = Markup(
    '<line class="mark" x1="%(x)s" y1="%(top)s" x2="%(x)s" y2="%(bottom)s"/>'
    '<text class="at" x="%(x)s" y="14" text-anchor="middle">%(told)s</text>\n'
)


def bars_of(here: Panel, run: sqlite3.Row) -> dict[str, Any]:
    """When the tasks of a run ran, those that took longest, in the order of their starts."""
    return here.run_usage.keep("bars", run, lambda: _bars(here, run))


def _bars(here: Panel, run: sqlite3.Row) -> dict[str, Any]:
    now = here.reader.now()
    rows = here.reader.all("run_bars", run=run["seq"], now=now, limit=MOST_BARS + 1)
    until = now if run["finished"] is None else run["finished"]
    told = {
        "since": to_rfc3339(run["created"]),
        "seconds": max(0.0, until - run["created"]),
        "more": len(rows) > MOST_BARS,
        "bars": [
            _bar(row, run["created"], now) for row in sorted(rows[:MOST_BARS], key=lambda row: row["started"])
        ],
    }
    shown: dict[str, Any] = clean_value(told)
    return shown


def _bar(row: sqlite3.Row, since: float, now: float) -> dict[str, Any]:
    end = now if row["finished"] is None else row["finished"]
    return {
        "id": row["name"],
        "task_id": row["id"],
        "state": word_of(row["state"], row["code"], row["attempts"], row["lane"]),
        "start_s": max(0.0, row["started"] - since),
        "end_s": max(0.0, end - since, row["started"] - since),
        "is_running": row["finished"] is None,
    }


# -- drawing -----------------------------------------------------------------------------------------------


def height_of(timeline: dict[str, Any]) -> int:
    """User units of the whole picture."""
    return HEAD + ROW * len(timeline["bars"]) + 4


def drawn(timeline: dict[str, Any]) -> Markup:
    """The bars, and the marks of time behind them."""
    end = max([1.0, timeline["seconds"], *(each["end_s"] for each in timeline["bars"])])
    scale = (WIDTH - NAME_WIDTH - 44) / end
    return _marks(end, scale, height_of(timeline)) + Markup().join(
        _drawn_bar(number, each, scale) for number, each in enumerate(timeline["bars"])
    )


def _drawn_bar(number: int, bar: dict[str, Any], scale: float) -> Markup:
    top = HEAD + ROW * number
    how_long = span_text(bar["end_s"] - bar["start_s"])
    state = bar["state"].replace("_", " ")
    told = f"{plain(bar['id'])}: {state}, {'so far ' if bar['is_running'] else ''}{how_long}"
    return _BAR % {
        "href": task_href(bar["task_id"]),
        "label": told,
        "name": one_line(bar["id"], _FIT),
        "name_x": NAME_WIDTH - 8,
        "text_y": top + 13,
        "state": bar["state"],
        "x": round(NAME_WIDTH + bar["start_s"] * scale, 1),
        "y": top + 2,
        "width": round(max(3.0, (bar["end_s"] - bar["start_s"]) * scale), 1),
    }


def _marks(end: float, scale: float, bottom: int) -> Markup:
    step = next((each for each in _STEPS if end / each <= _MARKS), max(_STEPS[-1], int(end / _MARKS) + 1))
    return Markup().join(
        _MARK
        % {
            "x": round(NAME_WIDTH + second * scale, 1),
            "top": HEAD - 6,
            "bottom": bottom,
            "told": span_text(second) if second else "start",
        }
        for second in range(0, int(end) + 1, step)
    )


def span_text(seconds: float) -> str:
    """A span of time as people say it: ``12 s``, ``4 min 5 s``, ``3 h 20 min``, ``2 d 4 h``."""
    if seconds < 10:
        return f"{seconds:.3g} s"
    whole = round(seconds)
    for large, name, small, other in ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= large:
            rest = whole % large // small
            return f"{whole // large} {name}" + (f" {rest} {other}" if rest else "")
    return f"{whole} s"
