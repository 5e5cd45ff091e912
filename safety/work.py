"""What is to run, and what was allowed to: the only thing a runner accepts.

The predecessor checked one text and sent another. Here the gateway looks at a `Work`, which holds exactly
what would run, and hands out an `Approved` made of the same bytes, under their hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from llm.contracts import Message
from runtime_contract import Task

#: What a model is told before a task's prompt.
SYSTEM_MESSAGE: Final = (
    "You work through one task of a queue, unattended. "
    "Answer with the result itself: no questions back, no preamble."
)


@dataclass(frozen=True, slots=True)
class Work:
    """What would run, before anybody allowed it: a command in one of its two forms, or messages."""

    #: a command line that is still to be read
    command: str | None = None
    argv: tuple[str, ...] | None = None
    messages: tuple[Message, ...] = ()

    @classmethod
    def of(cls, task: Task, prompt: str | None = None) -> Self:
        """The work of a task; `prompt` is the text that will be sent, with all that was added."""
        if task.mode == "local":
            return cls(command=task.command, argv=tuple(task.argv) if task.argv else None)
        text = task.prompt if prompt is None else prompt
        return cls(messages=(Message("system", SYSTEM_MESSAGE), Message("user", text or "")))

    @property
    def text(self) -> str:
        """The text to look at: the command, or all that was written for the model but our own words."""
        if self.messages:
            return "\n".join(message.content for message in self.messages if message.role != "system")
        return " ".join(self.argv) if self.argv is not None else self.command or ""


@dataclass(frozen=True, slots=True)
class Approved:
    """Exactly what may run. Made by the gateway alone; `digest` is the SHA-256 of its canonical bytes."""

    argv: tuple[str, ...] = ()
    #: variables the policy forces upon the command, beside those every command gets
    environment: tuple[tuple[str, str], ...] = ()
    #: whether the program starts others, so that strays are looked for after it
    may_spawn: bool = False
    messages: tuple[Message, ...] = ()
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", hashlib.sha256(self.canonical_bytes()).hexdigest())

    @classmethod
    def command(cls, argv: tuple[str, ...], environment: Mapping[str, str], *, may_spawn: bool) -> Self:
        """An allowed command."""
        return cls(argv=argv, environment=tuple(sorted(environment.items())), may_spawn=may_spawn)

    def canonical_bytes(self) -> bytes:
        """The bytes that the approval binds to."""
        messages = [[message.role, message.content] for message in self.messages]
        told = {"argv": self.argv, "environment": self.environment, "messages": messages}
        return json.dumps(told, sort_keys=True, separators=(",", ":")).encode()
