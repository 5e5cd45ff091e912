"""What swarm tells of its sandbox, what it writes into the audit, and what it does where there is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from safety.sandbox import bubblewrap, landlock
from tests.integration.swarm_rig import SwarmRig


@pytest.fixture
def no_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has neither."""
    monkeypatch.setattr(bubblewrap, "PLACES", ())
    monkeypatch.setattr(landlock, "abi", lambda: 3)


def audit(rig: SwarmRig, event: str) -> list[dict[str, Any]]:
    rows = rig.store.reader.all("audit_after", after=0, limit=100)
    return [dict(row) | json.loads(row["data"]) for row in rows if row["event"] == event]


def test_what_holds_commands_is_told_by_the_store_an_event_and_status(tmp_path: Path) -> None:
    with SwarmRig(tmp_path) as rig:
        answered = rig.client.get("/status").json()["sandbox"]
        fact = rig.store.reader.fact("local_status")
        events = rig.events("daemon.sandbox")
        (record,) = audit(rig, "sandbox")

    assert answered == fact
    assert fact is not None
    assert json.loads(events[0]["data"])["sandbox"] == (fact["level"] or "none")
    assert (record["decision"], record["level"]) == ("recorded", fact["level"] or "none")


def test_an_allowed_command_is_on_record_with_its_level_before_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SwarmRig(tmp_path) as rig:
        found: list[dict[str, Any]] = []
        launch = rig.swarm.sandbox.launch

        def look_first(command: Any) -> Any:
            found.extend(audit(rig, "execution"))
            return launch(command)

        monkeypatch.setattr(rig.swarm.sandbox, "launch", look_first)
        task = rig.claim(command="true")
        level = rig.swarm.sandbox.standing.level
        assert rig.cycle(task).json()["status"] == "completed"

    (record,) = found
    assert (record["decision"], record["task_id"], record["lease"]) == ("allowed", task.id, 1)
    assert (record["level"], record["actor"], len(record["digest"])) == (level, "swarm", 64)


def test_a_refused_command_has_no_record_of_having_been_allowed(tmp_path: Path) -> None:
    with SwarmRig(tmp_path) as rig:
        assert rig.cycle(rig.claim(argv=["no-such-program"])).status_code == 403

        assert [record["decision"] for record in audit(rig, "execution")] in ([], ["blocked"])


@pytest.mark.usefixtures("no_sandbox")
def test_without_a_sandbox_commands_wait_and_say_why(tmp_path: Path) -> None:
    with SwarmRig(tmp_path) as rig:
        gate = rig.store.reader.gate()
        answer = rig.cycle(rig.claim(command="true")).json()

    assert set(gate.closed_modes) >= {"local"}
    why = gate.closed_modes["local"]
    assert why.startswith("no sandbox on this machine: bubblewrap: bubblewrap is not installed")
    assert "landlock ABI 3, at least 4 is needed" in why
    assert 'sandbox = "off"' in why
    failure = answer["failure"]
    assert (failure["code"], failure["retryable"], failure["counts"]) == ("not_started", True, False)


@pytest.mark.parametrize("sandbox", ["auto", "off"])
@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("/etc", "leads to /etc, which is the system's own; let it be a directory"),
        ("/usr", "leads to /usr, which is the system's own"),
        (".swarm", "which holds Skep's own files; let it be a directory"),
        ("..", "which holds Skep's own files"),
        ("nowhere", "is a link to nowhere, where no directory is; mount or bring back"),
    ],
)
def test_a_workspace_in_a_wrong_place_is_what_commands_wait_for_and_no_word_is_said_of_sandboxes(
    tmp_path: Path, target: str, why: str, sandbox: str
) -> None:
    rig = SwarmRig(tmp_path, sandbox=sandbox)
    rig.home.workspace.rmdir()
    rig.home.workspace.symlink_to(target)

    with rig:
        told = rig.store.reader.gate().closed_modes["local"]
        answer = rig.cycle(rig.claim(command="true")).json()

    assert told.startswith("no command can run: ")
    assert why in told
    assert told.endswith(". Then start Skep again")
    assert "bubblewrap" not in told
    assert answer["failure"]["code"] in {"not_started", "program_missing"}


@pytest.mark.usefixtures("no_sandbox")
def test_a_sandbox_that_was_switched_off_is_in_every_record(tmp_path: Path) -> None:
    with SwarmRig(tmp_path, sandbox="off") as rig:
        assert rig.cycle(rig.claim(command="true")).json()["status"] == "completed"

        (told,), (record,) = audit(rig, "sandbox"), audit(rig, "execution")

    assert (told["level"], record["level"]) == ("off", "off")
