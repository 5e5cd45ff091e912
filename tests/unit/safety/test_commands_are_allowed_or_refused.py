"""The command policy as a table: what may run, what may not, and the rule that says so."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from runtime_contract import Limits
from safety.command_line import CommandRefused, split
from safety.command_policy import PROGRAMS, CommandPolicy, find_programs
from safety.git_rules import SUBCOMMANDS
from safety.work import Work


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    workspace = tmp_path / "workspace"
    (workspace / "sub").mkdir(parents=True)
    (workspace / "file.txt").write_text("inside")
    (workspace / "sub" / "deep.txt").write_text("deep")
    (workspace / "a b").write_text("a name with a space")
    (workspace / "-n").write_text("a name like an option")
    (tmp_path / "secret").write_text("outside")
    (workspace / "link").symlink_to(tmp_path / "secret")
    (workspace / "up").symlink_to(tmp_path)
    (workspace / "inner").symlink_to("file.txt")
    (workspace / "gone").symlink_to(tmp_path / "nothing")
    os.mkfifo(workspace / "pipe")
    (tmp_path / "workspace-two").mkdir()
    (tmp_path / "workspace-two" / "file").write_text("a neighbour whose name begins alike")
    return workspace


@pytest.fixture
def policy(workspace: Path) -> CommandPolicy:
    return CommandPolicy(workspace, Limits())


def rule(policy: CommandPolicy, work: Work) -> str | None:
    """The rule that refuses, or none."""
    try:
        policy.allow(policy.read(work))
    except CommandRefused as error:
        refused = error
    else:
        return None
    assert refused.message.startswith(f"{refused.rule}: ")
    assert refused.details["rule"] == refused.rule
    assert len(refused.message) > len(refused.rule) + 15, "a refusal is a sentence"
    return refused.rule


@pytest.mark.parametrize(
    ("command", "argv"),
    [
        ("true", ["true"]),
        ("  false  ", ["false"]),
        ("pwd", ["pwd"]),
        ("echo", ["echo"]),
        ("echo hello   world", ["echo", "hello", "world"]),
        ("echo 'a; b | c > d & e'", ["echo", "a; b | c > d & e"]),
        ('echo "it is (fine), {really} * ?"', ["echo", "it is (fine), {really} * ?"]),
        ("echo '$HOME `id` $(id)'", ["echo", "$HOME `id` $(id)"]),
        (r"echo \; \$HOME \*", ["echo", ";", "$HOME", "*"]),
        (r"""echo "a \"quoted\" word" 'it'\''s'""", ["echo", 'a "quoted" word', "it's"]),
        ("echo 'two\nlines\tand a tab'", ["echo", "two\nlines\tand a tab"]),
        ("echo -n -e --help", ["echo", "-n", "-e", "--help"]),
        ("echo ''", ["echo", ""]),
        ("echo Grüße 日本 🐝", ["echo", "Grüße", "日本", "🐝"]),
        ("sleep 0", ["sleep", "0"]),
        ("sleep 0.25", ["sleep", "0.25"]),
        ("sleep 86400", ["sleep", "86400"]),
        ("cat file.txt", ["cat", "file.txt"]),
        (
            "cat file.txt ./sub/deep.txt sub/../file.txt",
            ["cat", "file.txt", "./sub/deep.txt", "sub/../file.txt"],
        ),
        ("cat 'a b' inner ./-n", ["cat", "a b", "inner", "./-n"]),
        ("cat not-there-yet", ["cat", "not-there-yet"]),
        ("ls", ["ls"]),
        ("ls . sub", ["ls", ".", "sub"]),
    ],
)
def test_it_may_run(policy: CommandPolicy, command: str, argv: list[str]) -> None:
    for work in (Work(command=command), Work(argv=tuple(argv))):
        approved = policy.allow(policy.read(work))

        assert approved.argv[0] in {f"/usr/bin/{argv[0]}", f"/bin/{argv[0]}"}
        assert list(approved.argv[1:]) == argv[1:]


@pytest.mark.parametrize(
    ("command", "refused_by"),
    [
        # the design's bypasses of a naive policy
        ("git status\nrm -r -f ~", "command-lines"),
        ("ls & id", "command-shell"),
        ("ls | xargs rm -r", "command-shell"),
        ("echo $(id)", "command-shell"),
        ("echo `id`", "command-shell"),
        ("cat <(id)", "command-shell"),
        ("echo x > ~/.bashrc", "command-shell"),
        ("git -c diff.external='sh -c id' diff", "git-subcommand"),
        ("git -c alias.x='!id' x", "git-subcommand"),
        ("git grep -O'sh -c id' x", "git-subcommand"),
        ("git log --output=/home/u/.profile", "git-arguments"),
        ("git diff --no-index /dev/null /etc/shadow", "git-arguments"),
        ("git fetch --upload-pack=id origin", "git-subcommand"),
        ("find . -exec sh -c id {} +", "command-shell"),
        ("find . -delete", "program-unknown"),
        ("tar cf x . --checkpoint=1 --checkpoint-action=exec=id", "program-unknown"),
        ("awk 'BEGIN{system(\"id\")}'", "program-unknown"),
        ("python3 -c 'import os'", "program-unknown"),
        ("rg --pre id x .", "program-unknown"),
        ("cat /ro*/.ss?/id_*", "command-shell"),
        ("echo ${x:-$(id)}", "command-shell"),
        ("echo cm0gLXJmIH4= | base64 -d | bash", "command-shell"),
        ("env X=1 bash -c id", "program-unknown"),
        ("r''m -r''f x", "program-unknown"),
        ("saт file", "program-unknown"),
        ("LD_PRELOAD=./x ls", "program-path"),
        ("A=b ls", "program-assignment"),
        # the predecessor's holes: a GIT_ variable, a program by path, options, a bare link name
        ("GIT_EXTERNAL_DIFF='touch x' git diff", "program-assignment"),
        ("/tmp/evil/cat x", "program-path"),
        ("bin/ls", "program-path"),
        ("./cat file.txt", "program-path"),
        ("cat link", "cat-outside"),
        ("git commit -m x", "git-subcommand"),
        # shell text in every other place
        ('echo "$HOME"', "command-shell"),
        ('echo "`id`"', "command-shell"),
        (r'echo "\$HOME"', "command-shell"),
        ("echo a;id", "command-shell"),
        ("echo a && id", "command-shell"),
        ("echo a || id", "command-shell"),
        ("echo {a,b}", "command-shell"),
        ("echo [a]", "command-shell"),
        ("echo !!", "command-shell"),
        ("echo a # b", "command-shell"),
        ("ls ~root", "command-shell"),
        ("echo a \\\n b", "command-lines"),
        ("echo a\rb", "command-lines"),
        ("echo 'unfinished", "command-quotes"),
        ('echo "unfinished', "command-quotes"),
        ("echo unfinished\\", "command-quotes"),
        ("", "command-empty"),
        ("   ", "command-empty"),
        ("''", "program-unknown"),
        # what cannot be seen
        ("echo a\0b", "command-control"),
        ("echo 'a\0b'", "command-control"),
        ("echo \x1b[31m", "command-control"),
        ("echo '\x1b[31m'", "command-control"),
        ("echo a\u202eb", "command-control"),
        ("echo a\u200bb", "command-control"),
        ("echo a\u2028b", "command-control"),
        ("echo \ud800", "command-control"),
        ("echo e\u0301", "command-text"),
        # each program's own rule
        ("true x", "true-arguments"),
        ("false --help", "false-arguments"),
        ("pwd -P", "pwd-arguments"),
        ("sleep", "sleep-seconds"),
        ("sleep 1 2", "sleep-seconds"),
        ("sleep -1", "sleep-seconds"),
        ("sleep 86401", "sleep-seconds"),
        ("sleep 5m", "sleep-seconds"),
        ("sleep inf", "sleep-seconds"),
        ("sleep 1e3", "sleep-seconds"),
        ("sleep ٣", "sleep-seconds"),
        ("cat", "cat-nothing"),
        ("cat -", "cat-option"),
        ("cat -n file.txt", "cat-option"),
        ("cat --help", "cat-option"),
        ("cat -- file.txt", "cat-option"),
        ("cat ''", "cat-outside"),
        ("cat /etc/passwd", "cat-outside"),
        ("cat /etc//shadow", "cat-outside"),
        ("cat ../secret", "cat-outside"),
        ("cat sub/../../secret", "cat-outside"),
        ("cat up/secret", "cat-outside"),
        ("cat ../workspace-two/file", "cat-outside"),
        ("cat gone", "cat-outside"),
        ("cat file.txt link", "cat-outside"),
        ("cat /proc/self/environ", "cat-outside"),
        ("cat pipe", "cat-special"),
        ("ls -la", "ls-option"),
        ("ls ..", "ls-outside"),
        ("ls /", "ls-outside"),
        ("ls up", "ls-outside"),
        ("git", "git-subcommand"),
        ("git push", "git-subcommand"),
        ("git --version", "git-subcommand"),
        ("git status -s", "git-arguments"),
        ("git log -p", "git-arguments"),
        ("git diff HEAD", "git-arguments"),
        ("curl http://example.com", "program-unknown"),
        ("rm -rf /", "program-unknown"),
        ("sh", "program-unknown"),
    ],
)
def test_it_may_not_run(policy: CommandPolicy, command: str, refused_by: str) -> None:
    assert rule(policy, Work(command=command)) == refused_by


@pytest.mark.parametrize(
    ("argv", "refused_by"),
    [
        ((), "command-empty"),
        (("echo", "a\0b"), "command-control"),
        (("echo", "\x1b[2J"), "command-control"),
        (("echo", "\ud800"), "command-control"),
        (("echo",) * 300, "command-size"),
        (("echo", "x" * 9000), "command-size"),
        (("cat", "../secret"), "cat-outside"),
        (("cat", "file.txt\0"), "command-control"),
        (("git", "status", ""), "git-arguments"),
        (("echo hello",), "program-unknown"),
    ],
)
def test_arguments_are_held_to_the_same(
    policy: CommandPolicy, argv: tuple[str, ...], refused_by: str
) -> None:
    assert rule(policy, Work(argv=argv)) == refused_by


def test_shell_text_in_an_argument_is_text(policy: CommandPolicy) -> None:
    assert rule(policy, Work(argv=("echo", "$(id) `id` ; | > * ~"))) is None


def test_a_command_over_its_bound_is_not_even_read(policy: CommandPolicy) -> None:
    assert rule(policy, Work(command="echo " + "x" * 10_000)) == "command-size"


def test_git_gets_the_options_that_keep_it_from_starting_anything(
    policy: CommandPolicy, workspace: Path
) -> None:
    for subcommand in SUBCOMMANDS:
        approved = policy.allow(("git", subcommand))

        place = approved.argv.index(subcommand)
        assert "core.fsmonitor=false" in approved.argv[:place]
        assert "core.hooksPath=/dev/null" in approved.argv[:place]
        assert dict(approved.environment)["GIT_DIR"] == f"{workspace}/.git"
        assert dict(approved.environment)["GIT_CONFIG_NOSYSTEM"] == "1"
        assert approved.may_spawn


@pytest.mark.parametrize(
    "config",
    [
        '[filter "z"]\n\tclean = touch marker',
        "[core]\n\tfsmonitor = touch marker",
        "[core] fsmonitor = touch marker",
        "[core]\n\tworktree = /etc",
        "[CORE]\n\tFSMonitor = touch marker",
        "[core]\n\tfilemode = true\\\n\tx",
        '[diff "x"]\n\ttextconv = touch marker',
        "[alias]\n\tstatus = !touch marker",
        "[include]\n\tpath = other",
        '[includeIf "gitdir:/"]\n\tpath = other',
        '[remote "origin"]\n\tuploadpack = touch marker',
        "[extensions]\n\tworktreeConfig = true",
        "[core\n",
        "fsmonitor = true",
    ],
)
def test_a_repository_that_could_start_something_is_refused(
    policy: CommandPolicy, workspace: Path, config: str
) -> None:
    (workspace / ".git").mkdir()
    (workspace / ".git" / "config").write_text(config)

    assert rule(policy, Work(command="git status")) == "git-config"


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


def test_a_plain_repository_with_a_remote_is_fine(policy: CommandPolicy, workspace: Path) -> None:
    git = ["git", "-C", str(workspace), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for arguments in (
        ["init", "-q"],
        ["remote", "add", "origin", "https://example.com/x"],
        ["add", "file.txt"],
    ):
        subprocess.run([*git, *arguments], check=True)
    subprocess.run([*git, "commit", "-qm", "first"], check=True)

    assert rule(policy, Work(command="git log")) is None


def test_a_program_that_is_not_installed_is_said(workspace: Path) -> None:
    assert rule(CommandPolicy(workspace, Limits(), {}), Work(command="git status")) == "program-missing"


def test_programs_are_found_where_only_root_writes() -> None:
    found = find_programs()

    assert set(found) <= set(PROGRAMS)
    assert {"cat", "echo", "ls", "true"} <= set(found)
    assert all(path.startswith(("/usr/bin/", "/bin/")) for path in found.values())


@pytest.mark.parametrize("command", ["echo 'a b' c", r"echo a\ b", "echo \"a 'b' c\""])
def test_words_are_what_a_shell_would_make_of_them(command: str) -> None:
    script = f"printf '%s\\n' {command}"
    shown = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True).stdout

    assert list(split(command)) == shown.splitlines()
