"""Rigs over a model server, made with the settings a test asks for and taken down after it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from testing.model_server import ModelServer
from tests.integration.swarm_rig import SwarmRig

Rig = TypeVar("Rig", bound=SwarmRig)


@contextlib.contextmanager
def rigs(kind: type[Rig], root: Path, model: ModelServer) -> Iterator[Callable[..., Rig]]:
    """Makes a running rig of a kind for some settings."""
    with contextlib.ExitStack() as made:

        def make(**settings: Any) -> Rig:
            base = {"llm_base_url": model.url, "llm_model": "test-model"}
            rig = kind(root, **{**base, **settings})
            made.enter_context(rig)
            return rig

        yield make
