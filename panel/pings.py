"""One ping of the model server at a time, and not again within seconds: a page must not become a hammer."""

from __future__ import annotations

import threading
from collections.abc import Collection
from pathlib import Path
from typing import Final

from clock import Clock
from config_files.models import read_models_file
from errors import KillSwitchOn, TransitionNotAllowed
from llm.discovery import endpoint_of
from llm.ping import Ping, ping
from settings import Settings
from store.kill_file import KillFile

#: Seconds for which the last answer is told again.
QUIET_S: Final = 3.0


class Pings:
    """The pings of one panel."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: tuple[float, Ping] | None = None

    def ping(
        self, settings: Settings, clock: Clock, killed: KillFile | None, wanted: Collection[str] = ()
    ) -> Ping:
        """Ask the server of the settings, or Ollama, for its models, and whether the `wanted` are there.

        Raises `KillSwitchOn`, `TransitionNotAllowed` while another ping is under way, and `InvalidSetting`
        where the settings name no usable address.
        """
        if killed is not None:
            raise KillSwitchOn(f"{killed.sentence}; nothing is asked of a model server.")
        if not self._lock.acquire(blocking=False):
            raise TransitionNotAllowed("A ping is under way; its answer is here within seconds.")
        try:
            if self._last is None or clock.monotonic() - self._last[0] >= QUIET_S:
                endpoint = endpoint_of(settings)
                self._last = (clock.monotonic(), ping(endpoint, wanted=wanted))
            return self._last[1]
        finally:
            self._lock.release()


def named_models(settings: Settings, models_file: Path) -> list[str]:
    """The models that a home names, each once. Raises `InvalidSetting` where its own list cannot be read."""
    own = read_models_file(models_file)
    names = [settings.llm_model, settings.review_critic_model, *own.roles.values()]
    return list(dict.fromkeys(name for name in (*names, *(each.name for each in own.model)) if name))
