"""The queue file: an inbox that people edit and a view that they read, merged with the store.

The names are found when they are asked for: whoever needs only the strict reader of JSON loads nothing else.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from store.queue_file.apply import EditResult, Rules, edit_task
    from store.queue_file.inbox import Inbox
    from store.queue_file.keeper import QueueFileKeeper

__all__ = ["EditResult", "Inbox", "QueueFileKeeper", "Rules", "edit_task"]

#: Where each is.
_MODULES: Final = {"Inbox": "inbox", "QueueFileKeeper": "keeper"}


def __getattr__(name: str) -> Any:
    """A public name, loaded with the module that has it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES.get(name, 'apply')}"), name)
