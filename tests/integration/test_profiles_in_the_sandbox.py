"""A declared program as it runs: what it sees, what it gets, what it may write, and what stays out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.integration.swarm_rig import SwarmRig

pytest.importorskip("safety.sandbox", reason="there is no sandbox that could hold a profile to its rights")

SCRIPT = """#!/usr/bin/env helper-shell
printf 'prompt=%s\\n' "$2"
printf 'key=%s other=%s path=%s\\n' "$AGENT_KEY" "$OTHER_KEY" "$PATH"
cat CONFIG 2>/dev/null
(echo made > made) 2>/dev/null && echo 'workspace written'
(echo made > WRITE/made) 2>/dev/null && echo 'write path written'
(echo made > READ/made) 2>/dev/null && echo 'read path written'
(echo made > .git/made) 2>/dev/null && echo 'git written'
cat HOME/skep.toml HOME/.swarm/execution_token SECRET 2>/dev/null && echo 'leaked'
exit 0
"""


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A program as agents are installed: a link to a versioned file, its interpreter elsewhere, its data."""
    outside = tmp_path / "outside"
    for name in ("bin", "share/versions", "runtime/bin", "config", "cache"):
        (outside / name).mkdir(parents=True)
    program = outside / "share" / "versions" / "agent-2"
    program.write_text(
        SCRIPT.replace("CONFIG", f"{outside}/config/settings")
        .replace("WRITE", f"{outside}/cache")
        .replace("READ", f"{outside}/config")
        .replace("HOME", f"{tmp_path}/home")
        .replace("SECRET", f"{outside}/secret")
    )
    program.chmod(0o755)
    (outside / "bin" / "agent").symlink_to(program)
    (outside / "runtime" / "bin" / "helper-shell").symlink_to("/bin/sh")
    (outside / "config" / "settings").write_text("its own settings\n")
    (outside / "secret").write_text("nobody's business\n")
    return outside


def run(tmp_path: Path, outside: Path, prompt: str, **profile: Any) -> dict[str, Any]:
    told = {
        "argv": [f"{outside}/bin/agent", "--", "{prompt}"],
        "read_paths": [f"{outside}/runtime/bin", f"{outside}/config"],
        "environment_keys": ["AGENT_KEY"],
        "approval": False,
    }
    with SwarmRig(tmp_path / "home", profiles={"agent": told | profile}) as rig:
        (rig.home.workspace / ".git").mkdir()
        (rig.home.root / "skep.toml").write_text("")
        claim = rig.claim(profile="agent", prompt=prompt)
        body: dict[str, Any] = rig.cycle(claim, profile="agent").json()
    return body


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_KEY", "sesame")
    monkeypatch.setenv("OTHER_KEY", "not handed on")


def test_it_sees_and_gets_what_was_declared_and_nothing_else(tmp_path: Path, outside: Path) -> None:
    body = run(tmp_path, outside, "mend 'the' $(roof); now")

    assert (body["status"], body["exit_code"]) == ("completed", 0), body
    assert body["output"] == (
        "prompt=mend 'the' $(roof); now\n"
        f"key=sesame other= path={outside}/bin:{outside}/runtime/bin:/usr/bin:/bin\n"
        "its own settings\n"
    )


def test_it_writes_where_it_may(tmp_path: Path, outside: Path) -> None:
    body = run(tmp_path, outside, "x", workspace="write", write_paths=[f"{outside}/cache"])

    assert body["output"].endswith("its own settings\nworkspace written\nwrite path written\n")
    assert (tmp_path / "home" / "workspace" / "made").exists()
    assert (outside / "cache" / "made").exists()
    assert not (outside / "config" / "made").exists()
    assert not (tmp_path / "home" / "workspace" / ".git" / "made").exists()


@pytest.mark.parametrize("network", [False, True])
def test_the_network_is_there_or_not(tmp_path: Path, network: bool) -> None:
    """Beside the loopback of its own, a namespace without the network has no interface."""
    told = {"argv": ["cat", "/proc/net/dev", "{prompt}"], "approval": False, "network": network}
    with SwarmRig(tmp_path, profiles={"agent": told}) as rig:
        (rig.home.workspace / "x").write_text("")
        body = rig.cycle(rig.claim(profile="agent", prompt="x"), profile="agent").json()

    inside = {line.split(":")[0].strip() for line in body["output"].splitlines() if ":" in line}
    outside = {each.name for each in Path("/sys/class/net").iterdir()}
    assert inside == (outside if network else {"lo"})
