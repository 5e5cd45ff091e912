"""Programs that a workspace makes other programs start: they run in the sandbox, and reach nothing there.

git is run here without the options by which the policy switches such things off, so that they do start.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from safety.work import Rights
from tests.safety.jail import Jail

GIT, RG = "/usr/bin/git", "/usr/bin/rg"
#: What git needs to work at all where the system's own settings cannot be seen.
QUIET = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_PAGER": "cat"}

#: Leaves traces wherever it can, and tells that it ran.
EVIL = """#!/bin/sh
echo "planted program ran" >&2
touch "{outside}/marker" "{home}/marker" "{home}/.swarm/marker"
cat "{home}/.swarm/execution_token" "{outside}/secret" >leaked
kill -9 {daemon}
exec cat
"""


def require(program: str) -> None:
    if not os.access(program, os.X_OK):
        if os.environ.get("CI") == "true":
            pytest.fail(f"{program} is not installed")
        pytest.skip(f"{program} is not installed")


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_text("a secret")
    return folder


@pytest.fixture
def planted(jail: Jail, outside: Path) -> Path:
    """A repository with one commit and a changed file; the program that it is made to start."""
    require(GIT)
    workspace = jail.home.workspace
    jail.home.token.write_text("a token")
    git = [GIT, "-C", str(workspace), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    (workspace / "file").write_text("one\n")
    for arguments in (["init", "-q"], ["add", "file"], ["commit", "-qm", "first"]):
        subprocess.run([*git, *arguments], check=True)
    (workspace / "file").write_text("two\n")
    evil = workspace / "evil"
    evil.write_text(EVIL.format(outside=outside, home=jail.home.root, daemon=os.getpid()))
    evil.chmod(0o755)
    return evil


def nothing_happened(jail: Jail, outside: Path) -> bool:
    markers = [outside / "marker", jail.home.root / "marker", jail.home.state / "marker"]
    leaked = jail.home.workspace / "leaked"
    told = leaked.read_text() if leaked.exists() else ""
    return not any(marker.exists() for marker in markers) and "secret" not in told and "token" not in told


@pytest.mark.parametrize(
    ("config", "attributes", "argv"),
    [
        ("core.fsmonitor={evil}", "", ["status"]),
        ("filter.x.clean={evil}", "* filter=x", ["diff", "--stat"]),
        ("diff.external={evil}", "", ["diff"]),
        ("diff.x.textconv={evil}", "* diff=x", ["diff"]),
        ("core.pager={evil}", "", ["-p", "log"]),
        ("alias.x=!{evil}", "", ["x"]),
        ("core.sshCommand={evil} </dev/null #", "", ["ls-remote", "git@127.0.0.1:a/b"]),
    ],
    ids=lambda value: value.partition("=")[0] if isinstance(value, str) else None,
)
def test_what_gits_settings_start(
    jail: Jail, planted: Path, outside: Path, config: str, attributes: str, argv: list[str]
) -> None:
    name, _, value = config.format(evil=planted).partition("=")
    subprocess.run([GIT, "-C", str(jail.home.workspace), "config", name, value], check=True)
    (jail.home.workspace / ".gitattributes").write_text(f"{attributes}\n")

    _, printed = jail.run(GIT, *argv, environment=QUIET)

    if name != "core.pager":  # which git starts on a terminal alone
        assert "planted program ran" in printed
    assert nothing_happened(jail, outside)


@pytest.mark.parametrize("hook", ["pre-commit", "post-index-change", "reference-transaction"])
def test_what_a_hook_starts(jail: Jail, planted: Path, outside: Path, hook: str) -> None:
    shutil.copy(planted, jail.home.workspace / ".git" / "hooks" / hook)
    argv = ("-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qam", "second")

    _, printed = jail.run(GIT, *argv, environment=QUIET, rights=Rights(workspace="write", git="write"))

    assert "planted program ran" in printed
    assert nothing_happened(jail, outside)


def test_what_ripgreps_settings_start(jail: Jail, planted: Path, outside: Path) -> None:
    require(RG)
    (jail.home.workspace / ".ripgreprc").write_text(f"--pre={planted}\n")
    environment = {"RIPGREP_CONFIG_PATH": str(jail.home.workspace / ".ripgreprc")}

    jail.run(RG, "two", ".", environment=environment)

    assert nothing_happened(jail, outside)


def test_ripgreps_settings_do_not_come_from_the_daemons_environment(
    jail: Jail, planted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require(RG)
    (jail.home.workspace / ".ripgreprc").write_text(f"--pre={planted}\n")
    monkeypatch.setenv("RIPGREP_CONFIG_PATH", str(jail.home.workspace / ".ripgreprc"))

    ended, printed = jail.run(RG, "two", "file")

    assert (ended.exit_code, printed) == (0, "two\n")
