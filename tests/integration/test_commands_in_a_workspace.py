"""Allowed commands through a real ``/cycle``: what they print, and that git starts nothing."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.integration.swarm_rig import SwarmRig


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory):
    home = tmp_path_factory.mktemp("home")
    (home / "config").mkdir()
    (home / "config" / "commands.toml").write_text('programs.no-such-tool.arguments = "text*"\n')
    with SwarmRig(home) as rig:
        yield rig


@pytest.fixture
def workspace(rig: SwarmRig) -> Path:
    """The workspace, empty."""
    shutil.rmtree(rig.home.workspace)
    rig.home.workspace.mkdir()
    return rig.home.workspace


def ran(rig: SwarmRig, command: str) -> tuple[int | None, str]:
    body = rig.cycle(rig.claim(command=command)).json()
    assert "exit_code" in body, body
    return body["exit_code"], body["output"]


def git(folder: Path, *arguments: str) -> str:
    """git as a person runs it."""
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("head -2 notes.txt", "one\ntwo\n"),
        ("tail -n +3 notes.txt", "three\n"),
        ("sort -r notes.txt", "two\nthree\none\n"),
        ("wc -l notes.txt", "3 notes.txt\n"),
        ("grep -n 't[wh]' notes.txt", "2:two\n3:three\n"),
        ("cut -c1 notes.txt", "o\nt\nt\n"),
        ("find . -name '*.txt' -size -10k", "./notes.txt\n"),
        ("printf '%s;%s\\n' a 'b c'", "a;b c\n"),
        ("basename a/b.txt .txt", "b\n"),
        ("seq -s, 3", "1,2,3\n"),
        ("date -u -d @0 +%Y", "1970\n"),
        ("expr 6 '*' 7", "42\n"),
        ("test -f notes.txt", ""),
    ],
)
def test_what_a_person_expects_runs(rig: SwarmRig, workspace: Path, command: str, shown: str) -> None:
    (workspace / "notes.txt").write_text("one\ntwo\nthree\n")

    assert ran(rig, command) == (0, shown)


def test_a_missing_program_is_its_own_error_and_no_refusal(rig: SwarmRig) -> None:
    answer = rig.cycle(rig.claim(command="no-such-tool bee"))

    body = answer.json()
    assert (answer.status_code, body["status"], body["exit_code"]) == (200, "failed", None)
    assert body["safety_report"]["passed"] is True
    assert body["failure"]["code"] == "program_missing"
    assert body["failure"]["message"].startswith("program-missing: /usr/bin/no-such-tool is not installed")


def test_git_adds_and_commits_honest_words(rig: SwarmRig, workspace: Path) -> None:
    git(workspace, "init", "-q")
    (workspace / "file").write_text("one\n")

    assert ran(rig, "git add -A")[0] == 0
    assert ran(rig, "git commit -m 'first; second && $(third)'")[0] == 0

    assert (
        git(workspace, "log", "-1", "--format=%s|%an|%ae")
        == "first; second && $(third)|Skep|skep@localhost\n"
    )
    assert ran(rig, "git log --oneline -1")[1].endswith("first; second && $(third)\n")
    assert ran(rig, "git status --short") == (0, "")


def test_who_the_repository_says_commits(rig: SwarmRig, workspace: Path) -> None:
    git(workspace, "init", "-q")
    git(workspace, "config", "user.name", "Bea")

    ran(rig, "git commit --allow-empty -m x")

    assert git(workspace, "log", "-1", "--format=%an|%ae") == "Bea|skep@localhost\n"


@pytest.fixture
def trapped(rig: SwarmRig, workspace: Path, tmp_path: Path) -> Path:
    """A repository with hooks, and within it another one that starts something when it is looked into."""
    git(workspace, "init", "-q")
    trap = f"touch {workspace}/sprung {tmp_path}/sprung"
    for hook in ("pre-commit", "commit-msg", "post-commit", "prepare-commit-msg", "post-index-change"):
        path = workspace / ".git" / "hooks" / hook
        path.write_text(f"#!/bin/sh\n{trap}\n")
        path.chmod(0o755)
    nested = workspace / "nested"
    nested.mkdir()
    git(nested, "init", "-q")
    (nested / "file").write_text("one\n")
    git(nested, "add", "file")
    git(nested, "commit", "-qm", "x")
    git(nested, "config", "filter.trap.clean", f"sh -c '{trap}; cat'")
    git(nested, "config", "core.fsmonitor", trap)
    (nested / ".gitattributes").write_text("* filter=trap\n")
    git(workspace, "add", "nested")
    git(workspace, "-c", "core.hooksPath=/dev/null", "commit", "-qm", "with a nested one")
    for each in (workspace, tmp_path):
        (each / "sprung").unlink(missing_ok=True)
    (nested / "file").write_text("two\n")
    (workspace / "own").write_text("mine\n")
    return tmp_path


@pytest.mark.parametrize(
    "command",
    [
        "git status",
        "git diff",
        "git log -p",
        "git show",
        "git blame nested",
        "git add own",
        "git add -A",
        "git add -u",
        "git commit -m x --allow-empty",
        "git commit -am x --allow-empty",
        "git commit --amend -m y",
    ],
)
def test_git_springs_no_trap(rig: SwarmRig, workspace: Path, trapped: Path, command: str) -> None:
    rig.cycle(rig.claim(command=command))

    assert not (workspace / "sprung").exists()
    assert not (trapped / "sprung").exists()


def test_a_repository_with_a_trap_in_its_own_configuration_is_not_written(
    rig: SwarmRig, workspace: Path
) -> None:
    git(workspace, "init", "-q")
    git(workspace, "config", "filter.trap.clean", "touch sprung")
    (workspace / ".gitattributes").write_text("* filter=trap\n")

    answer = rig.cycle(rig.claim(command="git add -A"))

    assert answer.status_code == 403
    assert "git-config" in answer.json()["detail"]
    assert not (workspace / "sprung").exists()


@pytest.mark.parametrize("command", ["mkdir made", "touch made", "cp -n notes.txt made"])
def test_what_writes_runs_where_one_line_allows_it(tmp_path: Path, command: str) -> None:
    program = command.split(maxsplit=1)[0]
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "commands.toml").write_text(f"programs.{program}.allowed = true\n")
    with SwarmRig(tmp_path) as rig:
        (rig.home.workspace / "notes.txt").write_text("one\n")

        assert ran(rig, command) == (0, "")
        assert (rig.home.workspace / "made").exists()
