"""A real swarm and a real worker in one process: what is submitted is done, as by `skep up`."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Final, Self

from stopping import Stop
from tests.integration.swarm_rig import SwarmRig
from worker import Worker

#: A model with known prices, in dollars per million tokens, so that a test can say what calls cost.
PRICED: Final[dict[str, Any]] = {
    "llm_model": "test-model",
    "llm_price_input": 1,
    "llm_price_output": 10,
    "llm_max_tokens": 1000,
}


class WorkerRig(SwarmRig):
    """A home whose daemon runs in this process."""

    def __init__(self, root: Path, **settings: Any) -> None:
        super().__init__(root, **settings)
        self._stop_worker = Stop()

    def __enter__(self) -> Self:
        super().__enter__()
        known = self.settings.model_copy(update={"swarm_port": self.swarm.port})
        self._worker = Worker(self.home, known, self._stop_worker, "worker-rig")
        self._working = threading.Thread(target=self._worker.run)
        self._working.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop_worker.ask("the test is over")
        self._working.join(30)
        super().__exit__(*exception)
        assert not self._working.is_alive()
