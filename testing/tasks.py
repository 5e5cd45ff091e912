"""Tasks for tests, through the contract."""

from __future__ import annotations

from typing import Any

from runtime_contract import Limits, normalize_task
from store.records import NewTask


def new_task(**fields: Any) -> NewTask:
    """A task that passed the contract; a harmless command where no work is given."""
    if not fields.keys() & {"prompt", "command", "argv"}:
        fields["command"] = "true"
    return NewTask(*normalize_task(fields, Limits()))
