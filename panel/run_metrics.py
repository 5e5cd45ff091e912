"""Runs, model calls and attempts in figures for Prometheus, read from counters and an index."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from money import MICROS_PER_DOLLAR
from store.reading import Reader
from telemetry.figures import SECONDS, SHARES, Figures, Histogram

#: Every state that a run may be in, so that none is missing while nothing is in it.
RUN_STATES: Final = ("running", "aborting", "completed", "failed", "aborted")
#: The counters: name in `Figures`, name here, what it counts, its labels.
_COUNTERS: Final = (
    (
        "tokens",
        "skep_model_tokens",
        "Tokens of model calls by direction, where the server counted.",
        ["model", "direction"],
    ),
    ("calls", "skep_model_calls", "Model calls by how they ended.", ["model", "outcome"]),
    ("denials", "skep_budget_denials", "Model calls that were not let go, by the rule.", ["reason"]),
    ("run_tasks", "skep_run_tasks_ended", "Tasks of runs that ended, by status.", ["status"]),
)


def of_runs(reader: Reader) -> Iterator[Metric]:
    """How many runs are in each state."""
    runs = GaugeMetricFamily("skep_runs", "Runs by state.", labels=["state"])
    counts = {row["state"]: row["count"] for row in reader.all("runs_by_state")}
    for state in RUN_STATES:
        runs.add_metric([state], counts.get(state, 0))
    yield runs


def of_calls(figures: Figures) -> Iterator[Metric]:
    """What model calls and attempts have come to since the home was first followed."""
    with figures.lock:
        for name, called, told, labels in _COUNTERS:
            yield _counter(called, told, labels, getattr(figures, name))
        dollars = {key: micros / MICROS_PER_DOLLAR for key, micros in figures.micros.items()}
        yield _counter("skep_model_cost_dollars", "Dollars booked for model calls.", ["model"], dollars)
        seconds = HistogramMetricFamily(
            "skep_attempt_seconds", "Seconds that attempts ran, by model; commands: local.", labels=["model"]
        )
        for key, each in figures.seconds.items():
            seconds.add_metric([*key], _buckets(each, SECONDS), each.total)
        yield seconds
        told = "Share of what was reserved for a settled model call that it did not cost; 0: it was exact."
        errors = HistogramMetricFamily("skep_estimate_error_ratio", told)
        errors.add_metric([], _buckets(figures.errors, SHARES), figures.errors.total)
        yield errors


def _counter(name: str, told: str, labels: list[str], values: dict[Any, Any]) -> Metric:
    found = CounterMetricFamily(name, told, labels=labels)
    for key, value in values.items():
        found.add_metric([*key], value)
    return found


def _buckets(kept: Histogram, bounds: tuple[float, ...]) -> list[tuple[str, float]]:
    """Counts at or under each bound, the last one of all (prometheus.io, histograms are cumulative)."""
    seen, found = 0, []
    for name, count in zip([*(f"{bound:g}" for bound in bounds), "+Inf"], kept.counts, strict=True):
        seen += count
        found.append((name, float(seen)))
    return found
