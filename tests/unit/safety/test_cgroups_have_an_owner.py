"""Whose a group is, and what becomes of one that is removed; directories here stand for the kernel's."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from safety.sandbox import cgroup
from safety.sandbox.cgroup import Cgroups, Slot
from safety.sandbox.cgroup_owner import claim, is_held, remove_left

#: Beyond what Linux gives out (PID_MAX_LIMIT), as is every process that another namespace has to itself.
UNSEEN = "skep-home-4194305"


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cgroups]:
    (tmp_path / "pids").mkdir()
    (tmp_path / "memory").mkdir()
    (tmp_path / "mounts").write_text(
        f"cgroup {tmp_path}/pids cgroup rw,pids 0 0\ncgroup {tmp_path}/memory cgroup rw,memory 0 0\n"
    )
    (tmp_path / "own").write_text("8:pids:/\n4:memory:/\n")
    monkeypatch.setattr(cgroup, "MOUNTS", tmp_path / "mounts")
    monkeypatch.setattr(cgroup, "OWN", tmp_path / "own")
    made = Cgroups("home", 32, 1 << 20)
    yield made
    made.close()


def limits(slot: Slot | None) -> list[str]:
    assert slot is not None
    pids, memory = slot.folders
    return [(pids / "pids.max").read_text(), (memory / "memory.limit_in_bytes").read_text()]


def test_a_group_that_is_owned_stays_though_its_owner_cannot_be_seen(tmp_path: Path) -> None:
    owned = claim(tmp_path / UNSEEN)
    (tmp_path / UNSEEN / "0").mkdir()

    remove_left(tmp_path, "skep-")

    assert (tmp_path / UNSEEN / "0").is_dir()
    assert is_held(tmp_path / UNSEEN, owned)
    os.close(owned)  # as the kernel does when its owner ends
    remove_left(tmp_path, "skep-")
    assert not (tmp_path / UNSEEN).exists()


def test_a_group_with_a_process_anywhere_below_stays_whole(tmp_path: Path) -> None:
    (tmp_path / UNSEEN / "0").mkdir(parents=True)
    (tmp_path / UNSEEN / "1").mkdir()
    (tmp_path / UNSEEN / "1" / "cgroup.procs").write_text("0\n")  # one that is not of this namespace

    remove_left(tmp_path, "skep-")

    assert sorted(inner.name for inner in (tmp_path / UNSEEN).iterdir()) == ["0", "1"]


def test_the_group_of_a_process_that_is_seen_stays_without_a_lock(tmp_path: Path) -> None:
    (tmp_path / f"skep-home-{os.getpid()}").mkdir()

    remove_left(tmp_path, "skep-")

    assert (tmp_path / f"skep-home-{os.getpid()}").is_dir()


def test_a_group_that_was_made_anew_by_another_is_not_held(tmp_path: Path) -> None:
    owned = claim(tmp_path / "one")
    (tmp_path / "one").rename(tmp_path / "moved")
    assert not is_held(tmp_path / "one", owned)

    (tmp_path / "one").mkdir()

    assert not is_held(tmp_path / "one", owned)
    os.close(owned)


def test_two_with_one_home_and_one_process_id_have_groups_of_their_own(groups: Cgroups) -> None:
    other = Cgroups("home", 32, 1 << 20)

    first, second = groups.take_in(41), other.take_in(42)

    assert (groups.bounds_processes, other.bounds_processes) == (True, True)
    assert first is not None
    assert second is not None
    assert not {*first.folders} & {*second.folders}
    other.close()


@pytest.mark.parametrize("removed", ["pids", "memory", "pids memory"])
@pytest.mark.parametrize("depth", ["outer", "inner"])
def test_groups_that_are_gone_are_made_again_with_their_limits(
    groups: Cgroups, tmp_path: Path, removed: str, depth: str
) -> None:
    first = groups.take_in(41)
    assert first is not None
    groups.give_back(first)
    for controller in removed.split():
        (outer,) = (tmp_path / controller).glob("skep-*")
        shutil.rmtree(outer if depth == "outer" else outer / "0")

    again = groups.take_in(42)

    assert limits(again) == ["32", str(1 << 20)]
    assert again == first
    assert [(folder / "cgroup.procs").read_text() for folder in first.folders] == ["42", "42"]
    assert limits(groups.take_in(43)) == ["32", str(1 << 20)]


def test_a_group_made_again_is_owned_again(groups: Cgroups, tmp_path: Path) -> None:
    shutil.rmtree(next((tmp_path / "pids").glob("skep-*")))
    slot = groups.take_in(42)
    assert slot is not None
    owned = slot.folders[0].parent

    unseen = owned.rename(owned.with_name(UNSEEN))
    shutil.rmtree(unseen / "0")
    remove_left(tmp_path / "pids", "skep-")

    assert unseen.is_dir()


def test_where_none_can_be_made_again_no_command_runs_without_one_until_it_can(
    groups: Cgroups, tmp_path: Path
) -> None:
    first = groups.take_in(41)
    assert first is not None
    groups.give_back(first)
    shutil.rmtree(tmp_path / "memory")

    for _ in range(3):
        with pytest.raises(FileNotFoundError):
            groups.take_in(42)

    (tmp_path / "memory").mkdir()
    assert limits(groups.take_in(42)) == ["32", str(1 << 20)]


def test_a_group_whose_limit_was_not_set_is_not_used_without_it(groups: Cgroups, tmp_path: Path) -> None:
    (outer,) = (tmp_path / "pids").glob("skep-*")
    (outer / "0" / "pids.max").mkdir(parents=True)  # so that it cannot be written
    with pytest.raises(IsADirectoryError):
        groups.take_in(41)
    with pytest.raises(IsADirectoryError):
        groups.take_in(42)

    (outer / "0" / "pids.max").rmdir()

    assert limits(groups.take_in(43)) == ["32", str(1 << 20)]
