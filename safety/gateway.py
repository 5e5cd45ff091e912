"""The gate every task passes twice: before the worker sends it, and in swarm on the bytes that run.

The checks go in a fixed order and stop at the first that fails. One that breaks, or takes longer than
`safety_timeout_s`, counts as failed; what counts is the time it takes of a processor, so that nobody is
refused for what runs beside it. Long texts are checked one after the other: a check holds Python's lock, and
many at once would leave little of it to tasks that have nothing to do with them. What passes becomes an
`Approved`, which holds the exact words of a command, or the messages as they will be sent, without secrets;
runners accept nothing else.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Final, Literal

from clock import Clock, SystemClock, to_rfc3339
from errors import NotAllowed
from redaction import clean
from runtime_contract import Task
from safety import constitution
from safety.command_policy import CommandPolicy
from safety.examination import CHECKS, Examination, Refused
from safety.long_texts import OneByOne
from safety.plugged import PluggedCheck
from safety.work import Approved, Work
from settings import Home, Settings

logger = logging.getLogger(__name__)

TASK_SHOWN_CHARS: Final = 200
#: Characters that may be added to a prompt on its way: tools, findings of the critics.
ADDED_CHARS: Final = 500_000
#: Characters of a text that is checked alone; a shorter one takes a tenth of a second.
LONG_CHARS: Final = 20_000

Report = dict[str, Any]


class SafetyGateway:
    """Decides what may run in one home. Threads may share it.

    `added_chars` is how much longer a text may be than a prompt, as what surrounds it counts too.
    Raises `InvalidSetting` where the home's constitution cannot be understood.
    """

    def __init__(
        self, home: Home, settings: Settings, clock: Clock | None = None, *, added_chars: int = ADDED_CHARS
    ) -> None:
        self.policy = CommandPolicy.of_home(home, settings)
        self.constitution = constitution.load(home.root)
        self._plugged = [PluggedCheck(name, home.root / "config") for name in self.constitution.callables]
        self._most_chars = settings.limits.prompt_chars + added_chars
        self._timeout_s = settings.safety_timeout_s
        self._clock = clock or SystemClock()
        self._long: OneByOne[tuple[Approved | None, Report]] = OneByOne()

    def pre_execute_safety_check(
        self, task: Task, work: Work | str | None = None, is_over: Callable[[], bool] = lambda: False
    ) -> tuple[bool, Report]:
        """Whether `work` may run for `task`, and the report; `is_over` as for `examine`.

        `work` may be the prompt as it will be sent; without it, what the task says itself is looked at.
        """
        _, report = self.examine(task, work if isinstance(work, Work) else Work.of(task, work), is_over)
        return bool(report["passed"]), report

    def approve(self, task: Task, work: Work) -> tuple[Approved, Report]:
        """What may run, and the report. Raises `NotAllowed` with the report as its `safety_report`."""
        approved, report = self.examine(task, work)
        if approved is None:
            raise NotAllowed(report["blocked_reason"], safety_report=report)
        return approved, report

    def examine(
        self, task: Task, work: Work, is_over: Callable[[], bool] = lambda: False
    ) -> tuple[Approved | None, Report]:
        """What may run, or none, and the report in either case.

        `is_over`: whether nobody waits for it any more; a long text is not waited for then, and `GivenUp` is
        raised.
        """
        if len(work.text) <= LONG_CHARS:
            return self._examine(task, work)
        return self._long.make(lambda: self._examine(task, work), is_over)

    def _examine(self, task: Task, work: Work) -> tuple[Approved | None, Report]:
        examination = Examination(
            work, self.constitution, self.policy, self._plugged, self._most_chars, self._timeout_s
        )
        checks: dict[str, Report] = {}
        blocked = None
        for name in CHECKS:
            refused = self._run(name, examination)
            checks[name] = {
                "passed": refused is None,
                "reason": f"{name} check passed" if refused is None else refused.message,
                "rule": None if refused is None else refused.rule,
                "version": self.constitution.version,
            }
            if refused is not None:
                blocked = f"{name}: {refused.message}"
                break
        report = self._report(task, examination, checks, blocked)
        return (examination.approved if blocked is None else None), report

    def effect_of(self, task: Task) -> Literal["idempotent", "unsafe"]:
        """What an interruption of the task means: run again, or stop and ask."""
        return self.policy.effect_of(task)

    def _run(self, name: str, examination: Examination) -> Refused | None:
        """Why a check refuses, or none. What breaks or is slow refuses too."""
        begun = time.thread_time()
        try:
            examination.make(name)
        except Refused as refused:
            return refused
        except Exception:
            logger.exception("the %s check broke; the task is blocked", name)
            return Refused("check-broke", "the check itself broke, so nothing runs; the log has the details")
        taken = time.thread_time() - begun
        if taken > self._timeout_s:
            most = f"over {self._timeout_s:g} s (setting: safety_timeout_s)"
            return Refused("check-slow", f"the check took {taken:.1f} s, {most}")
        return None

    def _report(
        self, task: Task, examination: Examination, checks: dict[str, Report], blocked: str | None
    ) -> Report:
        work = examination.work
        sent = examination.messages or ()
        shown = (
            "\n".join(each.content for each in sent if each.role != "system") if sent else clean(work.text)
        )
        return {
            "timestamp": to_rfc3339(self._clock.now()),
            "task": shown[:TASK_SHOWN_CHARS],
            "checks": checks,
            "passed": blocked is None,
            "blocked_reason": blocked,
            "task_id": task.id,
            "flags": examination.flags,
            "redacted": examination.secrets,
        }


def checked_commands(home: Home, settings: Settings) -> CommandPolicy:
    """Which commands may run, for whoever starts the daemon and judges nothing.

    Raises `InvalidSetting` for any mistake in the home's rules, so that it is told once, before anything
    starts. What ships is known to be right, and is not read for that: it takes a fifth of a second.
    """
    if constitution.has_own(home.root):
        return SafetyGateway(home, settings).policy
    return CommandPolicy.of_home(home, settings)
