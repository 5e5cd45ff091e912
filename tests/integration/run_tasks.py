"""A run of the daemon driven by hand, and the few words its tests say it in."""

from __future__ import annotations

from typing import Any

import pytest

from testing.durable_runs import DurableRuns

EUROS = {"amount": 1, "currency": "EUR"}
MAGIC = {"strategy": "magic"}


@pytest.fixture
def rig(store, who) -> DurableRuns:
    return DurableRuns(store, who, lambda name: f"ok:{name}")


def task(name: str, *deps: str, **fields: Any) -> dict[str, Any]:
    return {"id": name, "prompt": "x", "deps": [*deps], **fields}


def states(run: dict[str, Any]) -> dict[str, str]:
    return {name: one["state"] for name, one in run["tasks"].items()}


def failing(*names: str):
    def work(name: str) -> str:
        if name in names:
            raise ValueError("it broke")
        return f"ok:{name}"

    return work


def kinds(rig: DurableRuns) -> list[str]:
    return [row["event"] for row in rig.store.reader.events() if row["event"].startswith("run.")]
