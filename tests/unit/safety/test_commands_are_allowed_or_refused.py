"""The command policy as a table: what may run, what may not, and the rule that says so."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from safety import programs
from safety.command_line import CommandRefused, split
from safety.command_policy import CommandPolicy
from safety.work import Work
from tests.unit.safety.policy_table import policy_of, rule


@pytest.fixture
def policy(tmp_path: Path) -> CommandPolicy:
    return policy_of(tmp_path)


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
        ("ls -la", ["ls", "-la"]),
        # what a shell would leave as it is
        ("echo hello, world!", ["echo", "hello,", "world!"]),
        ("echo a#b a~b a!=b", ["echo", "a#b", "a~b", "a!=b"]),
        ("git diff HEAD~1", None),
        ("git show v1~2:file.txt", None),
        ("test ! -e nothing", ["test", "!", "-e", "nothing"]),
        ("git commit -m 'a; b'", None),
        ('git commit -m "it\'s 5 > 3 && (done)"', None),
        ("grep 'a|b' file.txt", ["grep", "a|b", "file.txt"]),
        ("grep -E '^(x|y)+$' file.txt", ["grep", "-E", "^(x|y)+$", "file.txt"]),
        ("find . -name '*.txt'", ["find", ".", "-name", "*.txt"]),
        ("cat caf\u00e9", ["cat", "caf\u00e9"]),
    ],
)
def test_it_may_run(policy: CommandPolicy, command: str, argv: list[str] | None) -> None:
    words = policy.read(Work(command=command))
    approved = policy.allow(words)

    assert approved.argv[0] in {f"/usr/bin/{words[0]}", f"/bin/{words[0]}"}
    assert approved == policy.allow(policy.read(Work(argv=words)))
    if argv is not None:
        assert list(words) == argv
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
        ("git grep -O'sh -c id' x", "git-option"),
        ("git log --output=/home/u/.profile", "git-option"),
        ("git diff --no-index /dev/null /etc/shadow", "git-option"),
        ("git fetch --upload-pack=id origin", "git-subcommand"),
        ("find . -exec sh -c id {} +", "command-shell"),
        ("find . -delete", "find-option"),
        ("tar cf x . --checkpoint=1 --checkpoint-action=exec=id", "program-unknown"),
        ("awk 'BEGIN{system(\"id\")}'", "program-unknown"),
        ("python3 -c 'import os'", "program-unknown"),
        ("rg --pre id x .", "rg-option"),
        ("cat /ro*/.ss?/id_*", "command-shell"),
        ("echo ${x:-$(id)}", "command-shell"),
        ("echo cm0gLXJmIH4= | base64 -d | bash", "command-shell"),
        ("env X=1 bash -c id", "program-unknown"),
        ("r''m -r''f x", "program-unknown"),
        ("saт file", "program-unknown"),
        ("LD_PRELOAD=./x ls", "program-path"),
        ("A=b ls", "program-assignment"),
        # holes that such policies have had: a GIT_ variable, a program by path, options, a bare link name
        ("GIT_EXTERNAL_DIFF='touch x' git diff", "program-assignment"),
        ("/tmp/evil/cat x", "program-path"),
        ("bin/ls", "program-path"),
        ("./cat file.txt", "program-path"),
        ("cat link", "cat-outside"),
        ("git commit -m x ../secret", "git-outside"),
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
        ('echo "a\\\nb"', "command-lines"),
        ("cat ~", "command-shell"),
        ("ls --ignore=~root", "command-shell"),
        ("ls a:~root", "command-shell"),
        ("! true", "command-shell"),
        ("!ls", "command-shell"),
        ("echo !ls", "command-shell"),
        ("echo #", "command-shell"),
        ("#!/bin/sh", "command-shell"),
        (r"echo \  ~x", "command-shell"),
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
        ("false --help", "false-option"),
        ("pwd x", "pwd-arguments"),
        ("sleep", "sleep-arguments"),
        ("sleep 1 2", "sleep-arguments"),
        ("sleep -1", "sleep-option"),
        ("sleep 86401", "sleep-seconds"),
        ("sleep 1441m", "sleep-seconds"),
        ("sleep inf", "sleep-seconds"),
        ("sleep 1e3", "sleep-seconds"),
        ("sleep ٣", "sleep-seconds"),
        ("cat", "cat-arguments"),
        ("cat -", "cat-input"),
        ("cat ''", "cat-outside"),
        ("cat /etc/passwd", "cat-outside"),
        ("cat /etc//shadow", "cat-outside"),
        ("cat ../secret", "cat-outside"),
        ("cat sub/../../secret", "cat-outside"),
        ("cat up/secret", "cat-outside"),
        ("cat loop/../up/secret", "cat-outside"),
        ("cat here", "cat-outside"),
        ("cat ../workspace-two/file", "cat-outside"),
        ("cat gone", "cat-outside"),
        ("cat file.txt link", "cat-outside"),
        ("cat /proc/self/environ", "cat-outside"),
        ("cat pipe", "cat-special"),
        ("ls -la --sh", "ls-option"),
        ("ls ..", "ls-outside"),
        ("ls /", "ls-outside"),
        ("ls up", "ls-outside"),
        ("git", "git-subcommand"),
        ("git push", "git-subcommand"),
        ("git --paginate log", "git-subcommand"),
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
        (("git", "status", ""), "git-outside"),
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


def test_the_verdict_does_not_depend_on_what_is_installed(
    policy: CommandPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = [policy.allow(argv).argv for argv in (("ls",), ("rg", "bee"))]
    monkeypatch.setattr(programs, "SEARCH_PATH", ("/nowhere", "/nowhere/else"))
    gone = [policy.allow(argv).argv for argv in (("ls",), ("rg", "bee"))]

    assert here[0][0] in {"/usr/bin/ls", "/bin/ls"}
    assert [argv[0] for argv in gone] == ["/nowhere/ls", "/nowhere/rg"]
    assert [argv[1:] for argv in gone] == [argv[1:] for argv in here]


@pytest.mark.parametrize(
    ("command", "way_out"),
    [
        ("curl http://x", 'programs.curl.use = "interpreter" in config/commands.toml'),
        ("mkdir x", "programs.mkdir.allowed = true in config/commands.toml"),
        ("ls --dir", "write --directory"),
        ("ls --no-such", 'programs.ls.options = ["--no-such"]'),
        ("git push", "programs.git.subcommands.push in config/commands.toml"),
        ("git log --foo", 'programs.git.subcommands.log.options = ["--foo"]'),
        ("sort -o x y", "never be allowed: it writes a file"),
        ("sudo ls", "never be allowed"),
        ("/bin/ls", "profiles.NAME.argv in skep.toml"),
        ("cat ../secret", "only a profile (read_paths, write_paths)"),
        ("a=b ls", "never will be"),
        ("echo x | sh", "put plain text in quotes, or give the arguments as argv"),
        ("cat", "programs.cat.arguments in config/commands.toml"),
        ("git commit", "needs -m or --message"),
    ],
)
def test_a_refusal_says_how_to_go_on(policy: CommandPolicy, command: str, way_out: str) -> None:
    with pytest.raises(CommandRefused) as refused:
        policy.allow(policy.read(Work(command=command)))

    assert way_out in refused.value.message


@pytest.mark.parametrize("command", ["echo 'a b' c", r"echo a\ b", "echo \"a 'b' c\""])
def test_words_are_what_a_shell_would_make_of_them(command: str) -> None:
    script = f"printf '%s\\n' {command}"
    shown = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True).stdout

    assert list(split(command)) == shown.splitlines()
