"""How it stands with the model's server, as the kept fact tells it to every face."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def server_trouble(fact: Mapping[str, Any]) -> str | None:
    """What the last call met, of the fact `MODEL_STATUS`: it was not reached, or it refuses every call."""
    reason = str(fact["reason"])
    trouble = reason.removeprefix(f"{fact.get('model')}: ")
    return trouble if fact.get("ready") and trouble != reason else None
