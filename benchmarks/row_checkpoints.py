"""Checkpoints of the workspace: what one costs after few and after many, in a small and in a large one."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import host_platform
from benchmarks import homes
from benchmarks.measure import Bar, Bench, Figure, figure
from outcome import Outcome, Verdict
from review.checkpoints.keeping import Keeper
from settings import Home, Settings
from store import recording
from store.claims import Claimant
from store.records import Claim
from store.sqlite_store import SqliteStore

FEW, SOME, MANY = 100, 1_000, 5_000
QUICK = (20, 50, 100)
#: Checkpoints that are measured at each level.
MEASURED = 50
LARGE = 20_000
VERDICT = Verdict(decision="APPROVE", confidence=0.95)


def run(bench: Bench) -> list[Figure]:
    """Milliseconds of a checkpoint after some thousands, and of one in a large workspace beside plain git."""
    few, some, many = QUICK if bench.is_quick else (FEW, SOME, MANY)
    with _home(bench, 100) as home:
        found = _at_levels(bench, home, (few, some, many))
    measured = {level: [statistics.median(times)] for level, times in found.items()}
    large = bench.size(LARGE, 1_000)
    with _home(bench, large) as home:
        keeper_ms = _several(home, 10)
    git_ms = _plain_git(bench, large, 10)
    return [
        figure(
            f"a checkpoint after {many:,} of them, one file changed of 100",
            "ms",
            measured[many],
            beside={f"after {few:,}": measured[few], f"after {some:,}": measured[some]},
            bar=Bar(1.3, "at most", "ratio"),
            note=f"the median of 50; the slowest of them {max(found[many]):.0f} ms, as every 200 are packed",
        ),
        figure(
            f"a checkpoint of a workspace of {large:,} files, one of them changed",
            "ms",
            [statistics.median(keeper_ms)],
            beside={"git add --all and commit in the workspace": [statistics.median(git_ms)]},
            note="every file is looked at (lstat), one is read",
        ),
    ]


@contextmanager
def _home(bench: Bench, files: int) -> Iterator[_Rig]:
    root = bench.place("checkpoints")
    root.mkdir()
    _fill(root / "workspace", files)
    try:
        with SqliteStore(Home(root), Settings()) as store:
            yield _Rig(store)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _fill(workspace: Path, files: int) -> None:
    for number in range(files):
        path = workspace / f"folder-{number // 100}" / f"file-{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"file {number}\n" * 20)


class _Rig:
    """A home whose tasks each change one file and are approved."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.keeper = Keeper(store.home, store.settings, store)
        self._who = Claimant("bench", host_platform.this_process(), 30.0)
        self.made = 0
        self.keeper.before_change()

    def checkpoint(self) -> float:
        """Milliseconds from an approval to its checkpoint."""
        self.made += 1
        path = self.store.home.workspace / "folder-0" / f"file-{self.made % 100}.txt"
        path.write_text(f"changed {self.made}\n")
        self.store.submit(homes.new_tasks([{"id": f"t{self.made}", "command": "true"}]), "bench")
        (claim,) = self.store.claim(self._who, 1)
        self._approve(claim)
        began = time.monotonic()
        self.keeper.keep_due()
        return (time.monotonic() - began) * 1000

    def _approve(self, claim: Claim) -> None:
        now = time.time()
        outcome = Outcome(
            status="completed",
            task_id=claim.id,
            lease=claim.ref.lease,
            mode="local",
            may_write=True,
            started_at=now,
            ended_at=now,
        )

        def approve(tx) -> None:  # type: ignore[no-untyped-def]
            row = recording.begin_review(tx, claim.ref, outcome, VERDICT, {})
            assert row is not None
            recording.approve(tx, row, VERDICT.reviewer)

        self.store.write(approve)


def _at_levels(bench: Bench, rig: _Rig, levels: tuple[int, ...]) -> dict[int, list[float]]:
    found = {}
    for level in levels:
        while rig.made < level:
            rig.checkpoint()
        found[level] = _several(rig, MEASURED)
        bench.say(f"after {level:,}: {statistics.median(found[level]):.1f} ms")
    return found


def _several(rig: _Rig, count: int) -> list[float]:
    return [rig.checkpoint() for _ in range(count)]


def _plain_git(bench: Bench, files: int, count: int) -> list[float]:
    """Milliseconds of the plain way: all added and committed in a repository of the workspace's own."""
    root = bench.place("plain-git")
    _fill(root, files)
    command = ["git", "-C", str(root), "-c", "user.name=bench", "-c", "user.email=bench@localhost"]
    subprocess.run([*command, "init", "--quiet"], check=True)
    found = []
    for number in range(count + 1):
        (root / "folder-0" / "file-0.txt").write_text(f"changed {number}\n")
        began = time.monotonic()
        subprocess.run([*command, "add", "--all"], check=True)
        subprocess.run([*command, "commit", "--quiet", "-m", "auto"], check=True)
        found.append((time.monotonic() - began) * 1000)
    shutil.rmtree(root, ignore_errors=True)
    return found[1:]
