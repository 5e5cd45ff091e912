"""The gate every task passes twice: before the worker sends it, and in swarm on the bytes that run.

The checks go in a fixed order and stop at the first that fails; one that breaks counts as failed. Their
report has the seed's shape, and later, stricter checks will stand behind the same two methods.
"""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Callable
from typing import Any, Final, Literal

from clock import Clock, SystemClock, to_rfc3339
from errors import NotAllowed
from runtime_contract import Task
from safety import prompt_screen
from safety.command_line import CommandRefused
from safety.command_policy import CommandPolicy
from safety.work import Approved, Work
from settings import Home, Settings

logger = logging.getLogger(__name__)

TASK_SHOWN_CHARS: Final = 200
#: Characters that may be added to a prompt on its way: tools, findings of the critics.
ADDED_CHARS: Final = 500_000
_PLAIN_CONTROLS: Final = frozenset("\n\t\r")


class SafetyGateway:
    """Decides what may run in one home."""

    def __init__(self, home: Home, settings: Settings, clock: Clock | None = None) -> None:
        self.policy = CommandPolicy.of_home(home, settings)
        self._most_chars = settings.limits.prompt_chars + ADDED_CHARS
        self._clock = clock or SystemClock()

    def pre_execute_safety_check(
        self, task: Task, work: Work | str | None = None
    ) -> tuple[bool, dict[str, Any]]:
        """Whether `work` may run for `task`, and the report.

        `work` may be the prompt as it will be sent; without it, what the task says itself is looked at.
        """
        _, report = self.examine(task, work if isinstance(work, Work) else Work.of(task, work))
        return bool(report["passed"]), report

    def approve(self, task: Task, work: Work) -> tuple[Approved, dict[str, Any]]:
        """What may run, and the report. Raises `NotAllowed` with the report as its `safety_report`."""
        approved, report = self.examine(task, work)
        if approved is None:
            raise NotAllowed(report["blocked_reason"], safety_report=report)
        return approved, report

    def examine(self, task: Task, work: Work) -> tuple[Approved | None, dict[str, Any]]:
        """What may run, or none, and the report in either case."""
        examination = _Examination(self, work)
        checks: dict[str, dict[str, Any]] = {}
        blocked = None
        for name, check in examination.checks():
            reason = _run(name, check)
            checks[name] = {"passed": reason is None, "reason": reason or f"{name} check passed"}
            if reason is not None:
                blocked = f"{name}: {reason}"
                break
        report = {
            "timestamp": to_rfc3339(self._clock.now()),
            "task": work.text[:TASK_SHOWN_CHARS],
            "checks": checks,
            "passed": blocked is None,
            "blocked_reason": blocked,
            "task_id": task.id,
        }
        return (examination.approved() if blocked is None else None), report

    def effect_of(self, task: Task) -> Literal["idempotent", "unsafe"]:
        """What an interruption of the task means: run again, or stop and ask."""
        return self.policy.effect_of(task)

    def check_text(self, text: str) -> str | None:
        """What forbids this text whatever it is for, or none."""
        if not text.strip():
            return "there is nothing to do: the text is empty"
        if len(text) > self._most_chars:
            most = f"at most {self._most_chars:,} (setting: limit_prompt_chars)"
            return f"the text has {len(text):,} characters, {most}"
        if not text.isprintable() and (found := _unfit(text)) is not None:
            return f"the text has the control character U+{ord(found):04X}; remove it"
        return None


class _Examination:
    """The checks of one work. A command is read once; what comes of it is what runs."""

    def __init__(self, gateway: SafetyGateway, work: Work) -> None:
        self._gateway = gateway
        self._work = work
        self._command: Approved | None = None

    def checks(self) -> list[tuple[str, Callable[[], str | None]]]:
        return [
            ("constitutional", lambda: self._gateway.check_text(self._work.text)),
            ("workspace", self._workspace),
            ("network", lambda: None),  # only a profile reaches out, and the sandbox holds all others to that
            ("prompt", self._prompt),
        ]

    def approved(self) -> Approved:
        return self._command or Approved(messages=self._work.messages)

    def _workspace(self) -> str | None:
        if self._work.messages:
            return None
        try:
            argv = self._gateway.policy.read(self._work)
            self._command = self._gateway.policy.allow(argv, self._work.profile)
        except CommandRefused as error:
            return error.message
        return None

    def _prompt(self) -> str | None:
        return prompt_screen.find(self._work.text) if self._work.is_for_model else None


def _run(name: str, check: Callable[[], str | None]) -> str | None:
    try:
        return check()
    except Exception:
        logger.exception("the %s check broke; the task is blocked", name)
        return "the check itself broke, so nothing runs; the log has the details"


def _unfit(text: str) -> str | None:
    return next(
        (one for one in text if one not in _PLAIN_CONTROLS and unicodedata.category(one) in {"Cc", "Cs"}),
        None,
    )
