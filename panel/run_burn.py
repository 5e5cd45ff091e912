"""How a run's budget goes down: what was spent until each moment, against its limit and its warnings."""

from __future__ import annotations

import sqlite3
from typing import Any

from money import dollars_text
from panel.context import Panel
from panel.run_usage import Used
from panel.words import count_of
from runs import views
from store.budgets import WARN_AT


def burn_of(here: Panel, run: sqlite3.Row) -> dict[str, Any]:
    """Columns of equal length: moments, what was spent and used until then.

    The last moment is now, or the end, and tells what the accounts say: money of calls whose process died is
    in no attempt, but counts.
    """
    used = here.run_usage.of(here.reader, run) or Used(run["created"], 1.0, ())
    budget = views.budget_of(here.reader, run)
    now = here.reader.now() if run["finished"] is None else run["finished"]
    at, spent, tokens = [used.since], [0], [0]
    for step, _, some_tokens, micros in used.steps:
        at.append(min(now, used.since + (step + 1) * used.step_s))
        spent.append(spent[-1] + micros)
        tokens.append(tokens[-1] + some_tokens)
    at.append(max(now, at[-1]))
    spent.append(max(budget.spent_micros, spent[-1]))
    tokens.append(tokens[-1])
    limit = budget.granted_micros
    return {
        "at": at,
        "spent_micros": spent,
        "tokens": tokens,
        "reserved_micros": budget.reserved_micros,
        "limit_micros": limit,
        "marks": []
        if limit is None
        else [{"percent": each, "micros": limit * each // 100} for each in WARN_AT],
        "sentence": _sentence(spent[-1], tokens[-1], limit, budget.reserved_micros),
    }


def _sentence(spent: int, tokens: int, limit: int | None, reserved: int) -> str:
    of = "" if limit is None else f" of {dollars_text(limit)}"
    share = "" if not limit else f" ({spent * 100 // limit} %)"
    held = f", and {dollars_text(reserved)} reserved for calls under way" if reserved else ""
    return f"{dollars_text(spent)}{of}{share} spent{held}; {count_of(tokens, 'token')}."
