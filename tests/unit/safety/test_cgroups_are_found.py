"""Where groups can be made, in either hierarchy; the kernel's files are directories of the test here."""

from __future__ import annotations

from pathlib import Path

import pytest

from safety.sandbox import cgroup
from safety.sandbox.cgroup import Cgroups, find_places

MIXED = """\
cgroup {root}/pids cgroup rw,nosuid,relatime,pids 0 0
cgroup {root}/memory cgroup rw,nosuid,relatime,memory 0 0
cgroup {root}/cpu cgroup rw,relatime,cpu 0 0
cgroup2 {root}/unified cgroup2 rw,relatime 0 0
"""
UNIFIED = "cgroup2 {root} cgroup2 rw,nosuid,nodev,noexec,relatime 0 0\n"


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Sets the mounts and the own group."""

    def say(mounts: str, own: str) -> None:
        (tmp_path / "mounts").write_text(mounts.format(root=tmp_path))
        (tmp_path / "own").write_text(own)
        monkeypatch.setattr(cgroup, "MOUNTS", tmp_path / "mounts")
        monkeypatch.setattr(cgroup, "OWN", tmp_path / "own")

    return say


def test_in_the_old_hierarchy_each_controller_has_its_place_below_the_own_group(tmp_path: Path) -> None:
    found = find_places(MIXED.format(root=tmp_path), "8:pids:/\n4:memory:/box/7\n0::/\n")

    assert [(place.folder, place.version) for place in found] == [
        (tmp_path / "pids", 1),
        (tmp_path / "memory/box/7", 1),
    ]


def test_in_the_unified_hierarchy_it_is_the_neighbours_place_where_that_passes_controllers_on(
    tmp_path: Path,
) -> None:
    own = tmp_path / "app.slice" / "skep.service"
    own.mkdir(parents=True)
    (own / "cgroup.subtree_control").write_text("")
    (own.parent / "cgroup.subtree_control").write_text("memory pids\n")

    (found,) = find_places(UNIFIED.format(root=tmp_path), "0::/app.slice/skep.service\n")

    assert (found.folder, found.version, found.controllers) == (own.parent, 2, frozenset({"pids", "memory"}))


def test_the_unified_hierarchy_without_the_controller_is_no_place(tmp_path: Path) -> None:
    (tmp_path / "cgroup.subtree_control").write_text("cpu\n")

    assert find_places(UNIFIED.format(root=tmp_path), "0::/\n") == []


def test_groups_have_their_limits_are_used_again_and_go_at_the_end(kernel, tmp_path: Path) -> None:
    (tmp_path / "pids").mkdir()
    (tmp_path / "memory").mkdir()
    left = tmp_path / "pids" / "skep-home-999999"
    (left / "0").mkdir(parents=True)
    kernel(MIXED, "8:pids:/\n4:memory:/\n")
    groups = Cgroups("home", 32, 1 << 20)

    first = groups.take_in(41)
    assert first is not None
    groups.give_back(first)
    second = groups.take_in(42)

    assert (groups.bounds_processes, groups.bounds_memory) == (True, True)
    assert second == first
    assert {(folder.parents[1].name, file.name, file.read_text()) for folder in first.folders
            for file in folder.iterdir()} >= {("pids", "pids.max", "32"),
                                               ("memory", "memory.limit_in_bytes", str(1 << 20))}  # fmt: skip
    assert not left.exists()
    assert (first.folders[0] / "cgroup.procs").read_text() == "42"


def test_where_none_can_be_made_there_is_none(kernel, tmp_path: Path) -> None:
    kernel(MIXED, "8:pids:/\n")  # no such directory
    groups = Cgroups("home", 32, 1 << 20)

    assert (groups.take_in(42), groups.bounds_processes, groups.bounds_memory) == (None, False, False)
    groups.close()


def test_where_the_unified_group_takes_no_controllers_there_is_none(kernel, tmp_path: Path) -> None:
    (tmp_path / "cgroup.subtree_control").write_text("pids\n")
    (tmp_path / "skep-home-1").touch()
    kernel(UNIFIED, "0::/\n")

    groups = Cgroups("home", 32, 1 << 20)

    assert groups.bounds_processes
    groups.close()
