"""The orchestrator in memory: what it costs to drive graphs of tasks whose work takes no time.

Everything that a real run does is done: the context of each task is built and compacted, tokens and worst
case are estimated, money is reserved and booked, answers are routed. Only the work itself is nothing. It is
done in the run's own thread, as the figures are about the orchestrator and not about the hand-over between
threads, which stands beside: a chain in threads waits for two of them for each task. What runs in one thread
is measured by the CPU time that it took, so that others on the machine disturb it less.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from benchmarks.measure import Bar, Bench, Figure, figure
from run_contract.job import Job
from run_contract.policy import RunPolicy
from run_contract.records import RunState, RunTask, TaskInput, TaskResult, Usage
from runs.factory import Options, new_orchestrator_with_defaults, new_run
from runs.inline_executor import InlineExecutor

SIZES: Final = (100, 1_000, 10_000)
POLICY: Final = RunPolicy.model_validate({"max_parallelism": 8, "budget_limit": {"amount": 1_000}})
MODEL: Final = "claude-3-haiku-20240307"
#: Tasks a second of an orchestrator in Go that drives graphs batch by batch, at 10,000 tasks, as once
#: measured on another machine of two cores under load.
ELSEWHERE: Final = {
    "chain": "1,000 to 1,200",
    "fan-out": "25,000 to 81,000",
    "diamonds": "3,500 to 6,700",
    "layers of 100": "6,000 to 8,000",
}

Graph = Callable[[int], list[RunTask]]


def run(bench: Bench) -> list[Figure]:
    """Measure each graph at each size."""
    sizes = SIZES[:2] if bench.is_quick else SIZES
    measurements: dict[str, Callable[[], float]] = {}
    for name, graph in GRAPHS.items():
        for size in sizes:
            measurements[_name(name, size)] = _measure(graph, size, in_threads=False)
    measurements["threads"] = _measure(chain, sizes[-1], in_threads=True)
    rates = bench.alternate(measurements)
    found = [_figure(name, sizes, rates) for name in GRAPHS]
    found.append(
        figure(
            f"a chain of {sizes[-1]:,} tasks, each handed to a thread and back", "tasks/s", rates["threads"]
        )
    )
    return found


def _figure(name: str, sizes: tuple[int, ...], rates: dict[str, list[float]]) -> Figure:
    """The largest graph, with the smaller ones beside it; wide layers have many edges, and no bar."""
    note = f"batch by batch in Go, on another machine: {ELSEWHERE[name]}" if name in ELSEWHERE else ""
    return figure(
        f"{name}: {sizes[-1]:,} tasks through the orchestrator in memory",
        "tasks/s of CPU",
        rates[_name(name, sizes[-1])],
        beside={f"{size:,} tasks": rates[_name(name, size)] for size in reversed(sizes[:-1])},
        bar=None if name == "layers of 100" else Bar(10_000, "at least", "figure"),
        note=note,
    )


def _name(name: str, size: int) -> str:
    return f"{name} of {size:,}"


def _measure(graph: Graph, size: int, *, in_threads: bool) -> Callable[[], float]:
    def measure() -> float:
        executor = None if in_threads else InlineExecutor(POLICY.max_parallelism, work)
        made = new_orchestrator_with_defaults(POLICY, work, Options(executor=executor))
        made.parts.calculator.worst_case([], MODEL, 1)  # loads the price list
        times = max(1, 2_000 // size)
        runs = [new_run(f"run-{number}", graph(size), POLICY) for number in range(times)]
        now = time.perf_counter if in_threads else time.process_time
        began = now()
        for each in runs:
            made.run(each)
        taken = now() - began
        made.close()
        assert all(each.state is RunState.COMPLETED for each in runs)
        return times * size / taken

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
