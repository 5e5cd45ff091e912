"""Where its cgroups are removed under it, a daemon makes them again, and no other Skep removes them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from safety.sandbox import Command, NotStarted
from safety.sandbox.cgroup import Cgroups
from tests.safety.conftest import MakeJail
from tests.safety.jail import Jail

PROCESSES = 48
#: Tidies up as a daemon does at its start, but among the groups of this test alone.
TIDY = """
import sys
from pathlib import Path
from safety.sandbox.cgroup_owner import remove_left
for group in map(Path, sys.argv[1:]):
    remove_left(group.parent, group.name.rpartition("-")[0])
"""


@pytest.fixture
def bounded(make_jail: MakeJail) -> Jail:
    """A jail that has cgroups and no sandbox that waits in one."""
    jail = make_jail(sandbox_processes=PROCESSES, sandbox_warm=0)
    if not groups_of(jail):
        pytest.skip(f"no cgroups here: {jail.standing.bounds}")
    return jail


def groups_of(jail: Jail) -> list[Path]:
    return list(jail.sandbox._cgroups._held)


def remove(group: Path) -> None:
    for folder in (*group.glob("[0-9]*"), group):
        folder.rmdir()


def holds(jail: Jail) -> bool:
    """Whether a command runs within its limits: in the groups there are, by what the kernel says of it."""
    followed = jail.sandbox.launch(Command(argv=("/bin/sleep", "600"), limit_s=60))
    pid = followed._ready.pid
    entered = [group / "0" for group in groups_of(jail)]
    is_in = [f"{pid}" in (inner / "cgroup.procs").read_text().split() for inner in entered]
    bounds = [(inner / "pids.max").read_text().strip() for inner in entered if (inner / "pids.max").exists()]
    followed.kill()
    followed.follow(lambda _: None)
    return all(is_in) and bounds == [f"{PROCESSES}"]


def test_commands_run_on_within_their_limits_when_their_groups_are_removed(bounded: Jail) -> None:
    for group in groups_of(bounded):
        remove(group)

    assert holds(bounded)
    assert bounded.shell("echo fine")[1] == "fine\n"
    remove(groups_of(bounded)[0])
    assert holds(bounded)


def test_a_command_for_which_no_group_can_be_had_is_tried_again_later(
    bounded: Jail, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(Cgroups, "_hold", refuse)
        for group in groups_of(bounded):
            remove(group)
        with pytest.raises(NotStarted, match="the cgroup that bounds it cannot be had now") as failed:
            bounded.shell("true")

    assert failed.value.is_for_now
    assert holds(bounded)


def refuse(*_: object) -> None:
    raise PermissionError("the kernel does not let it")


def test_a_skep_in_a_process_namespace_of_its_own_leaves_the_groups_of_others(bounded: Jail) -> None:
    groups = map(str, groups_of(bounded))
    apart = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", TIDY, *groups]
    before = [sorted(group.iterdir()) for group in groups_of(bounded)]
    ended = subprocess.run(apart, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    if "unshare failed" in ended.stderr:
        pytest.skip(f"no process namespace can be made here: {ended.stderr}")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert [sorted(group.iterdir()) for group in groups_of(bounded)] == before
    assert holds(bounded)
