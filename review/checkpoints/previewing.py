"""A rollback as it is shown before it is done: each path, its sizes, and of texts what differs; bounded."""

from __future__ import annotations

import difflib
import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from errors import TransitionNotAllowed
from review.checkpoints import telling, workspace
from review.checkpoints.planning import Action, Step
from review.checkpoints.present import NOTHING, present_of
from review.checkpoints.repository import Repository
from settings import Home

#: Paths that are shown one by one.
MOST_SHOWN: Final = 200
#: Paths whose difference is shown, bytes of a file that is compared, and lines of a difference.
MOST_COMPARED: Final = 20
MOST_BYTES: Final = 64 * 1024
MOST_LINES: Final = 120
#: Characters of a line of a difference.
MOST_CHARS: Final = 240


@dataclass(frozen=True, slots=True)
class Shown:
    """What would be done with one path."""

    path: str
    action: Action
    is_newer: bool
    reason: str | None
    #: bytes it has now, and would have then; none: it is not there
    size: int | None
    size_then: int | None
    #: lines that differ, as a unified diff; empty where they are not compared
    diff: tuple[str, ...] = ()
    #: whether there are more lines than those
    is_cut: bool = False


def digest(steps: Sequence[Step]) -> str:
    """What names exactly this plan: what would be done, to what stands there, and what would stand there."""
    told = [
        (step.path, step.action, step.target, step.is_newer, step.reason, step.present)
        for step in telling.in_order(steps)
    ]
    return hashlib.sha256(repr(told).encode()).hexdigest()


def shown(home: Home, repository: Repository, steps: Sequence[Step]) -> list[Shown]:
    """The first paths of a plan, for a person: what was changed since comes before the rest.

    Raises `TransitionNotAllowed` where files are no longer those that the plan is about, `CheckpointFailed`,
    `OSError`.
    """
    first = telling.in_order(steps)[:MOST_SHOWN]
    sizes = repository.sizes([step.target.blob for step in first if step.target is not None])
    told = []
    with workspace.opened(home.workspace) as root:
        texts = _texts(root, repository, first, sizes)
        for step in first:
            then = None if step.target is None else sizes[step.target.blob]
            diff, is_cut = _diff(*texts[step.path]) if step.path in texts else ((), False)
            told.append(
                Shown(
                    step.path.decode("utf-8", "backslashreplace"), step.action, step.is_newer, step.reason,
                    _size(root, step), then, diff, is_cut,
                )
            )  # fmt: skip
    return told


def _size(root: int, step: Step) -> int | None:
    if step.present.sha256:
        return step.present.size
    try:  # not read: too large, or a folder is there
        with workspace.folder_of(root, step.path) as folder:
            return os.stat(workspace.name_of(step.path), dir_fd=folder, follow_symlinks=False).st_size
    except OSError:
        return None


def _texts(
    root: int, repository: Repository, steps: Sequence[Step], sizes: dict[str, int]
) -> dict[bytes, tuple[bytes, bytes]]:
    """What small files are now and would be, of the first that are written or taken away."""
    compared = [step for step in steps if step.action != "leave"][:MOST_COMPARED]
    small = [step for step in compared if step.target is None or sizes[step.target.blob] <= MOST_BYTES]
    wanted = [step.target.blob for step in small if step.target is not None]
    contents = dict(zip(wanted, repository.contents(wanted), strict=True)) if wanted else {}
    found = {}
    for step in small:
        now = _content(root, step)
        if now is not None:
            found[step.path] = now, b"" if step.target is None else contents[step.target.blob]
    return found


def _content(root: int, step: Step) -> bytes | None:
    """What a file holds, nothing where it is not there; none where it is too large or no file."""
    if step.present.size > MOST_BYTES:
        return None
    try:
        mode, content = workspace.read_whole(root, step.path, MOST_BYTES)
        found = present_of(mode, content)
    except FileNotFoundError:
        found, content = NOTHING, b""
    except OSError:
        return None
    if found != step.present:
        raise TransitionNotAllowed("The files changed while they were looked at. Look at them again.")
    return content


def _diff(now: bytes, then: bytes) -> tuple[tuple[str, ...], bool]:
    """The lines that differ between two contents, without names; none where one of them is no text."""
    if b"\0" in now or b"\0" in then:
        return (), False
    old, new = (content.decode("utf-8", "replace").splitlines() for content in (now, then))
    lines = list(_first(difflib.unified_diff(old, new, n=2, lineterm=""), MOST_LINES + 3))[2:]
    cut = tuple(line if len(line) <= MOST_CHARS else f"{line[:MOST_CHARS]} …" for line in lines[:MOST_LINES])
    return cut, len(lines) > MOST_LINES


def _first(lines: Iterator[str], most: int) -> Iterator[str]:
    for _, line in zip(range(most), lines, strict=False):
        yield line
