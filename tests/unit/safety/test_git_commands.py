"""git: what is forced on every call, and which repositories it may write."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from runtime_contract import Limits
from safety.command_file import shipped_rules
from safety.command_policy import CommandPolicy
from safety.work import Work
from tests.unit.safety.policy_table import rule

SUBCOMMANDS = sorted(shipped_rules().programs["git"].subcommands)
COMMIT = "git commit -m x"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / "file.txt").write_text("inside")
    return workspace


@pytest.fixture
def policy(workspace: Path) -> CommandPolicy:
    return CommandPolicy(workspace, Limits())


@pytest.fixture
def repository(workspace: Path) -> Path:
    subprocess.run(["git", "-C", str(workspace), "init", "-q"], check=True)
    return workspace / ".git"


@pytest.mark.parametrize("subcommand", SUBCOMMANDS)
def test_every_subcommand_is_kept_from_starting_anything(
    policy: CommandPolicy, workspace: Path, subcommand: str
) -> None:
    given = {"commit": ("-m", "x"), "grep": ("x",), "stash": ("list",)}.get(subcommand, ())
    needs = {"merge-base", "ls-tree", "blame", "shortlog", "cat-file"}
    approved = policy.allow(("git", subcommand, *given, *(("HEAD",) if subcommand in needs else ())))

    before = approved.argv[: approved.argv.index(subcommand)]
    settings = {before[at + 1] for at, word in enumerate(before) if word == "-c"}
    assert settings >= {
        "core.hooksPath=/dev/null", "core.fsmonitor=false", "core.pager=cat", "core.editor=false",
        "diff.external=", "protocol.allow=never", "credential.helper=", "gpg.program=false",
        "core.sshCommand=false", "gc.auto=0",
    }  # fmt: skip
    assert "--no-optional-locks" in before
    variables = dict(approved.environment)
    assert variables["GIT_DIR"] == f"{workspace}/.git"
    assert variables["GIT_CONFIG_NOSYSTEM"] == variables["GIT_ATTR_NOSYSTEM"] == "1"
    assert variables["GIT_CONFIG_GLOBAL"] == "/dev/null"


@pytest.mark.parametrize("subcommand", ["log", "diff", "show"])
def test_what_shows_differences_starts_nothing_for_them(policy: CommandPolicy, subcommand: str) -> None:
    argv = policy.allow(("git", subcommand, "HEAD")).argv

    after = argv[argv.index(subcommand) + 1 : -1]
    assert after == ("--no-ext-diff", "--no-textconv", "--ignore-submodules=all")


@pytest.mark.parametrize("subcommand", SUBCOMMANDS)
def test_only_add_and_commit_may_write_the_repository(policy: CommandPolicy, subcommand: str) -> None:
    found = shipped_rules().rule("git", subcommand)

    assert found is not None
    assert found.rights.workspace == "read"
    assert found.rights.git == ("write" if subcommand in {"add", "commit"} else "read")


def test_git_finds_no_program_while_it_writes(policy: CommandPolicy) -> None:
    for argv in (("git", "add", "file.txt"), ("git", "commit", "-m", "x")):
        variables = dict(policy.allow(argv).environment)
        assert variables["PATH"] == variables["GIT_EXEC_PATH"] == "/dev/null"
    assert "PATH" not in dict(policy.allow(("git", "status")).environment)


STARTS_SOMETHING = [
    '[filter "z"]\n\tclean = touch marker',
    "[core]\n\tfsmonitor = touch marker",
    "[core] fsmonitor = touch marker",
    "[core]\n\tworktree = /etc",
    "[core]\n\thooksPath = hooks",
    "[core]\n\tattributesFile = /etc/passwd",
    "[CORE]\n\tFSMonitor = touch marker",
    "[core]\n\tfilemode = true\\\n\tx",
    '[diff "x"]\n\ttextconv = touch marker',
    "[alias]\n\tstatus = !touch marker",
    "[include]\n\tpath = other",
    '[includeIf "gitdir:/"]\n\tpath = other',
    '[remote "origin"]\n\tuploadpack = touch marker',
    "[extensions]\n\tworktreeConfig = true",
    "[gpg]\n\tprogram = touch marker",
    '[trailer "x"]\n\tcommand = touch marker',
    "[core\n",
    "fsmonitor = true",
]


@pytest.mark.parametrize("config", STARTS_SOMETHING)
def test_a_repository_that_could_start_something_is_not_written(
    policy: CommandPolicy, repository: Path, config: str
) -> None:
    (repository / "config").write_text(config)

    assert rule(policy, Work(command=COMMIT)) == "git-config"
    assert rule(policy, Work(command="git add .")) == "git-config"
    assert rule(policy, Work(command="git status")) is None, "to read is the sandbox's matter"


@pytest.mark.parametrize("kind", ["file", "link", "worktree"])
def test_a_repository_that_lies_elsewhere_is_refused(
    policy: CommandPolicy, workspace: Path, tmp_path: Path, kind: str
) -> None:
    if kind == "file":
        (workspace / ".git").write_text(f"gitdir: {tmp_path}/other")
    elif kind == "link":
        (workspace / ".git").symlink_to(tmp_path)
    else:
        (workspace / ".git").mkdir()
        (workspace / ".git" / "commondir").write_text("/elsewhere")

    assert rule(policy, Work(command="git log")) == "git-elsewhere"
    assert rule(policy, Work(command=COMMIT)) == "git-elsewhere"


def test_a_configuration_that_is_no_plain_file_is_refused(policy: CommandPolicy, repository: Path) -> None:
    (repository / "config").unlink()
    (repository / "config").symlink_to("/etc/passwd")
    assert rule(policy, Work(command=COMMIT)) == "git-config"

    (repository / "config").unlink()
    (repository / "config").write_text("#\n" * 40_000)
    assert rule(policy, Work(command=COMMIT)) == "git-config"


def test_a_plain_repository_with_a_remote_is_fine(policy: CommandPolicy, repository: Path) -> None:
    git = ["git", "-C", str(repository.parent)]
    subprocess.run([*git, "remote", "add", "origin", "https://example.com/x"], check=True)

    assert rule(policy, Work(command=COMMIT)) is None


def test_who_commits_is_the_repository_s_word_and_else_skep(policy: CommandPolicy, repository: Path) -> None:
    nobody = policy.allow(("git", "commit", "-m", "x")).argv
    subprocess.run(["git", "-C", str(repository.parent), "config", "user.name", "Bea"], check=True)
    half = policy.allow(("git", "commit", "-m", "x")).argv

    assert {"user.name=Skep", "user.email=skep@localhost"} <= set(nobody)
    assert "user.name=Skep" not in half
    assert "user.email=skep@localhost" in half
