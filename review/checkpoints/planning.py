"""What is to be done with each path so that files are as a checkpoint has them. Nothing is touched here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from review.checkpoints import present, workspace
from review.checkpoints.obstacles import obstacle
from review.checkpoints.present import IN_THE_WAY, NOTHING, Present
from review.checkpoints.repository import EMPTY_TREE, Entry, Repository, blob_id
from review.checkpoints.workspace import Bounds

#: What is to be done with a path: nothing, as it is so already; or it cannot be done.
Action = Literal["same", "create", "change", "delete", "leave"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A path as it is to be."""

    path: bytes
    #: none: it is not to exist
    target: Entry | None
    #: as the checkpoint of the task left it; differs from `target` where that is the state before
    kept: Entry | None


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done with one path."""

    path: bytes
    action: Action
    target: Entry | None
    #: whether it was changed after the checkpoint that is spoken of
    is_newer: bool = False
    #: why it is left as it is
    reason: str | None = None
    #: what it is to be done to
    present: Present = NOTHING


def wanted(
    repository: Repository, commit: str, before: str | None, *, to_before: bool, all_of_it: bool
) -> list[Wanted]:
    """The paths that a rollback is about: those the checkpoint changed, or all that it holds."""
    if not all_of_it:
        changes = repository.changes(before, commit)
        return [Wanted(each.path, each.before if to_before else each.after, each.after) for each in changes]
    target = (before or EMPTY_TREE) if to_before else commit
    held = repository.changes(None, target) if target != EMPTY_TREE else []
    return [Wanted(each.path, each.after, each.after) for each in held]


def plan(root: int, paths: Sequence[Wanted], bounds: Bounds, *, others: Sequence[bytes] = ()) -> list[Step]:
    """What is to be done so that the paths are as wanted and the `others` are gone."""
    steps = [_step(root, each, bounds) for each in paths]
    extra = [_step(root, Wanted(path, None, None), bounds) for path in others]
    going = {step.path for step in (*steps, *extra) if step.action == "delete"}
    settled = (_settled(root, step, going) for step in (*steps, *extra))
    return sorted(settled, key=lambda step: step.path)


def _settled(root: int, step: Step, going: set[bytes]) -> Step:
    """A step that is to create a file, left where what is in the way stays."""
    why = obstacle(root, step.path, going) if step.action == "create" else None
    return step if why is None else replace(step, action="leave", reason=why)


def _step(root: int, each: Wanted, bounds: Bounds) -> Step:
    try:
        mode, content = workspace.read_whole(root, each.path, bounds.file_bytes)
        current: Entry | None = Entry(workspace.kept_mode(mode), blob_id(content))
        there = present.present_of(mode, content)
    except FileNotFoundError:
        current, there = None, NOTHING
    except (IsADirectoryError, NotADirectoryError):
        if each.target is None:
            return Step(each.path, "same", None)
        return Step(each.path, "create", each.target, is_newer=True, present=IN_THE_WAY)
    except OSError as error:
        return Step(each.path, "leave", each.target, reason=error.strerror or "cannot be read")
    if current == each.target:
        return Step(each.path, "same", each.target)
    action: Action = "delete" if each.target is None else "create" if current is None else "change"
    return Step(each.path, action, each.target, is_newer=current != each.kept, present=there)


def to_write(steps: Sequence[Step]) -> list[tuple[Step, Entry]]:
    """The steps that write a file, each with what it writes."""
    doing = [step for step in steps if step.action not in {"same", "leave"}]
    return [(step, step.target) for step in doing if step.target is not None]


def count_of(steps: Sequence[Step]) -> int:
    """How many of them change something."""
    return sum(step.action not in {"same", "leave"} for step in steps)
