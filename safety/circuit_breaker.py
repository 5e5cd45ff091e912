"""When an unattended home should stop by itself: pure decisions over how its tasks ended.

Three rules, each with a setting. So many failed tasks in a row: whatever is wrong, the next one would fail
too. The same failure so many times with no success of its kind (prompts, or commands) in between: one cause
that the rest of the work hides, such as a wrong key beside commands that go well. And more money within a
minute than was meant to be spent.

A failure that a person caused or that says nothing of its own does not count: one that a person decided, or
did not decide in time, and one that only follows from a dependency. What never ran does not count either: an
entry that broke the contract, and what the safety gateway refused. It ends no row of failures, for it is no
success.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from money import dollars_to_micros, to_dollars
from settings import Settings
from store.halting import Trip

#: Ends that are looked back at: what happened before them is past.
WINDOW: Final = 1_000
#: Seconds of a minute, over which spending is counted.
MINUTE_S: Final = 60.0
#: Codes of failures that say nothing of their own.
UNCOUNTED: Final = frozenset(
    {
        "dependency_failed",
        "subtask_failed",
        "dependency_cycle",
        "invalid_task",
        "lost",
        "duplicate_id",
        "decision_expired",
    }
)
#: Characters of a failure's reason that tell it from others, and that are shown.
WORDS_CHARS: Final = 200

_QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`")
_NUMBERED: Final = re.compile(r"[^\s:;,()]*\d[^\s:;,()]*")
_PATH: Final = re.compile(r"[^\s:;,()]*/[^\s:;,()]*")


@dataclass(frozen=True, slots=True)
class End:
    """How a task ended."""

    task_id: str
    #: llm or local
    mode: str
    is_failure: bool
    code: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is borne before the breaker trips; 0: without end, none: whatever it costs."""

    failures: int = 20
    same_failures: int = 10
    #: micro-dollars a minute
    spend_per_minute: int | None = None

    @classmethod
    def of(cls, settings: Settings) -> Bounds:
        """The bounds that the settings give."""
        dollars = settings.breaker_spend_per_minute
        return cls(
            settings.breaker_failures,
            settings.breaker_same_failures,
            None if dollars is None else dollars_to_micros(dollars),
        )


def judge(ends: Sequence[End], spent_micros: int, bounds: Bounds) -> Trip | None:
    """Whether to trip, and by which rule.

    Parameters:
        ends: how tasks ended since the last reset, the newest last; at most `WINDOW` of them matter.
        spent_micros: micro-dollars of the last minute.
        bounds: what is borne.
    """
    return _of_spending(spent_micros, bounds) or _of_a_row(ends, bounds) or _of_one_kind(ends, bounds)


def counts(code: str | None, is_by_person: bool) -> bool:
    """Whether a failed task counts against the home."""
    return not is_by_person and code not in UNCOUNTED


def same_words(reason: str) -> str:
    """A failure's reason without what differs from task to task: names in quotes, numbers, paths."""
    text = " ".join(reason[: 4 * WORDS_CHARS].lower().split())
    for each in (_QUOTED, _PATH, _NUMBERED):
        text = each.sub("#", text)
    return text[:WORDS_CHARS]


def _of_spending(spent_micros: int, bounds: Bounds) -> Trip | None:
    most = bounds.spend_per_minute
    if most is None or spent_micros <= most:
        return None
    reason = (
        f"${to_dollars(spent_micros):.2f} were spent within a minute, over the ${to_dollars(most):.2f} of "
        "breaker_spend_per_minute"
    )
    return Trip("spend_per_minute", reason, spent_micros)


def _of_a_row(ends: Sequence[End], bounds: Bounds) -> Trip | None:
    row = 0
    for end in reversed(ends[-WINDOW:]):
        if not end.is_failure:
            break
        row += 1
    if not bounds.failures or row < bounds.failures:
        return None
    last = ends[-1]
    reason = f"{row} tasks in a row failed, the last of them {last.task_id}: {_shown(last)}"
    return Trip("failures_in_a_row", reason, row)


def _of_one_kind(ends: Sequence[End], bounds: Bounds) -> Trip | None:
    if not bounds.same_failures:
        return None
    done: set[str] = set()
    same: Counter[tuple[str, str, str]] = Counter()
    newest: dict[tuple[str, str, str], End] = {}
    for end in reversed(ends[-WINDOW:]):
        if not end.is_failure:
            done.add(end.mode)
        elif end.mode not in done:
            failure = (end.mode, end.code, same_words(end.reason))
            newest.setdefault(failure, end)
            same[failure] += 1
    for failure, count in same.most_common(1):
        if count >= bounds.same_failures:
            kind = "prompt" if failure[0] == "llm" else "command"
            words = _shown(newest[failure])
            reason = f"the same failure {count} times, and no {kind} went well in between: {words}"
            return Trip("same_failure", reason, count)
    return None


def _shown(end: End) -> str:
    words = " ".join(end.reason[: 4 * WORDS_CHARS].split())
    return (words if len(words) <= WORDS_CHARS else f"{words[: WORDS_CHARS - 1]}…") or end.code or "failed"
