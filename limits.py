"""The bounds a task is held to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: Seconds in a leap year: no time limit is set higher, so that clocks and threads can hold it.
MOST_TIMEOUT_S: Final = 366 * 24 * 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """The bounds a queue file is held to. Each is a setting, ``limit_`` and its name."""

    #: bytes of the whole queue file, or of one inbox file
    file_bytes: int = 64 * 1024 * 1024
    #: levels of nesting in the file
    depth: int = 32
    #: characters of a prompt
    prompt_chars: int = 1_000_000
    #: characters of a command, and of all arguments together
    command_chars: int = 8_192
    #: arguments of a command
    argv_items: int = 256
    #: tasks that one task may wait for
    depends_on_items: int = 10_000
    #: tags of a task
    tags_items: int = 64
    #: characters of a tag, model, run or identity name
    name_chars: int = 200
    #: unknown keys a task may carry
    extra_keys: int = 64
    #: bytes of one task's unknown keys and of ``expect``, as JSON
    extra_bytes: int = 65_536
    #: largest priority, and smallest below zero
    priority: int = 1_000_000
    #: tokens a model may answer with
    max_tokens: int = 1_000_000
    #: seconds a task may run
    timeout_s: int = 7 * 24 * 3600
    #: attempts a task may ask for
    max_attempts: int = 100
    #: dollars a task may be allowed to spend
    budget_usd: int = 10_000
    #: tokens a task may promise as reward
    reward: int = 1_000_000
