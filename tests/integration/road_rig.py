"""A real swarm with a worker's road beside it, in one process: tasks are claimed and walked one by one."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from road.cycle_client import CycleClient
from road.judging import Judge
from road.personas import Personas
from road.planning import Planner
from road.rewarding import Rewarding
from road.routing import Routing
from road.run_prompts import RunPrompts
from road.screened_roster import ScreenedRoster
from road.walk import Road
from safety.gateway import SafetyGateway
from settings import Settings
from store import claims, planning
from store.lanes import Gate
from store.outputs import read_output
from store.records import Claim
from tests.integration.swarm_rig import SwarmRig
from tool_router import HomeTools
from worker import listening_swarm


class RoadRig(SwarmRig):
    """What a test needs to see a task go its way."""

    def __init__(self, root: Path, **settings: Any) -> None:
        super().__init__(root, **settings)
        self._calls: CycleClient | None = None

    def __exit__(self, *_: object) -> None:
        if self._calls is not None:
            self._calls.close()
        super().__exit__(*_)

    def road(self, **settings: Any) -> Road:
        """A worker's road; with `settings` one that was started after these had changed."""
        changed = Settings.model_validate(self.settings.model_dump() | settings)
        if self._calls is None:
            self._calls = CycleClient(functools.partial(listening_swarm, self.home), self.home.token)
        read = functools.partial(read_output, self.home.outputs)
        gateway = SafetyGateway(self.home, changed)
        judge = Judge(
            lambda ref, work: self.store.write(work),
            read,
            self.home.workspace,
            changed.attempt_policy,
            changed.review_sample,
            Rewarding(changed.default_identity),
            functools.partial(planning.whole_intent, self.store.reader),
            gateway.effect_of,
        )
        planner = Planner(self.store, gateway, read, changed, self._calls)
        roster = ScreenedRoster(self.home.identities, gateway)
        personas = Personas(self.store, roster, changed.default_identity)
        routing = Routing(HomeTools(self.home.root, changed), gateway)
        return Road(
            self.store,
            self._calls,
            gateway,
            planner,
            routing,
            judge,
            changed,
            personas,
            runs=RunPrompts(self.store, read),
        )

    def reclaim(self) -> Claim:
        """Claim what is ready."""
        taken = self.store.write(lambda tx: claims.claim(tx, self.who, 1, Gate(), self.store.limits))
        assert len(taken) == 1
        return Claim.from_row(taken[0])

    def row(self, task_id: str) -> Any:
        """A task's row."""
        row = self.store.reader.task(task_id)
        assert row is not None
        return row

    def kinds(self, task_id: str) -> list[str]:
        """What happened to a task, in order."""
        return [row["event"] for row in self.store.reader.events(task_id=task_id)]
