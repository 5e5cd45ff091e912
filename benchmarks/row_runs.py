"""The orchestrator in memory: what it costs to drive graphs of tasks whose work takes no time.

Everything that a real run does is done: the context of each task is built and compacted, tokens and worst
case are estimated, money is reserved and booked, answers are routed. Only the work itself is nothing. It is
done in the run's own thread, as the figures are about the orchestrator and not about the hand-over between
threads, which stands beside: a chain in threads waits for two of them for each task. The figures are by
the clock on the wall; the CPU time of the same rounds is told with them, as others on the machine disturb it
less.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from benchmarks.curves import SIZES, Curve, Growth, sized_figure
from benchmarks.measure import Bar, Bench, Figure, figure
from run_contract.job import Job
from run_contract.policy import RunPolicy
from run_contract.records import RunState, RunTask, TaskInput, TaskResult, Usage
from runs.factory import Options, new_orchestrator_with_defaults, new_run
from runs.inline_executor import InlineExecutor

POLICY: Final = RunPolicy.model_validate({"max_parallelism": 8, "budget_limit": {"amount": 1_000}})
MODEL: Final = "claude-3-haiku-20240307"
#: Tasks a second of an orchestrator in Go that drives graphs batch by batch, at 100, 1,000 and 10,000 tasks,
#: as once measured on another machine of two cores under load.
ELSEWHERE: Final = {
    "chain": ("40,000 to 81,000", "10,000 to 16,000", "1,000 to 1,200"),
    "fan-out": ("85,000 to 162,000", "53,000 to 124,000", "25,000 to 81,000"),
    "diamonds": ("55,000 to 72,000", "30,000 to 39,000", "3,500 to 6,700"),
    "layers of 10": ("66,000 to 71,000", "29,000 to 44,000", ""),
    "layers of 100": ("", "", "6,000 to 8,000"),
}
#: Tasks of one measurement, so that small graphs are driven often enough to be timed.
AT_LEAST: Final = 5_000

Graph = Callable[[int], list[RunTask]]


@dataclass(frozen=True, slots=True)
class Driven:
    """How fast a graph was driven."""

    #: tasks a second by the clock on the wall
    rate: float
    #: tasks a second of CPU
    of_cpu: float


def run(bench: Bench) -> list[Figure]:
    """Measure each graph at each size."""
    sizes = SIZES[:2] if bench.is_quick else SIZES
    measurements: dict[str, Callable[[], Driven]] = {}
    for name, graph in GRAPHS.items():
        for size in sizes:
            measurements[_name(name, size)] = _measure(graph, size, in_threads=False)
    measurements["threads"] = _measure(chain, sizes[-1], in_threads=True)
    found = bench.alternate(measurements)
    threads = [one.rate for one in found["threads"]]
    return [
        *(_figure(name, sizes, found) for name in GRAPHS),
        figure(f"a chain of {sizes[-1]:,} tasks, each handed to a thread and back", "tasks/s", threads),
    ]


def growth(figures: list[Figure]) -> Growth:
    """What the plot shows."""
    return Growth(
        "How runs in memory grow",
        "performance-runs.svg",
        "tasks a second, in memory",
        [Curve.of_figures(name, _what(name), figures, ELSEWHERE[name]) for name in GRAPHS],
        elsewhere="in Go, batch by batch, on another machine",
    )


def _figure(name: str, sizes: tuple[int, ...], found: Mapping[str, list[Driven]]) -> Figure:
    """The largest graph, with the smaller ones beside it; wide layers have many edges, and no bar."""
    of_cpu = statistics.median(one.of_cpu for one in found[_name(name, sizes[-1])])
    told = f"{of_cpu:,.0f} tasks a second of CPU"
    if ELSEWHERE[name][-1]:
        told += f"; batch by batch in Go, on another machine: {ELSEWHERE[name][-1]} tasks/s"
    return sized_figure(
        _what(name),
        {size: [one.rate for one in found[_name(name, size)]] for size in sizes},
        bar=None if name == "layers of 100" else Bar(10_000, "at least", "figure"),
        note=told,
    )


def _what(name: str) -> str:
    return f"{name}: {{size}} tasks through the orchestrator in memory"


def _name(name: str, size: int) -> str:
    return f"{name} of {size:,}"


def _measure(graph: Graph, size: int, *, in_threads: bool) -> Callable[[], Driven]:
    def measure() -> Driven:
        executor = None if in_threads else InlineExecutor(POLICY.max_parallelism, work)
        made = new_orchestrator_with_defaults(POLICY, work, Options(executor=executor))
        made.parts.calculator.worst_case([], MODEL, 1)  # loads the price list
        times = max(1, AT_LEAST // size)
        runs = [new_run(f"run-{number}", graph(size), POLICY) for number in range(times)]
        began = time.perf_counter(), time.process_time()
        for each in runs:
            made.run(each)
        ended = time.perf_counter(), time.process_time()
        made.close()
        assert all(each.state is RunState.COMPLETED for each in runs)
        taken, spent = (end - begin for begin, end in zip(began, ended, strict=True))
        return Driven(times * size / taken, times * size / spent)

    return measure


def work(job: Job) -> TaskResult:
    """Nothing, with an answer."""
    return TaskResult("ok", usage=Usage(10, 1))


def _task(number: int, *deps: int) -> RunTask:
    return RunTask(f"t{number:05}", TaskInput("x" * 40), [f"t{dep:05}" for dep in deps], model=MODEL)


def chain(size: int) -> list[RunTask]:
    """One after the other."""
    return [_task(n, *([n - 1] if n else [])) for n in range(size)]


def fan_out(size: int) -> list[RunTask]:
    """One, then all the others."""
    return [_task(n, *([0] if n else [])) for n in range(size)]


def diamonds(size: int) -> list[RunTask]:
    """One, nine, one, nine, and so on."""
    return [_task(n, *_before_in_diamonds(n)) for n in range(size)]


def _before_in_diamonds(number: int) -> range:
    if number % 10:
        return range(number - number % 10, number - number % 10 + 1)
    return range(max(0, number - 9), number)


def layers(width: int) -> Graph:
    """Layers in which each task needs all of the layer before."""

    def graph(size: int) -> list[RunTask]:
        tasks = []
        for n in range(size):
            first = n - n % width
            tasks.append(_task(n, *(range(first - width, first) if first else [])))
        return tasks

    return graph


GRAPHS: Final[dict[str, Graph]] = {
    "chain": chain,
    "fan-out": fan_out,
    "diamonds": diamonds,
    "layers of 10": layers(10),
    "layers of 100": layers(100),
}
