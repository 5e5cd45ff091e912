"""Tool routing: what one route costs among 10 to 10,000 tools, and how often the right one is found."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

from benchmarks.measure import Bar, Bench, Figure, figure, percentile
from benchmarks.tool_routing import accuracy, latency
from benchmarks.tool_routing.accuracy import Accuracy
from benchmarks.tool_routing.latency import Latency
from store.full_text import FullText
from tool_router import ToolRouter
from toolbox.tool import Tool
from toolbox.words import plain_words

#: Micro-seconds that a route may cost among the most tools.
MOST_US = 5_000
#: Right answers of a hundred that the best lexical ranking reached before, on requests it had not seen.
LEAST_RIGHT = 74.4


def run(bench: Bench) -> list[Figure]:
    """Measure cost by number of tools beside the bare full-text search, and accuracy by half of the set."""
    tools, requests = accuracy.read_tools(), accuracy.read_requests()
    texts = [each.text for each in requests]
    sizes = [size for size in latency.SIZES if size <= bench.size(10_000, 1_000)]
    figures = [_cost(bench, tools, texts, size) for size in sizes]
    router = ToolRouter(tools)
    for half in accuracy.HALVES:
        found = accuracy.measure(accuracy.answer(router, [each for each in requests if each.half == half]))
        figures += _accuracy(half, found)
    return figures


def _cost(bench: Bench, tools: Sequence[Tool], texts: Sequence[str], size: int) -> Figure:
    routed: list[Latency] = []

    def route() -> float:
        routed.append(latency.measure(tools, texts, size))
        return routed[-1].p50_us

    found = bench.alternate({"route": route, "search": lambda: _search_us(latency.many(tools, size), texts)})
    p99 = statistics.median(each.p99_us for each in routed)
    build = statistics.median(each.build_s for each in routed)
    return figure(
        f"one route among {size:,} tools: p50",
        "us",
        found["route"],
        beside={"bare full-text search, best 32": found["search"]},
        bar=Bar(MOST_US, "under", "figure") if size == max(latency.SIZES) else None,
        note=f"p99 {p99:,.0f} us; the index is built in {build:.2f} s",
    )


def _search_us(tools: Sequence[Tool], texts: Sequence[str]) -> float:
    """Micro-seconds of SQLite's own search over the same texts for every word of a request: the median."""
    rows = ((at, tool.name, tool.description, " ".join(tool.examples)) for at, tool in enumerate(tools))
    text = FullText(rows)
    taken = []
    for each in texts:
        words = plain_words(each)
        began = time.perf_counter()
        text.find(words, 32)
        taken.append((time.perf_counter() - began) * 1e6)
    text.close()
    return percentile(taken, 0.5)


def _accuracy(half: str, found: Accuracy) -> list[Figure]:
    told = {"tuned": "requests it was tuned on", "held_out": "requests nobody tuned on"}[half]
    right = figure(
        f"tool routing, {told}: right answers",
        "%",
        [100 * found.share],
        bar=Bar(LEAST_RIGHT, "at least", "figure"),
        note=(
            f"{found.right} of {found.count}; of {found.for_a_tool} that a tool is for, {found.found} found "
            f"it, {found.ranked_first} ranked it first, {found.missed} found none, {found.wrong_tool} another"
        ),
    )
    false = figure(
        f"tool routing, {told}: a tool where none fits",
        "%",
        [100 * found.false_matches / max(found.for_none, 1)],
        note=f"{found.false_matches} of {found.for_none}",
    )
    return [right, false]
