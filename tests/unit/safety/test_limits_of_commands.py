"""What limits come out of the settings, as far as that can be told without a command."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from safety.sandbox import limits
from settings import Settings


@pytest.mark.parametrize(
    ("release", "counts"),
    [("5.10.0-28-amd64", False), ("5.14.0", True), ("6.18.44-fc", True), ("6.1.0-18", True), ("odd", False)],
)
def test_processes_are_counted_by_namespace_from_linux_5_14_on(release: str, counts: bool) -> None:
    assert limits.counts_by_namespace(release) is counts


def test_nobody_gives_more_than_they_have() -> None:
    _, own = resource.getrlimit(resource.RLIMIT_NOFILE)

    given = dict(limits.of_settings(Settings(sandbox_open_files=1_000_000)))

    assert given[resource.RLIMIT_NOFILE] == min(own, 1_000_000)
    assert given[resource.RLIMIT_CORE] == 0


def test_a_users_processes_are_counted_with_their_threads() -> None:
    counted = limits.UserTasks().count()

    assert counted >= len(list(Path("/proc/self/task").iterdir()))
