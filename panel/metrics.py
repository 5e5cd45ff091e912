"""``/metrics``: the home in figures, in the text format of Prometheus.

Behind the same gate as the API: a scraper sends the execution token (``authorization: credentials_file:
.swarm/execution_token``, which Prometheus reads anew for each scrape). Figures only: no name of a task, no
text of one. Names follow prometheus.io/docs/practices/naming.
"""

from __future__ import annotations

from collections.abc import Iterator

import flask
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from money import MICROS_PER_DOLLAR
from panel import run_metrics
from panel.api import fields
from panel.context import Panel, panel
from panel.overview_views import capacity_of
from panel.standing import Standing, standing_of
from panel.version import version
from runtime_contract import ENDED
from store import processes
from store.reading import BREAKER, MODEL_STATUS, PAUSED, Reader

blueprint = flask.Blueprint("metrics", __name__)


@blueprint.get("/metrics")
def metrics() -> flask.Response:
    """The home in figures, for Prometheus."""
    fields.check_parameters(flask.request.args)
    registry = CollectorRegistry()
    registry.register(HomeCollector(panel()))
    return flask.Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class HomeCollector(Collector):
    """Reads the figures of one home when it is asked for them."""

    def __init__(self, here: Panel) -> None:
        self._here = here

    def describe(self) -> Iterator[Metric]:
        """Nothing is said ahead: names are known when they are read."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Every figure."""
        now = standing_of(self._here)
        build = GaugeMetricFamily("skep_build_info", "What runs, as labels.", labels=["version"])
        build.add_metric([version()], 1)
        yield build
        yield from _of_tasks(self._here, now)
        yield from _of_daemon(self._here, now)
        yield from _of_money(now)
        yield from run_metrics.of_runs(self._here.reader)
        figures = self._here.counters()
        if figures is not None:
            yield from run_metrics.of_calls(figures)


def _of_tasks(here: Panel, now: Standing) -> Iterator[Metric]:
    tasks = GaugeMetricFamily("skep_tasks", "Tasks by status.", labels=["status"])
    for status, count in now.counts.items():
        tasks.add_metric([status], count)
    yield tasks
    ends = here.ends.read(here.reader)
    ended = CounterMetricFamily(
        "skep_tasks_ended", "Ends of tasks by status; one sent back counts again.", labels=["status"]
    )
    for status in ENDED:
        ended.add_metric([status.value], ends.by_state[status.value])
    yield ended
    seconds = HistogramMetricFamily("skep_task_seconds", "Seconds from the last claim of a task to its end.")
    seconds.add_metric([], _buckets(here.reader, ends.by_bound), ends.seconds)
    yield seconds
    last = here.reader.one("last_event_seq")
    yield CounterMetricFamily("skep_events", "Events of the history.", value=last["seq"] if last else 0)
    yield GaugeMetricFamily("skep_decisions_open", "Decisions that wait for a person.", value=now.questions)


def _buckets(reader: Reader, by_bound: dict[float, int]) -> list[tuple[str, float]]:
    """Counts at or under each bound, the last one of all (prometheus.io, histograms are cumulative)."""
    seen, found = 0, []
    bounds = [row["within_s"] for row in reader.all("end_bounds")]
    for bound in bounds:
        seen += by_bound.get(bound, 0)
        found.append(("+Inf" if bound == bounds[-1] else f"{bound:g}", float(seen)))
    return found


def _of_daemon(here: Panel, now: Standing) -> Iterator[Metric]:
    wanted, _ = capacity_of(here)
    flags = {
        "skep_kill_switch": ("Whether the kill switch is on.", now.kill_switch is not None),
        "skep_paused": ("Whether claiming is paused.", here.reader.fact(PAUSED) is not None),
        "skep_circuit_breaker": ("Whether it has tripped.", here.reader.fact(BREAKER) is not None),
        "skep_worker_runs": ("Whether a worker leads this home.", now.worker_runs),
        "skep_workers_wanted": ("Worker processes that are wanted.", wanted.workers),
        "skep_pace": ("Tasks that each worker runs at once.", wanted.pace),
    }
    for name, (told, value) in flags.items():
        yield GaugeMetricFamily(name, told, value=float(value))
    up = GaugeMetricFamily("skep_process_up", "Processes of the daemon that are up.", labels=["process"])
    for name, fact in (here.reader.fact(processes.PROCESSES) or {}).items():
        up.add_metric([name], float(fact["up"]))
    yield up
    model = here.reader.fact(MODEL_STATUS)
    answers = bool(model and model["ready"] and model.get("reached") is not False)
    yield GaugeMetricFamily(
        "skep_model_ready",
        "Whether a model can be asked, and its server was reached when it was asked last.",
        value=float(answers),
    )


def _of_money(now: Standing) -> Iterator[Metric]:
    spent = GaugeMetricFamily("skep_spent_dollars", "Dollars spent of a limit.", labels=["limit"])
    granted = GaugeMetricFamily("skep_granted_dollars", "Dollars a limit has.", labels=["limit"])
    reserved = GaugeMetricFamily("skep_reserved_dollars", "Dollars reserved for calls.", labels=["limit"])
    for each in (now.day, now.total):
        spent.add_metric([each.limit], each.spent_micros / MICROS_PER_DOLLAR)
        reserved.add_metric([each.limit], each.reserved_micros / MICROS_PER_DOLLAR)
        if each.granted_micros is not None:
            granted.add_metric([each.limit], each.granted_micros / MICROS_PER_DOLLAR)
    yield from (spent, reserved, granted)
