"""A rollback that is killed: what it left is taken away, and the next one finishes the work."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from review.checkpoints import leftovers, planning
from review.checkpoints.keeping import Keeper
from road.checkpointing import Checkpointing
from settings import Home
from store.sqlite_store import SqliteStore
from tests.integration.checkpoint_rig import Rig

HERE = Path(__file__).resolve().parents[2]


@pytest.fixture
def rig(home: Home, store: SqliteStore, who) -> Rig:
    return Rig(home, store, who)


def kill_a_rollback(rig: Rig, at: int = 1) -> list[Path]:
    """Bring three files back with a `skep` of its own that dies on the way; what it left beside them."""
    rig.did("a", deep__one_txt="1" * 100, two_txt="2", three_txt="3")
    for name in ("deep/one.txt", "two.txt", "three.txt"):
        (rig.files / name).write_text("by hand")
    command = [sys.executable, "-m", "skep", "--home", str(rig.home.root), "rollback", "a", "--yes"]
    environment = {**os.environ, "SKEP_FAULT": f"rollback.written:{at}", "PYTHONPATH": str(HERE)}
    ended = subprocess.run(command, env=environment, cwd=HERE, capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    return sorted(rig.files.rglob(".skep-*"), key=lambda path: path.name)


@pytest.mark.parametrize("at", [1, 3])
def test_what_a_killed_rollback_left_is_taken_away_by_the_leader(rig, at):
    left = kill_a_rollback(rig, at)
    (rig.files / ".skep-mine").write_text("a person's")
    Checkpointing(rig.store, rig.keeper).look()
    assert not any(each.exists() for each in left)
    assert (rig.files / ".skep-mine").read_text() == "a person's"
    assert [each["count"] for each in rig.events("checkpoint.tidied")] == [len(left)]
    assert len(left) == 4 - at
    Checkpointing(rig.store, rig.keeper).look()
    assert len(rig.events("checkpoint.tidied")) == 1


def test_the_next_rollback_takes_it_away_and_finishes_the_work(rig):
    left = kill_a_rollback(rig)[0]
    told = json.loads(rig.skep("rollback", "a", "--yes", "--json"))
    assert not left.exists()
    assert (rig.files / "deep" / "one.txt").read_text() == "1" * 100
    assert left.name not in rig.git("ls-tree", "-r", "--name-only", rig.row_of(told["kept_as"])["commit_id"])
    assert rig.store.reader.fact(leftovers.KEY) is None


@pytest.mark.parametrize(("more", "stays"), [("", False), ("1", False), ("somebody's words", True)])
def test_half_a_file_goes_and_what_holds_anything_else_stays(rig, more, stays):
    left = kill_a_rollback(rig)[0]
    left.write_text("1" * 10 + more)
    rig.keeper.tidy()
    assert left.exists() == stays


def test_what_was_left_is_not_looked_for_through_a_link(rig, tmp_path):
    left = kill_a_rollback(rig)[0]
    (rig.files / "deep").rename(tmp_path / "outside")
    (rig.files / "deep").symlink_to(tmp_path / "outside")
    rig.keeper.tidy()
    assert (tmp_path / "outside" / left.name).exists()


def test_a_rollback_under_way_is_left_alone(rig):
    left = kill_a_rollback(rig)[0]
    with Keeper(rig.home, rig.settings, rig.store).lock:
        rig.keeper.tidy()
        assert left.exists()
    rig.keeper.tidy()
    assert not left.exists()


def test_a_plan_of_paths_is_complete(rig):
    rig.did("a", one_txt="1")
    row = rig.row("a")
    found = planning.wanted(rig.keeper.repository, row["commit_id"], None, to_before=True, all_of_it=False)
    assert [(each.path, each.target) for each in found] == [(b"one.txt", None)]
