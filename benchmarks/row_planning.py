"""Planning: what reading a prompt costs each task, and how often a plan is what a person would make.

The prompts of ``planning/tuned.jsonl`` were looked at while the rules were written; those of
``planning/held_out.jsonl`` were written afterwards. No rule was changed for them, but the list of verbs was
made longer once they had been read; `AT_FIRST_SIGHT` is what they gave before. Each line holds a prompt and,
part by part, the parts it needs, from 1; an empty list stands for a prompt that is to stay whole.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.measure import Bar, Bench, Beside, Figure, figure
from planning.plan import PlanRules, consider
from planning.subtasks import id_candidates, make_subtasks
from runtime_contract import Task

SETS: Final = Path(__file__).parent / "planning"
#: What the held-out prompts gave when they were first read.
AT_FIRST_SIGHT: Final = "at first sight 46 of 50 rightly split or left whole, 44 right in every edge"
#: What most tasks of a queue look like: one thing, in a sentence or two.
PLAIN: Final = "Summarise the notes of the meeting in two sentences. Keep it short and name the date."
COMPLEX: Final = (
    "Research the history of honey bees, then write a summary and a press release from it, "
    "and finally check both against the style guide. Do not use jargon."
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A prompt and the plan a person would make of it."""

    prompt: str
    after: list[list[int]]


@dataclass(frozen=True, slots=True)
class Judged:
    """How a set was judged."""

    count: int
    #: prompts that were rightly split or left whole
    decided: int
    #: prompts whose parts and edges are all as they should be
    exact: int
    #: prompts that should have stayed whole and were split
    split_wrongly: int
    #: prompts that should stay whole
    whole: int


def run(bench: Bench) -> list[Figure]:
    """Measure what a prompt costs, and hold both sets to what a person would make of them."""
    times = bench.size(2_000, 200)
    results = bench.alternate(
        {
            "plain": lambda: _cost(PLAIN, times),
            "complex": lambda: _cost(COMPLEX, times),
        }
    )
    sets = {name: judge(read_set(name)) for name in ("held_out", "tuned")}
    return [
        figure(
            "planning cost of a task that runs as one",
            "µs",
            results["plain"],
            bar=Bar(500, "under", "figure"),
            note="the gut check of two sentences; every model task pays it once",
        ),
        figure(
            "planning cost of a task that is split in four",
            "µs",
            results["complex"],
            note="its parts, their edges, the intent and the subtasks' documents",
        ),
        *_figures("held out", sets["held_out"], AT_FIRST_SIGHT),
        *_figures("tuned", sets["tuned"]),
    ]


def _figures(name: str, judged: Judged, note: str = "") -> list[Figure]:
    never = 100 * judged.whole / judged.count
    return [
        _share(f"{name} prompts: rightly split or left whole", judged.decided, judged.count, never, note),
        _share(f"{name} prompts: every part and every edge right", judged.exact, judged.count, never, note),
        Figure(
            f"{name} prompts: split though they should stay whole",
            100 * judged.split_wrongly / judged.whole,
            "%",
            bar=Bar(5, "under", "figure"),
            note=f"{judged.split_wrongly} of {judged.whole}",
        ),
    ]


def _share(what: str, part: int, whole: int, never: float, note: str) -> Figure:
    told = f"{part} of {whole}{f'; {note}' if note else ''}"
    beside = [Beside("never splitting", never)]
    return Figure(what, 100 * part / whole, "%", beside, Bar(80, "at least", "figure"), note=told)


def read_set(name: str) -> list[Asked]:
    """The prompts of a set."""
    lines = (SETS / f"{name}.jsonl").read_text("utf-8").splitlines()
    return [Asked(told["prompt"], told["after"]) for told in map(json.loads, lines)]


def edges_of(prompt: str) -> list[list[int]]:
    """What a prompt is split into: part by part, the parts it needs, from 1."""
    split = consider(_task(prompt), PlanRules()).split
    return [] if split is None else [[place + 1 for place in part.after] for part in split.parts]


def judge(asked: list[Asked]) -> Judged:
    """Hold a set to what a person would make of it."""
    found = [(each.after, edges_of(each.prompt)) for each in asked]
    return Judged(
        len(found),
        sum(bool(wanted) == bool(got) for wanted, got in found),
        sum(wanted == got for wanted, got in found),
        sum(bool(got) and not wanted for wanted, got in found),
        sum(not wanted for wanted, _ in found),
    )


def _task(prompt: str) -> Task:
    return Task(id="task", mode="llm", prompt=prompt, max_budget=0.1)


def _cost(prompt: str, times: int) -> float:
    """Micro-seconds a task, as the worker's planning step takes them."""
    task, rules = _task(prompt), PlanRules()
    began = time.perf_counter()
    for _ in range(times):
        split = consider(task, rules).split
        if split is not None:
            make_subtasks(task, split, next(id_candidates("task", len(split.parts))), may_split=False)
    return (time.perf_counter() - began) / times * 1e6
