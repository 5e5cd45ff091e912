"""What is to run, and what was allowed to: the only thing a runner accepts.

Checking one text and sending another is no check. So the gateway looks at a `Work`, which holds exactly
what would run, and hands out an `Approved` made of the same bytes, under their hash.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Self

from llm.contracts import Message
from runtime_contract import Task

#: What a model is told before a task's prompt.
SYSTEM_MESSAGE: Final = (
    "You work through one task of a queue, unattended. "
    "Answer with the result itself: no questions back, no preamble."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What an approved command may reach. The policy decides it, the sandbox enforces it, nothing else may.

    The default is what a reading command gets: the workspace read-only, no network, nothing else.
    """

    #: whether the command may change files of the workspace
    workspace: Literal["read", "write"] = "read"
    #: whether it may change ``.git``; only git's own writing subcommands may
    git: Literal["read", "write"] = "read"
    network: bool = False
    #: absolute paths outside the workspace that it sees; only a profile names any
    read_paths: tuple[str, ...] = ()
    #: the same, and it may write them
    write_paths: tuple[str, ...] = ()
    #: names of the daemon's environment variables that are handed on; only a profile names any
    environment_keys: tuple[str, ...] = ()
    #: seconds; none: as the task and the settings say, which a profile may only lower
    timeout_s: float | None = None
    #: bytes of output that are kept; none: as the settings say
    output_bytes: int | None = None
    #: whether only the strongest sandbox will do, as for interpreters
    needs_namespaces: bool = False
    #: whether a person must agree to these exact bytes before they run
    needs_person: bool = False


_RIGHTS: Final = tuple(field.name for field in dataclasses.fields(Rights))


@dataclass(frozen=True, slots=True)
class Work:
    """What would run, before anybody allowed it: a command in one of its forms, or messages."""

    #: a command line that is still to be read
    command: str | None = None
    argv: tuple[str, ...] | None = None
    #: name of the profile that runs, which is given `prompt`
    profile: str | None = None
    prompt: str | None = None
    messages: tuple[Message, ...] = ()
    #: the mark of the envelopes that whoever made the messages put foreign text in; no other is honoured
    mark: str | None = None

    @classmethod
    def of(cls, task: Task, prompt: str | None = None, mark: str | None = None) -> Self:
        """The work of a task; `prompt` is the text that will be sent, with all that was added.

        `mark` is that of the envelopes in what was added.
        """
        if task.profile is not None:
            return cls(profile=task.profile, prompt=task.prompt if prompt is None else prompt)
        if task.mode == "local":
            return cls(command=task.command, argv=tuple(task.argv) if task.argv else None)
        text = task.prompt if prompt is None else prompt
        messages = (Message("system", SYSTEM_MESSAGE), Message("user", text or ""))
        return cls(messages=messages, mark=mark)

    @property
    def is_for_model(self) -> bool:
        """Whether a model reads the text: ours, or the one behind a profile's program."""
        return bool(self.messages) or self.profile is not None

    @property
    def text(self) -> str:
        """The text to look at: the command, or all that was written for the model but our own words."""
        if self.messages:
            return "\n".join(message.content for message in self.messages if message.role != "system")
        if self.profile is not None:
            return self.prompt or ""
        return " ".join(self.argv) if self.argv is not None else self.command or ""


@dataclass(frozen=True, slots=True)
class Approved:
    """Exactly what may run. Made by the gateway alone; `digest` is the SHA-256 of its canonical bytes."""

    argv: tuple[str, ...] = ()
    #: variables the policy forces upon the command, beside those every command gets
    environment: tuple[tuple[str, str], ...] = ()
    rights: Rights = field(default_factory=Rights)
    messages: tuple[Message, ...] = ()
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", hashlib.sha256(self.canonical_bytes()).hexdigest())

    @classmethod
    def command(
        cls,
        argv: tuple[str, ...],
        environment: Mapping[str, str],
        rights: Rights | None = None,
    ) -> Self:
        """An allowed command."""
        forced = tuple(sorted(environment.items()))
        return cls(argv=argv, environment=forced, rights=rights or Rights())

    def canonical_bytes(self) -> bytes:
        """The bytes that the approval binds to."""
        messages = [[message.role, message.content] for message in self.messages]
        told: dict[str, Any] = {"argv": self.argv, "environment": self.environment, "messages": messages}
        told["rights"] = {name: getattr(self.rights, name) for name in _RIGHTS}
        return json.dumps(told, sort_keys=True, separators=(",", ":")).encode()
