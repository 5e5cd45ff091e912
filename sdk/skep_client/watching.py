"""Waiting for the end of a run: how long, what wakes it, and what ends it early.

Nothing is asked again and again: a stream of the run's events, from behind the last one, ends with the run.
Skep keeps only a few streams at once. Where none is free the run is looked at now and then, and never for
more than a small share of the time.
"""

from __future__ import annotations

from collections.abc import Sequence

from skep_client import outcomes
from skep_client.answers import Event, Run, RunDecision
from skep_client.calls import Call
from skep_client.errors import PersonNeeded, WaitTimedOut
from skep_client.following import SILENCE_S, Following

#: Behind every event: a stream from here tells nothing, and ends with the run.
BEHIND_ALL = 2**62
_SHORTEST_S, _LONGEST_S = 0.2, 5.0
#: Seconds between looks at a run with runs within it, whose questions and holds no event of its own tells.
_LOOK_WITHIN_S = 5.0
#: What is told when a task waits for a run that does it.
_RUN_AWAITED = "task.run_awaited"
#: A look takes at most one part of so many of the time.
_SHARE = 10
#: Seconds by which a wait may be longer than it was asked for.
_LATE_S = 0.5


class Deadline:
    """The time that waiting for a run may take.

    Parameters:
        run_id: the run.
        timeout_s: seconds; none: as long as it takes.
        now: seconds of a clock that never goes back.
    """

    def __init__(self, run_id: str, timeout_s: float | None, now: float) -> None:
        self._run_id = run_id
        self._timeout_s = timeout_s
        self._until = None if timeout_s is None else now + timeout_s

    def left_s(self, now: float) -> float:
        """Seconds until it is over or a stream has been silent for too long. Raises `WaitTimedOut`."""
        if self._until is None or self._timeout_s is None:
            return SILENCE_S
        if now >= self._until:
            raise WaitTimedOut(self._run_id, self._timeout_s)
        return min(SILENCE_S, self._until - now)

    def is_nearer(self, read_s: float, now: float) -> bool:
        """Whether it is over before a stream that may be silent for `read_s` would be given up."""
        return self.left_s(now) < read_s - _LATE_S


class Watch:
    """One wait.

    Parameters:
        run_id: the run.
        timeout_s: seconds to wait; none: as long as it takes.
        raises_on_hold: whether it is over when a task waits for money that only a person can give.
        raises_on_question: whether it is over when a person is asked something.
        now: seconds of a clock that never goes back.
    """

    def __init__(
        self,
        run_id: str,
        timeout_s: float | None,
        *,
        raises_on_hold: bool,
        raises_on_question: bool = False,
        now: float,
    ) -> None:
        self.deadline = Deadline(run_id, timeout_s, now)
        self._raises = raises_on_hold
        #: whether what people are asked is to be looked at with the run
        self.minds_questions = raises_on_question
        self._following = Following(run_id, 0 if raises_on_hold or raises_on_question else BEHIND_ALL)
        self._look_s = 0.0
        self._has_inner = False
        #: when to look at the run again, whatever its stream tells
        self._look_at = float("inf")

    def is_settled(self, run: Run, took_s: float) -> bool:
        """Whether the run has ended. Raises `OverBudget` where that is asked for."""
        self._look_s = took_s
        self._has_inner = any(each.child for each in run.tasks.values())
        held = outcomes.hold_of(run) if self._raises and not run.has_ended else None
        if held is not None:
            raise held
        return run.has_ended

    def check(self, run: Run, decisions: Sequence[RunDecision]) -> None:
        """Raise `PersonNeeded` where somebody is asked something and has not answered."""
        questions = [each for each in decisions if each.is_open]
        if questions:
            raise PersonNeeded(run, questions)

    def silence_s(self, now: float) -> float:
        """Seconds of silence of its stream after which the run is looked at again. Raises `WaitTimedOut`."""
        left_s = self.deadline.left_s(now)
        if not self._has_inner or not (self._raises or self.minds_questions):
            return left_s
        look_s = max(_LOOK_WITHIN_S, _SHARE * self._look_s)
        self._look_at = now + look_s
        return min(left_s, look_s)

    def call(self) -> Call[None]:
        """The stream that wakes it."""
        return self._following.call()

    def is_woken(self, line: str, read_s: float, now: float) -> bool:
        """Whether to look at the run after a line, or to open a stream that is given up in time."""
        event = self._following.take(line)
        is_news = event is not None and self._is_worth_a_look(event)
        return is_news or now >= self._look_at or self.deadline.is_nearer(read_s, now)

    def _is_worth_a_look(self, event: Event) -> bool:
        if self.minds_questions and event.event == "decision.asked":
            return True
        return (self._raises or self.minds_questions) and (is_put_off(event) or event.event == _RUN_AWAITED)

    def pause_s(self, now: float) -> float:
        """Seconds until the next look, where no stream is free."""
        return min(max(_SHORTEST_S, _SHARE * self._look_s), _LONGEST_S, self.deadline.left_s(now))


def is_put_off(event: Event) -> bool:
    """Whether a task goes back to wait, and it is worth looking for what."""
    return event.event == "task.requeue"
