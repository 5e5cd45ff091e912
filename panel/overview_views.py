"""Who works, and what answers: a line for each process of the daemon and each model, for the first page."""

from __future__ import annotations

import math
import sqlite3
from dataclasses import dataclass
from typing import Any, Final

import host_platform
from clock import to_rfc3339
from panel.context import Panel
from panel.words import one_line
from redaction import clean
from store import processes, rates
from store.capacity import CAPACITY, Capacity
from store.model_standing import server_trouble
from store.reading import MODEL_STATUS


@dataclass(frozen=True)
class Line:
    """How one process or model stands."""

    name: str
    #: a stable word: up, starting, down, leaving; of models also configured, waits
    state: str
    #: the sentence about it
    told: str
    #: how full its bar is, and of how much; none: it has none
    value: float | None = None
    most: float | None = None
    #: what the bar says, in words
    bar: str = ""
    #: when its last heartbeat came, RFC 3339; none where it holds nothing to renew
    beat: str | None = None


def capacity_of(here: Panel) -> tuple[Capacity, dict[str, bool]]:
    """How much is wanted, and whether a person has set it."""
    fact = here.reader.fact(CAPACITY) or {}
    return Capacity.of(fact, here.settings), {
        name: fact.get(name) is not None for name in ("workers", "pace")
    }


def workers_of(here: Panel) -> list[Line]:
    """Every worker that is known of: by its supervisor, or by what it runs."""
    fact = here.reader.fact(processes.PROCESSES) or {}
    held = {row["worker_id"]: row for row in here.reader.all("held_by_workers")}
    wanted, _ = capacity_of(here)
    names = [name for name in fact if name.startswith(processes.WORKER)]
    names += [name for name in held if name not in fact]
    return [_worker(here, name, fact, held.get(name), wanted) for name in sorted(names, key=_order)]


def heartbeats_of(here: Panel) -> list[tuple[object, ...]]:
    """What changes with every heartbeat of a worker that runs something."""
    return [tuple(row) for row in here.reader.all("held_by_workers")]


def _order(name: str) -> tuple[int, str]:
    return processes.number_of(name) or 1000, name


def _worker(here: Panel, name: str, fact: dict[str, Any], held: sqlite3.Row | None, wanted: Capacity) -> Line:
    running = 0 if held is None else int(held["count"])
    state, told = _state(name, fact)
    pace = wanted.pace_of(processes.number_of(name) if name in fact else None)
    if state == "up" and pace == 0:
        state, told = "leaving", "goes when what it runs has ended"
    return Line(
        name=clean(name),
        state=state,
        told=told,
        value=running,
        most=max(pace, running, 1),
        bar=f"{running} of {pace} running" if running <= pace else f"{running} running, then at most {pace}",
        beat=_beat(here, held),
    )


def _state(name: str, fact: dict[str, Any]) -> tuple[str, str]:
    told = fact.get(name)
    if told is None or told["up"]:
        return "up", ""
    if told["reason"] is None:
        return "starting", ""
    return "down", one_line(clean(str(told["reason"])))


def _beat(here: Panel, held: sqlite3.Row | None) -> str | None:
    """When the leases were renewed last; none where nobody can tell, as after a restart of the machine."""
    if held is None or held["lease_expires"] is None or not held["owner"]:
        return None
    if not str(held["owner"]).startswith(host_platform.boot_id()):
        return None
    ago = here.settings.lease_s - (held["lease_expires"] - here.clock.monotonic())
    return to_rfc3339(here.clock.now() - max(0.0, ago))


def swarm_of(here: Panel) -> Line | None:
    """The process that executes; none where no supervisor tells of it."""
    fact = here.reader.fact(processes.PROCESSES) or {}
    if processes.SWARM not in fact:
        return None
    state, told = _state(processes.SWARM, fact)
    return Line(processes.SWARM, state, told or "executes commands and model calls")


#: What a model is called that answers where a task names none.
_UNKNOWN: Final = "no model"


def models_of(here: Panel) -> list[Line]:
    """The model that answers, and how often each whose rate is limited may still be asked."""
    fact = here.reader.fact(MODEL_STATUS)
    lines = [] if fact is None else [_model(fact)]
    server = lines[0].state if lines else "up"
    limits = rates.RateLimits.of_fact(here.reader.fact(rates.RATE_LIMITS))
    for row in here.reader.all("buckets") if limits.models else []:
        most = limits.of(row["model"]).get(row["kind"])
        if most is not None:
            lines.append(_bucket(here, row, most, server))
    return lines


def _model(fact: dict[str, Any]) -> Line:
    name = one_line(clean(str(fact.get("model") or _UNKNOWN)))
    endpoint = one_line(clean(str(fact.get("endpoint") or "")))
    if not fact["ready"]:
        return Line(name, "down", one_line(clean(str(fact["reason"]))))
    if fact.get("reached") is None:
        return Line(name, "configured", f"at {endpoint}, not asked yet" if endpoint else "not asked yet")
    trouble = server_trouble(fact)
    if trouble is None:
        return Line(name, "up", f"answers at {endpoint}" if endpoint else "answers")
    return Line(name, "down", one_line(clean(trouble)))


def _bucket(here: Panel, row: sqlite3.Row, most: int, server: str) -> Line:
    """What is left of a model's minute; `server` is how the server of all of them stands."""
    level = rates.level_at(row, most, here.clock.monotonic(), host_platform.boot_id())
    left = max(0, math.floor(level))
    kind = str(row["kind"])
    return Line(
        name=one_line(clean(row["model"])),
        state=server if left else "waits",
        told=f"{most:,} {kind} a minute",
        value=left,
        most=most,
        bar=f"{left:,} of {most:,} {kind} left",
    )
