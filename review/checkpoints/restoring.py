"""Brings files of the workspace back to a checkpoint: first as a plan that is shown, then done.

The state before is kept as a checkpoint of its own, so nothing that is written over is lost; what cannot be
kept, because it is too large or no plain file, is not touched. Every file is written beside its place and
renamed into it (`review.checkpoints.writing`), in a folder that was opened step by step, so no link leads out
of the workspace. What changed meanwhile is left as it is.
"""

from __future__ import annotations

import functools
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from errors import SkepError, TransitionNotAllowed
from review.checkpoints import leftovers, present, workspace
from review.checkpoints.keeping import Keeper
from review.checkpoints.planning import Step, count_of, plan, to_write, wanted
from review.checkpoints.repository import CheckpointFailed, Entry, Repository
from review.checkpoints.workspace import Bounds
from review.checkpoints.writing import Writing, write_all
from settings import Home
from store import rollbacks
from store.rollbacks import Begun
from store.sqlite_store import SqliteStore
from store.transaction import Transaction

#: Files that are written between two words of how far it is.
TOLD_EVERY: Final = 500
#: Told how many files are written, of how many; must not raise, for files are under way.
Tell = Callable[[int, int], None]


def _untold(done: int, total: int) -> None:
    pass


def apply(
    root: int, repository: Repository, steps: Sequence[Step], token: str, bounds: Bounds, tell: Tell = _untold
) -> list[Step]:
    """Do it: what is to go first, so that a folder can become a file. The steps as they were done.

    `token` is what the names of files begin with while they are written.
    """
    doing = [step for step in steps if step.action not in {"same", "leave"}]
    going = [step for step in doing if step.target is None]
    done = [_guarded(step, functools.partial(_delete, root, step, bounds.file_bytes)) for step in going]
    writing = to_write(steps)
    errors = write_all(root, _files(repository, writing, token), bounds.file_bytes)
    for number, ((step, _), error) in enumerate(zip(writing, errors, strict=True), 1):
        done.append(_done(step, error))
        if number % TOLD_EVERY == 0:
            tell(number, len(writing))
    return [*(step for step in steps if step.action in {"same", "leave"}), *done]


def _files(
    repository: Repository, writing: Sequence[tuple[Step, Entry]], token: str
) -> Iterator[tuple[Writing, bytes]]:
    """The files to write, each with its content, which is read when it is its turn."""
    contents = repository.contents(target.blob for _, target in writing)
    for number, ((step, target), content) in enumerate(zip(writing, contents, strict=True)):
        fresh = leftovers.fresh_name(token, number)
        yield Writing(step.path, target.mode, step.present, fresh), content


def _done(step: Step, error: OSError | None) -> Step:
    """A step as it was done: where it could not be, left as it is."""
    return step if error is None else replace(step, action="leave", reason=error.strerror or str(error))


def _guarded(step: Step, do: Callable[[], None]) -> Step:
    try:
        do()
    except OSError as error:
        return _done(step, error)
    return step


def _delete(root: int, step: Step, most: int) -> None:
    """Take a file away, and the folders that are empty then."""
    path = step.path
    present.check(root, path, step.present, most)
    with workspace.folder_of(root, path) as folder, suppress(FileNotFoundError):
        os.unlink(workspace.name_of(path), dir_fd=folder)
    above = path.rpartition(b"/")[0]
    while above:
        try:
            with workspace.folder_of(root, above) as folder:
                os.rmdir(workspace.name_of(above), dir_fd=folder)
        except OSError:  # not empty
            return
        above = above.rpartition(b"/")[0]


class Rollback:
    """A rollback of one home's workspace to one checkpoint.

    Parameters:
        to_before: to the state before the checkpoint instead of the one it kept.
        all_of_it: every file it holds, and no others, instead of those it changed.
    """

    def __init__(
        self, home: Home, store: SqliteStore, keeper: Keeper, number: int, *, to_before: bool, all_of_it: bool
    ) -> None:
        self._home = home
        self._store = store
        self._keeper = keeper
        self._to_before = to_before
        self._all = all_of_it
        row = store.reader.one("get_checkpoint", number=number)
        if row is None or row["state"] != "made":
            raise CheckpointFailed(f"there is no checkpoint {number}")
        self._row = row
        if not keeper.repository.has(row["commit_id"]):
            raise CheckpointFailed(f"the repository of checkpoints no longer has checkpoint {number}")

    @functools.cached_property
    def files(self) -> int:
        """How many files the checkpoint holds."""
        return len(self._keeper.repository.changes(None, self._row["commit_id"]))

    def preview(self) -> list[Step]:
        """What would be done now."""
        with workspace.opened(self._home.workspace) as root:
            return self._plan(root)

    def restore(
        self, by: str, check: Callable[[list[Step]], None] = lambda planned: None, tell: Tell = _untold
    ) -> tuple[list[Step], int | None]:
        """Do it; the steps, and the number of the checkpoint that holds the state before.

        Where nothing is to be done there is no such checkpoint. Commands that come meanwhile wait. `check`
        is shown what is to be done, and raises where that is not what was agreed to. Raises
        `TransitionNotAllowed` while commands run and where files change while the state before is kept, and
        `CheckpointFailed` where that state cannot be kept; in each of these cases nothing was touched. A file
        that changes later still is left as it is.
        """
        with self._keeper.turns.of_a_rollback(self._store.reader):
            self._keeper.tidy()
            planned = self.preview()
            check(planned)
            if not count_of(planned):
                self._settle(by, planned)
                return planned, None
            return self._restore(by, planned, tell)

    def _restore(self, by: str, planned: list[Step], tell: Tell) -> tuple[list[Step], int]:
        with self._keeper.lock:
            number = self._keeper.keep("rollback")
            kept = self._store.reader.one("get_checkpoint", number=number)
            if kept is None or kept["state"] != "made":
                why = "it is gone" if kept is None else kept["reason"]
                raise CheckpointFailed(f"the state before cannot be kept, so nothing was touched: {why}")
            begun = self._begun(by, planned, number)
            try:
                with workspace.opened(self._home.workspace) as root:
                    done = self._apply(root, planned, begun, tell)
                self._store.write(lambda tx: self._end(tx, begun, done))
            except BaseException as error:
                self._break_off(error)
                raise
        return done, number

    def _begun(self, by: str, planned: list[Step], number: int) -> Begun:
        row = self._row
        return Begun(
            checkpoint=row["number"],
            task_id=row["task_id"],
            commit=row["before_id"] if self._to_before else row["commit_id"],
            to_before=self._to_before,
            all_of_it=self._all,
            count=count_of(planned),
            kept_as=number,
            by=by,
            at=self._store.clock.now(),
        )

    def _apply(self, root: int, planned: list[Step], begun: Begun, tell: Tell) -> list[Step]:
        """Do it. That it began, and the names of files that are half written, are durable before."""
        steps, token = self._plan(root), secrets.token_hex(8)
        if steps != planned:  # what came in between is not in the state that was kept
            raise TransitionNotAllowed("Files changed meanwhile, so nothing was touched. Look at it again.")
        files = [(step.path, target.blob) for step, target in to_write(steps)]
        self._store.write(lambda tx: self._begin(tx, begun, token, files))
        return apply(root, self._keeper.repository, steps, token, self._keeper.bounds, tell)

    def _begin(self, tx: Transaction, begun: Begun, token: str, files: Sequence[tuple[bytes, str]]) -> None:
        leftovers.note(tx, token, files)
        rollbacks.begin(tx, begun)

    def _end(self, tx: Transaction, begun: Begun, done: Sequence[Step]) -> None:
        leftovers.forget(tx)
        rollbacks.end(tx, begun, count_of(done), sum(step.action == "leave" for step in done))

    def _break_off(self, error: BaseException) -> None:
        """It is cut short, and where it had begun a person is asked; the daemon does so where this cannot."""
        why = str(error) or type(error).__name__
        with suppress(SkepError, OSError):
            self._store.write(lambda tx: rollbacks.break_off(tx, f"it was cut short: {why}"))
            self._keeper.tidy()

    def _settle(self, by: str, planned: list[Step]) -> None:
        """The files are so already: where one like it had broken off, it is finished now."""
        if any(step.action == "leave" for step in planned) or not self._may_settle():
            return
        number = self._row["number"]
        with self._keeper.lock:
            self._keeper.tidy()
            self._store.write(
                lambda tx: rollbacks.settle(tx, by, number, to_before=self._to_before, all_of_it=self._all)
            )

    def _may_settle(self) -> bool:
        """Whether any rollback broke off, asked about or not yet."""
        reader = self._store.reader
        return bool(reader.fact(rollbacks.BEGUN) or reader.all("open_decisions_of_kind", kind=rollbacks.KIND))

    def _plan(self, root: int) -> list[Step]:
        repository, row = self._keeper.repository, self._row
        paths = wanted(
            repository, row["commit_id"], row["before_id"], to_before=self._to_before, all_of_it=self._all
        )
        others = list(self._others(root, {each.path for each in paths})) if self._all else []
        return plan(root, paths, self._keeper.bounds, others=others)

    def _others(self, root: int, held: set[bytes]) -> Iterator[bytes]:
        """What is in the workspace and not in the checkpoint."""
        found = workspace.look(root, 0, self._keeper.bounds)
        return (path for path in found.files if path not in held)
