"""One thing done to many tasks: which of them it can be done to, what it will do, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from panel.context import Panel
from panel.words import count_of, one_line
from redaction import clean
from runtime_contract import ENDED, Status
from store.records import STATUS_OF_STATE
from store.schedules import stem
from store.steering import RETRIABLE
from store.steering_many import Action, Steered
from store.task_filter import Filter
from store.transaction import dump

#: Tasks of one request; a filter that meets more goes on with the next.
MOST: Final = 500
#: Schedules that are named in the question, and in the answer of the API.
MOST_SHOWN: Final = 5
MOST_NAMED: Final = 100
#: Tasks that are looked at to count those that something is to be done to; about 50 ms.
MOST_COUNTED: Final = 10_000

_OPEN: Final = tuple(status for status in Status if status not in ENDED)
#: What each action can be done to, in the order of the statuses.
APPLIES_TO: Final[dict[Action, tuple[Status, ...]]] = {
    "approve": (Status.PENDING_REVIEW,),
    "retry": tuple(status for status in Status if status in RETRIABLE),
    "cancel": _OPEN,
    "priority": _OPEN,
}
_VERBS: Final[dict[Action, tuple[str, str]]] = {
    "approve": ("Approve", "approved"),
    "retry": ("Send back", "sent back"),
    "cancel": ("Cancel", "cancelled"),
    "priority": ("Change the priority of", "changed"),
}


@dataclass(frozen=True, slots=True)
class Meant:
    """How many tasks are meant, by status, and how many an action can be done to."""

    statuses: Mapping[Status, int]
    #: false: there are more than were counted
    is_exact: bool = True
    #: the schedules among them, which end with a cancellation; known where that is meant
    recurring: tuple[str, ...] = ()
    #: how many of these have an occurrence that has not ended
    open_occurrences: int = 0

    def that(self, action: Action) -> int:
        """How many of them the action can be done to."""
        return sum(count for status, count in self.statuses.items() if status in APPLIES_TO[action])


def narrowed(wanted: Filter, action: Action) -> Filter | None:
    """The filter, for those the action can be done to alone; none where it lets none of these through."""
    left = tuple(each for each in APPLIES_TO[action] if not wanted.statuses or each in wanted.statuses)
    return replace(wanted, statuses=left) if left else None


def meant_by_ids(here: Panel, ids: list[str], action: Action) -> Meant:
    """The tasks of these ids; those that do not exist are not counted."""
    counts: dict[Status, int] = {}
    for row in here.reader.all("states_of", ids=dump(ids)):
        status = STATUS_OF_STATE[row["state"]]
        counts[status] = counts.get(status, 0) + 1
    found = here.reader.all("recurring_of", ids=dump(ids)) if action == "cancel" else []
    in_order = sorted(found, key=lambda row: int(row["seq"]))
    return _with_schedules(here, Meant(counts), [row["id"] for row in in_order])


def meant_by_filter(here: Panel, wanted: Filter, action: Action) -> Meant:
    """The tasks of a filter that the action can be done to."""
    one = narrowed(wanted, action)
    if one is None:
        return Meant({})
    if one.words is not None:
        here.tasks.search.catch_up()
    recurring = here.tasks.recurring(one, MOST_COUNTED) if action == "cancel" else []
    return _with_schedules(here, _counted(here, one), recurring)


def _counted(here: Panel, one: Filter) -> Meant:
    """How many tasks of a filter there are, by status."""
    if replace(one, statuses=(), as_of=None).is_empty:
        counts = here.reader.counts()
        return Meant({status: counts[status] for status in one.statuses})
    states, is_exact = here.tasks.tally(one, MOST_COUNTED)
    found: Counter[Status] = Counter()
    for state, count in states.items():
        found[STATUS_OF_STATE[state]] += count
    return Meant(found, is_exact)


def _with_schedules(here: Panel, meant: Meant, recurring: list[str]) -> Meant:
    going = sum(
        here.reader.one("open_occurrence", stem=stem(each)) is not None for each in recurring[:MOST_NAMED]
    )
    return replace(meant, recurring=tuple(recurring), open_occurrences=going)


def foretold(action: Action, meant: Meant, priority: int = 0) -> str:
    """What will happen, in plain words; `panel.bulk_reviews` tells it of an approval."""
    count, rest = meant.that(action), sum(meant.statuses.values()) - meant.that(action)
    if not count:
        return f"None of these can be {_VERBS[action][1]}. Nothing would happen."
    told = [f"{_VERBS[action][0]} {_number(count, meant)}? {_what(action, meant, priority)}".strip()]
    if rest:
        verb = _VERBS[action][1]
        told.append(
            f"The other task cannot be {verb} and stays as it is."
            if rest == 1
            else f"The other {rest:,} tasks cannot be {verb} and stay as they are."
        )
    return " ".join(told)


def _number(count: int, meant: Meant) -> str:
    return count_of(count, "task") if meant.is_exact else f"at least {count_of(count, 'task')}"


def _what(action: Action, meant: Meant, priority: int) -> str:
    if action == "retry":
        return "Their attempts are forgotten, and those that failed for their sake come back with them."
    if action == "priority":
        return f"Each gets priority {priority}; a higher one goes first."
    told = [*_cancelled(meant.statuses), *_schedules_end(meant)]
    return " ".join([*told, "Tasks that wait for them will fail."])


def _schedules_end(meant: Meant) -> list[str]:
    """Which of them come again, and what a cancellation means for that."""
    names, going = meant.recurring, meant.open_occurrences
    if not names:
        return []
    shown = ", ".join(one_line(clean(each), 60) for each in names[:MOST_SHOWN])
    more = f" and {len(names) - MOST_SHOWN:,} more" if len(names) > MOST_SHOWN else ""
    told = [
        f"{count_of(len(names), 'schedule ends', 'schedules end')} and will not come again: {shown}{more}."
    ]
    if going:
        is_one = going == 1
        told.append(
            f"{count_of(going, 'occurrence')} of {'it' if len(names) == 1 else 'these'} "
            f"{'has' if is_one else 'have'} not ended; "
            f"{'it is a task of its own and goes' if is_one else 'they are tasks of their own and go'} on "
            f"unless chosen too."
        )
    return told


def _cancelled(statuses: Mapping[Status, int]) -> list[str]:
    told = []
    if waits := statuses.get(Status.PENDING):
        told.append(f"{waits:,} {'waits' if waits == 1 else 'wait'} and will not run.")
    if runs := statuses.get(Status.IN_PROGRESS):
        told.append(
            f"{runs:,} {'is' if runs == 1 else 'are'} running and will be stopped; what was done so far is "
            "not undone."
        )
    if held := statuses.get(Status.PENDING_REVIEW):
        told.append(f"The {'result' if held == 1 else 'results'} of {held:,} will be thrown away.")
    return told


def summed_up(action: Action, told: list[Steered]) -> str:
    """What came of it, in plain words."""
    done = sum(each.ok for each in told)
    kept = len(told) - done
    sentence = f"{count_of(done, 'task')} {_VERBS[action][1]}"
    return f"{sentence}, {kept:,} not." if kept else f"{sentence}."


def as_json(told: list[Steered]) -> list[dict[str, Any]]:
    """Each task's own result, as the API tells it."""
    return [
        {"id": each.id, "ok": each.ok, "message": clean(each.message), "code": each.code} for each in told
    ]
