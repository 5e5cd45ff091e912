"""The audit of a running daemon: while it cannot be written nothing starts, and it outlives its leader."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.running_daemon import PATIENCE_S, RunningDaemon

pytestmark = [pytest.mark.acceptance, pytest.mark.xdist_group("audit-daemon")]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    running = RunningDaemon(tmp_path_factory.mktemp("home"))
    running.start("--no-panel")
    yield running
    running.kill_everything()


def wait_for_event(daemon: RunningDaemon, kind: str) -> dict:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found = [event for event in daemon.events() if event["event"] == kind]
        if found:
            return found[-1]
        time.sleep(0.1)
    raise AssertionError(f"no {kind}")


def test_while_the_audit_cannot_be_written_nothing_starts_and_it_goes_on_by_itself(
    daemon: RunningDaemon, tmp_path: Path
) -> None:
    daemon.add_to_queue({"id": "before", "command": "true"})
    daemon.wait_for_ends("before")
    file = daemon.root / ".swarm" / "audit.jsonl"
    precious = tmp_path / "precious"
    precious.write_bytes(b"precious")
    away = file.rename(tmp_path / "away")
    file.symlink_to(precious)

    try:
        event = wait_for_event(daemon, "audit.blocked")
        daemon.add_to_queue({"id": "held", "command": "true"})
        tasks = daemon.wait_until(lambda tasks: "held" in tasks, "held is in the queue")

        assert "audit.jsonl is not a plain file" in event["reason"]
        assert tasks["held"]["status"] == "pending"
        assert "the audit cannot be written, so nothing new starts" in tasks["held"]["waiting_for"]
        assert "The audit cannot be written" in daemon.skep("status").stdout
        assert daemon.skep("audit", "verify").returncode == 3
        assert precious.read_bytes() == b"precious"
    finally:
        file.unlink()
        away.rename(file)
    daemon.wait_for_ends("held")
    wait_for_event(daemon, "audit.ok")
    assert daemon.skep("audit", "verify").returncode == 0


def test_records_are_listed_and_checked_beside_the_daemon(daemon: RunningDaemon) -> None:
    daemon.add_to_queue({"id": "refused", "command": "curl http://evil.example"})
    daemon.wait_for_ends("refused")

    listed = [json.loads(line) for line in daemon.skep("audit", "--json").stdout.splitlines()]
    told = daemon.skep("audit").stdout
    checked = json.loads(daemon.skep("audit", "verify", "--json").stdout)

    assert "token" in [one["event"] for one in listed]
    blocked = next(one for one in listed if one["event"] == "execution" and one["decision"] == "blocked")
    assert (blocked["task_id"], blocked["rule"]) == ("refused", "program-unknown")
    assert "refused program-unknown" in told
    assert "curl" not in told
    assert (checked["ok"], checked["first_bad"]) == (True, None)
    assert daemon.skep("audit", "verify", "--from-checkpoint", checked["checkpoint"]).returncode == 0


def test_a_leader_that_is_killed_leaves_an_audit_that_the_next_one_continues(daemon: RunningDaemon) -> None:
    names = [f"refused-{number}" for number in range(40)]
    daemon.add_to_queue(*({"id": name, "command": "curl x"} for name in names))
    daemon.wait_until(
        lambda tasks: any(tasks.get(name, {}).get("status") == "safety_blocked" for name in names),
        "an end",
    )
    daemon.kill("worker")
    daemon.wait_for_ends(*names)

    assert daemon.skep("audit", "verify").returncode == 0
    listed = daemon.skep("audit", "--json", "--limit", "1000").stdout.splitlines()
    blocked = [one["task_id"] for one in map(json.loads, listed) if one["decision"] == "blocked"]
    assert sorted(set(blocked) - {"refused"}) == sorted(names)
    assert len(blocked) == len(set(blocked))


def test_a_stop_leaves_a_checkpoint_that_shows_what_is_cut_later(daemon: RunningDaemon) -> None:
    daemon.add_to_queue({"id": "last", "command": "true"})
    daemon.wait_for_ends("last")
    assert daemon.stop() == 0
    checkpoint = [each for each in daemon.events() if each["event"] == "audit.checkpoint"][-1]["checkpoint"]
    file = daemon.root / ".swarm" / "audit.jsonl"
    whole = file.read_bytes()

    assert daemon.skep("audit", "verify", "--from-checkpoint", checkpoint).returncode == 0
    assert f"checkpoint of the audit: {checkpoint}" in daemon.log()
    file.write_bytes(b"".join(whole.splitlines(keepends=True)[:-1]))
    cut = daemon.skep("audit", "verify", "--from-checkpoint", checkpoint)
    assert cut.returncode == 1
    assert "missing at the end" in cut.stdout
    file.write_bytes(whole)


def test_nothing_is_claimed_at_a_start_before_the_audit_was_seen_to_be_writable(tmp_path: Path) -> None:
    running = RunningDaemon(tmp_path / "home")
    file = running.root / ".swarm" / "audit.jsonl"
    try:
        running.start("--no-panel")
        running.add_to_queue({"id": "before", "command": "true"})
        running.wait_for_ends("before")
        running.stop()
        file.unlink()
        file.mkdir()
        running.add_to_queue(*({"id": f"q{number}", "command": "true"} for number in range(6)))
        running.start("--no-panel")
        wait_for_event(running, "audit.blocked")

        claimed = [each["task_id"] for each in running.events() if each["event"] == "task.in_progress"]
        assert claimed == ["before"]

        file.rmdir()
        running.wait_for_ends(*(f"q{number}" for number in range(6)))
    finally:
        running.kill_everything()
