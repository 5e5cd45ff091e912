"""What one route costs, by the number of tools: the set's own, and others made of their words."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.measure import percentile
from tool_router import ToolRouter
from toolbox.tool import Tool

SIZES: Final = (10, 1_000, 10_000)
#: Words that no request has; each made tool has some, so that tools differ as they do in life.
MADE_WORDS: Final = 8_000


@dataclass(frozen=True, slots=True)
class Latency:
    """What routing cost among so many tools."""

    tools: int
    #: seconds to build the index
    build_s: float
    #: micro-seconds of one route
    p50_us: float
    p99_us: float


def measure(tools: Sequence[Tool], requests: Sequence[str], size: int) -> Latency:
    """Build an index of `size` tools and route every request, once to warm up and once to be counted."""
    made = many(tools, size)
    began = time.perf_counter()
    router = ToolRouter(made)
    router.route("anything at all")
    build_s = time.perf_counter() - began
    for text in requests:
        router.route(text)
    taken = []
    for text in requests:
        began = time.perf_counter()
        router.route(text)
        taken.append((time.perf_counter() - began) * 1e6)
    return Latency(size, build_s, percentile(taken, 0.5), percentile(taken, 0.99))


def many(tools: Sequence[Tool], size: int) -> list[Tool]:
    """So many tools: the given ones, then near copies of them with words of their own."""
    chance = random.Random(1)
    syllables = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]
    own = ["".join(chance.choices(syllables, k=chance.randint(2, 4))) for _ in range(MADE_WORDS)]
    made = list(tools[:size])
    while len(made) < size:
        like = chance.choice(tools)
        words = chance.sample(own, 5)
        made.append(
            Tool(
                name=f"{like.name}-{len(made)}",
                description=f"{like.description} {' '.join(words[:3])}",
                examples=[f"{example} {words[3]}" for example in like.examples],
                keywords=[*like.keywords, words[4]],
            )
        )
    return made
