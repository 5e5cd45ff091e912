"""Runs on the real road: a swarm over HTTP, a model server, and a worker that walks what can be claimed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from limits import Limits
from runs import views
from runs.entering import House, new_run
from runs.request import read_start
from store import claims, runs
from store.lanes import Gate
from store.records import Claim
from testing.durable_runs import EveryModel
from testing.model_server import ModelServer
from tests.integration.road_rig import RoadRig

#: Dollars per million tokens, so that a test can say what calls cost.
PRICES: dict[str, Any] = {"llm_price_input": 1.0, "llm_price_output": 1.0, "budget_day_usd": 100.0}


class RunRoadRig(RoadRig):
    """Starts runs and walks their tasks one by one, as one worker does."""

    def __init__(self, root: Path, server: ModelServer, **settings: Any) -> None:
        super().__init__(root, llm_base_url=server.url, llm_model="test-model", **PRICES | settings)
        self.house = House(Limits(), EveryModel(), Path("/nonexistent/policies.toml"))

    def start(self, **request: Any) -> str:
        """Start a run; its id."""
        made = new_run(read_start(request), self.house)
        return str(self.store.write(lambda tx: runs.start(tx, made, "test", self.store.limits))["id"])

    def step(self) -> bool:
        """Claim one task and walk it; false where none can be claimed."""
        self.store.promote_due()
        taken = self.store.write(lambda tx: claims.claim(tx, self.who, 1, Gate(), self.store.limits))
        for row in taken:
            self.road().walk(Claim.from_row(row))
        return bool(taken)

    def go(self, run_id: str) -> dict[str, Any]:
        """Walk until nothing can be claimed; the run as its page tells it."""
        while self.step():
            pass
        return self.shown(run_id)

    def shown(self, run_id: str) -> dict[str, Any]:
        """A run as its page tells it."""
        row = self.store.reader.one("get_run", id=run_id)
        assert row is not None
        return views.whole(self.store.reader, row)
