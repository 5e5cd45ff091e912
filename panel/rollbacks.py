"""Files of the workspace brought back from the panel: looked at first, and done as they were shown.

Both take longer than a request may, so they go on beside the requests, one at a time. The locks are those of
`skep rollback`: while commands run nothing is touched, and commands that come meanwhile wait.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Literal, cast

from errors import TransitionNotAllowed
from panel import command_lines
from panel.background import Closing, Progress, State
from panel.context import Panel
from redaction import clean, clean_value
from store import checkpoints
from store.sqlite_store import SqliteStore

#: Paths of a checkpoint that are looked at beside the requests; of more `skep rollback` tells.
MOST_PATHS: Final = 5_000
#: Files that stay, and are told one by one; and in the sentence of a refusal.
MOST_LEFT: Final = 200
MOST_NAMED: Final = 3
#: Seconds that a request waits for the end.
WAIT_S: Final = 4.0


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """What files are to be brought back to."""

    #: what it is about: a task, or a rollback that broke off
    subject: tuple[Literal["task", "broken"], str]
    #: number of the checkpoint
    number: int
    #: to the state before the checkpoint instead of the one it kept
    to_before: bool
    #: every file it holds, and no others, instead of those it changed
    all_of_it: bool
    #: what that is and what goes with it, in words
    goal: str
    goes: str
    #: how so many files are then, in words
    after: Callable[[int], str]
    #: the command line that does it
    line: str


def of_task(here: Panel, task_id: str) -> Wanted:
    """The state before a task. Raises `TransitionNotAllowed` where there is nothing to undo, or too much."""
    from review.checkpoints import telling  # noqa: PLC0415

    row = checkpoints.of_task(here.reader, task_id)
    if row is None:
        raise TransitionNotAllowed(f"No files of the workspace were kept after {task_id}.")
    line = command_lines.line("rollback", task_id, "--before", "--yes")
    if (row["paths"] or 0) > MOST_PATHS:
        raise _too_many(row["paths"], line)
    return Wanted(
        subject=("task", task_id),
        number=row["number"],
        to_before=True,
        all_of_it=False,
        goal=telling.goal(task_id),
        goes=telling.GOES,
        after=lambda count: f"as last kept before {task_id}",
        line=line,
    )


def look(here: Panel, wanted: Wanted) -> None:
    """Begin to find out what bringing files back would change.

    Raises `TransitionNotAllowed` where another rollback is under way, and what it came to nothing by where
    that is known soon.
    """
    _start(here, wanted, lambda progress: _preview(here, wanted))


def do(here: Panel, wanted: Wanted, digest: str, by: str) -> None:
    """Begin to do exactly what was shown. Raises as `look`, and where other things would be done by now."""
    _start(here, wanted, lambda progress: _restore(here, wanted, digest, by, progress))


def state_of(here: Panel, kind: Literal["task", "broken"], subject: str) -> dict[str, Any]:
    """How that stands: what was found or done last; `never`, where the last was about another subject."""
    state = here.rollback.state if here.rollback_of == (kind, subject) else State()
    return state.as_json()


def _too_many(count: int, line: str) -> TransitionNotAllowed:
    return TransitionNotAllowed(
        f"{count:,} files are to be looked at, over the {MOST_PATHS:,} that the panel brings back; "
        f"`{line}` does it."
    )


def _start(here: Panel, wanted: Wanted, work: Callable[[Progress], Any]) -> None:
    if not here.rollback.start(work):
        raise TransitionNotAllowed("Another rollback is under way; wait until it has ended.")
    here.rollback_of = wanted.subject
    here.rollback.wait(WAIT_S)
    problem = here.rollback.state.problem
    if problem is not None:
        raise problem


def _rollback(here: Panel, wanted: Wanted) -> Any:
    # Large rooms, loaded when they are needed.
    from review.checkpoints.keeping import Keeper  # noqa: PLC0415
    from review.checkpoints.restoring import Rollback  # noqa: PLC0415

    store = cast("SqliteStore", here.store)
    keeper = Keeper(here.home, here.settings, store)
    planned = Rollback(
        here.home, store, keeper, wanted.number, to_before=wanted.to_before, all_of_it=wanted.all_of_it
    )
    if wanted.all_of_it and planned.files > MOST_PATHS:
        raise _too_many(planned.files, wanted.line)
    return keeper, planned


def _preview(here: Panel, wanted: Wanted) -> dict[str, Any]:
    from review.checkpoints import previewing, telling  # noqa: PLC0415

    keeper, planned = _rollback(here, wanted)
    steps = planned.preview()
    paths = previewing.shown(here.home, keeper.repository, steps)
    rest = telling.in_order(steps)[len(paths) :]
    return {
        "kind": "preview",
        "digest": previewing.digest(steps),
        **dataclasses.asdict(telling.tally_of(steps)),
        "goal": clean(wanted.goal),
        "goes": wanted.goes,
        "told": telling.newer_told(len(telling.newer(steps))),
        "paths": clean_value([dataclasses.asdict(each) for each in paths]),
        "more": len(rest),
        "more_newer": len(telling.newer(rest)),
    }


def _restore(here: Panel, wanted: Wanted, digest: str, by: str, progress: Progress) -> dict[str, Any]:
    from review.checkpoints import previewing, telling  # noqa: PLC0415

    def check(steps: Any) -> None:
        if previewing.digest(steps) != digest:
            raise TransitionNotAllowed("The files have changed since this was shown. Look at it again.")

    def tell(done: int, total: int) -> None:
        with suppress(Closing):  # it is ended whole, though the panel closes
            progress(done, total)

    _, planned = _rollback(here, wanted)
    steps, kept_as = planned.restore(by, check, tell)
    tally = telling.tally_of(steps)
    left = [_left(each) for each in steps if each.action == "leave"]
    if left and not tally.count:
        raise TransitionNotAllowed(_nothing(left), left=left[:MOST_LEFT], left_count=len(left))
    return {
        "kind": "done",
        "count": tally.count,
        "kept_as": kept_as,
        "told": clean(_told(wanted, tally, kept_as)),
        "left": left[:MOST_LEFT],
        "left_count": len(left),
    }


def _left(step: Any) -> str:
    """A file that stays, and why."""
    return clean(f"{step.path.decode('utf-8', 'backslashreplace')}: {step.reason}")


def _nothing(left: list[str]) -> str:
    from review.checkpoints import telling  # noqa: PLC0415

    more = len(left) - MOST_NAMED
    named = "; ".join(left[:MOST_NAMED]) + (f"; and {more:,} more" if more > 0 else "")
    return f"Nothing was changed: {telling.left_told(len(left))} {named}"


def _told(wanted: Wanted, tally: Any, kept_as: int | None) -> str:
    from review.checkpoints import telling  # noqa: PLC0415

    if kept_as is None:
        return "The files were so already."
    done = f"{telling.files(tally.count)} {'is' if tally.count == 1 else 'are'}"
    return telling.joined(
        f"{done} {wanted.after(tally.count)}.",
        telling.left_told(tally.left),
        f"What was there until then is checkpoint:{kept_as}.",
    )
