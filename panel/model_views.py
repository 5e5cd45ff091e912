"""Models as page and API show them: what they cost, what they may be asked, and how far that is used up."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

from clock import to_rfc3339
from cost.model_catalog import ModelFacts
from host_platform import boot_id
from panel.context import Panel
from redaction import clean_value
from store import rates
from store.lanes import EVERY_OTHER
from store.rates import PER_MINUTE, RateLimits
from store.reading import MODEL_STATUS

#: Models that are told.
MOST_MODELS: Final = 200


def models_of(here: Panel) -> dict[str, Any]:
    """Every model that was priced, is limited or is the one in use."""
    reader = here.reader
    prices = {row["model"]: row for row in reader.all("prices")}
    limits = RateLimits.of_fact(reader.fact(rates.RATE_LIMITS))
    buckets: dict[str, dict[str, sqlite3.Row]] = {}
    for row in reader.all("buckets"):
        buckets.setdefault(row["model"], {})[row["kind"]] = row
    status = reader.fact(MODEL_STATUS) or {}
    names = {*prices, *limits.models, *here.settings.model_limits, *buckets} - {EVERY_OTHER}
    in_use = status.get("model")
    ordered = sorted(names | ({in_use} if in_use else set()), key=lambda name: (name != in_use, name))
    told = {
        "in_use": in_use,
        "ready": bool(status.get("ready")),
        "reached": status.get("reached"),
        "endpoint": status.get("endpoint"),
        "reason": status.get("reason"),
        "models": [
            {
                "name": name,
                "in_use": name == in_use,
                **_price(prices.get(name)),
                "at_once": here.settings.model_limits.get(name),
                "rates": [_rate(here, *each, buckets.get(name, {})) for each in limits.of(name).items()],
            }
            for name in ordered[:MOST_MODELS]
        ],
    }
    shown: dict[str, Any] = clean_value(told)
    return shown


def _price(row: sqlite3.Row | None) -> dict[str, Any]:
    if row is None:
        return {"price": None, "source": None, "looked_up": None, "context_window": None, "max_output": None}
    facts = ModelFacts.of_row(row)
    return {
        "price": str(facts.price),
        "source": facts.source,
        "looked_up": None if row["noted"] is None else to_rfc3339(row["noted"]),
        "context_window": facts.context_window,
        "max_output": facts.max_output,
    }


def _rate(here: Panel, kind: str, per_minute: int, buckets: dict[str, sqlite3.Row]) -> dict[str, Any]:
    """How much of a minute's requests or tokens is left, and when all of it is there again."""
    level = rates.level_at(buckets.get(kind), per_minute, here.clock.monotonic(), boot_id())
    missing = per_minute - level
    full_at = here.clock.now() + missing * PER_MINUTE / per_minute
    return {
        "kind": kind,
        "per_minute": per_minute,
        "left": max(0, int(level)),
        "full_at": to_rfc3339(full_at) if missing > 0 else None,
    }
