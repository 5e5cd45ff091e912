"""One work before the gate: the four checks, each once, in their fixed order.

What the constitution says of a text is found in one look and told by the check that each rule belongs to; a
command is read once, and what comes of it is what runs.
"""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from errors import NotAllowed
from llm.contracts import Message
from redaction import Redacted, clean, redact
from safety.command_line import CommandRefused
from safety.constitution import Constitution, Mode, Rule
from safety.plugged import CheckBroke, PluggedCheck
from safety.screen import Hit
from safety.work import Approved, Work

#: The checks, in the order they are made.
CHECKS: Final = ("constitutional", "workspace", "network", "prompt")
#: Weak signs that one report tells.
MOST_FLAGS: Final = 20
_PLAIN_CONTROLS: Final = frozenset("\n\t\r")


class Refused(NotAllowed):
    """A check refuses the work."""

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(reason, rule=rule)
        #: id of the rule
        self.rule = rule


class Policy(Protocol):
    """Decides about commands."""

    def approve(self, work: Work) -> Approved:
        """What runs for a command, with a profile's rights. Raises `CommandRefused`."""


@dataclass
class Examination:
    """The checks of one work."""

    work: Work
    constitution: Constitution
    policy: Policy
    plugged: Sequence[PluggedCheck]
    #: characters a text may have
    most_chars: int
    #: seconds a home's own check may take
    timeout_s: float
    #: weak signs, as the report tells them
    flags: list[dict[str, Any]] = field(default_factory=list)
    _command: Approved | None = None
    _clean: list[Redacted] | None = None
    _hits: list[tuple[Rule, Hit]] | None = None

    @property
    def messages(self) -> tuple[Message, ...]:
        """The messages as they would be sent: without secrets."""
        return tuple(
            message if found.text == message.content else Message(message.role, found.text)
            for message, found in zip(self.work.messages, self._redacted(), strict=False)
        )

    # Kept by hand: before Python 3.12 `functools.cached_property` has one lock for all instances of a class,
    # so that a short text would wait for every long one that is looked at beside it.

    def _redacted(self) -> list[Redacted]:
        """The messages, or the prompt of a profile, without secrets."""
        if self._clean is None:
            texts = [message.content for message in self.work.messages]
            self._clean = [redact(text) for text in texts or [self.work.prompt or ""]]
        return self._clean

    @property
    def secrets(self) -> int:
        """How many secrets were taken out of the messages."""
        return sum(each.count for each in self._redacted())

    @property
    def approved(self) -> Approved:
        """What may run, once every check has passed."""
        return self._command or Approved(messages=self.messages)

    def make(self, check: str) -> None:
        """Make one check. Raises `Refused`, or whatever breaks it."""
        if check == "constitutional":
            self._check_text()
            self._ask_plugged()
        if check == "workspace" and not self.work.messages:
            self._check_command()
        for rule, hit in self._found():
            if rule.check == check:
                self._judge(rule, hit)

    def _check_text(self) -> None:
        text = self.work.text
        if not text.strip():
            raise Refused("text-empty", "there is nothing to do: the text is empty")
        if len(text) > self.most_chars:
            most = f"{self.most_chars:,} with what was added to the prompt (setting: limit_prompt_chars)"
            raise Refused("text-size", f"the text has {len(text):,} characters; allowed are {most}")
        if not text.isprintable() and (found := _unfit(text)) is not None:
            raise Refused("text-control", f"the text has the control character U+{ord(found):04X}; remove it")

    def _ask_plugged(self) -> None:
        mode = "llm" if self.work.is_for_model else "local"
        for check in self.plugged:
            try:
                found = check.ask(self.work.text, mode, self.timeout_s)
            except CheckBroke as error:
                raise Refused("check-broke", f"{error}; nothing runs until it works") from error
            for each in found:
                if each.action == "block":
                    raise Refused(each.rule, f"{each.sentence} ({check.name})")
                self._flag("constitutional", each.rule, each.sentence)

    def _check_command(self) -> None:
        work = self.work
        if work.prompt is not None:  # a model behind a profile's program reads it
            work = dataclasses.replace(work, prompt=self._redacted()[0].text)
        try:
            self._command = self.policy.approve(work)
        except CommandRefused as error:
            raise Refused(error.rule, error.message) from error

    def _found(self) -> list[tuple[Rule, Hit]]:
        """What the constitution says of the text: what is meant first."""
        if self._hits is None:
            self._hits = self._look()
        return self._hits

    def _look(self) -> list[tuple[Rule, Hit]]:
        mode: Mode = "llm" if self.work.is_for_model else "local"
        screen = self.constitution.screens[mode]
        hits = screen.look(self.work.text, self.work.mark) if screen else []
        found = [(self.constitution.rules[hit.rule], hit) for hit in hits]
        return sorted(found, key=lambda each: not each[1].is_meant)

    def _judge(self, rule: Rule, hit: Hit) -> None:
        how = " once it is decoded" if hit.is_disguised else ""
        told = clean(f"{rule.sentence}{how}: {hit.words!r}")
        if hit.is_meant and rule.action == "block":
            raise Refused(rule.id, f"{told}; {rule.way_out}" if rule.way_out else told)
        self._flag(rule.check, rule.id, told if hit.is_meant else f"only talked about: {told}")

    def _flag(self, check: str, rule: str, reason: str) -> None:
        flag = {"check": check, "rule": rule, "reason": reason}
        if len(self.flags) < MOST_FLAGS and flag not in self.flags:
            self.flags.append(flag)


def _unfit(text: str) -> str | None:
    """The first character that no text has, or none."""
    return next(_unfits(text), None)


def _unfits(text: str) -> Iterator[str]:
    for one in text:
        if one not in _PLAIN_CONTROLS and not one.isprintable() and unicodedata.category(one) in {"Cc", "Cs"}:
            yield one
