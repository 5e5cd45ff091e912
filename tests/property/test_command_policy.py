"""The policy on any text at all: one verdict, whatever the form, and nothing a shell would act upon."""

from __future__ import annotations

import shlex
import string
import subprocess
import sys

import hypothesis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime_contract import Limits
from safety.command_file import shipped_rules
from safety.command_line import METACHARACTERS, CommandRefused, split
from safety.command_policy import CommandPolicy
from safety.work import Approved, Work
from tests.unit.safety.policy_table import furnish

WORDS = (
    sorted(shipped_rules().allowed)
    + sorted(shipped_rules().programs["git"].subcommands)
    + ["-l", "-la", "-n5", "-o", "--", "-", "--output=x", "--lines", "-exec", "5", "a", "b", "file.txt",
       "link", "sub", "../secret", "/etc/passwd", "inner", "up/secret", "'a; b'", '"a | b"', r"\;", "HEAD~1",
       "a#b", "~", "$HOME",
       "`id`", "$(id)", ">", "|", "&&", ";", "*", "{a,b}", "!", "#", "\n", "\t", "\u200b", "\u202e"]
)  # fmt: skip
texts = st.one_of(
    st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join),
    st.text(alphabet=string.printable + "ä\u0301\u200b\u2028", max_size=60),
    st.text(max_size=40),
)
argvs = st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=12)), min_size=1, max_size=8).map(tuple)


_MADE: list[CommandPolicy] = []


@pytest.fixture(scope="module", autouse=True)
def made(tmp_path_factory: pytest.TempPathFactory):
    _MADE.append(CommandPolicy(furnish(tmp_path_factory.mktemp("home")), Limits()))
    yield
    _MADE.clear()


def policy() -> CommandPolicy:
    return _MADE[0]


def verdict(work: Work) -> Approved | str:
    try:
        return policy().allow(policy().read(work))
    except CommandRefused as error:
        return error.rule


@given(texts)
@hypothesis.example("git commit -m 'a; b'")
@hypothesis.example("echo \\\n")
def test_a_line_and_the_words_it_makes_have_one_verdict(command: str) -> None:
    try:
        words = policy().read(Work(command=command))
    except CommandRefused:
        return

    assert verdict(Work(command=command)) == verdict(Work(argv=words))


@given(argvs)
def test_words_written_as_a_line_have_the_verdict_of_the_words(argv: tuple[str, ...]) -> None:
    line = shlex.join(argv)
    try:
        same = split(line) == argv
    except CommandRefused as error:
        same = error.rule in {"command-text", "command-control"}  # an unusual form, which argv may have

    assert same
    if not isinstance(verdict(Work(command=line)), str):
        assert verdict(Work(command=line)) == verdict(Work(argv=argv))


@given(texts)
def test_the_verdict_is_the_same_every_time(command: str) -> None:
    assert verdict(Work(command=command)) == verdict(Work(command=command))


@given(st.text(alphabet=" abc-", max_size=10), st.sampled_from(sorted(METACHARACTERS)), st.text(max_size=10))
def test_nothing_a_shell_acts_upon_gets_through_outside_quotes(before: str, mark: str, after: str) -> None:
    with pytest.raises(CommandRefused):
        split(f"echo {before}{mark}{after}")


@given(st.lists(st.sampled_from([*"ab =:~#!\\'\";|&$`<>(){}*?[]", "  "]), max_size=14).map("".join))
@settings(max_examples=150)
def test_what_gets_through_is_what_a_shell_makes_of_it(text: str) -> None:
    """Against the real one: `dash`, whose words printf(1) prints with an end mark each."""
    command = f"echo {text}"
    try:
        words = split(command)
    except CommandRefused:
        return
    script = f"for word in {command.removeprefix('echo ')}; do printf '%s\\037' \"$word\"; done"
    shown = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True).stdout

    assert list(words[1:]) == shown.split("\x1f")[:-1]


@given(argvs)
def test_what_may_run_is_the_words_that_were_given(argv: tuple[str, ...]) -> None:
    approved = verdict(Work(argv=argv))

    if isinstance(approved, Approved):
        named = 2 if argv[0] == "git" else 1
        assert approved.argv[len(approved.argv) - len(argv) + named :] == argv[named:]
        assert approved.argv[0] in {f"/usr/bin/{argv[0]}", f"/bin/{argv[0]}"}
        assert not approved.rights.network
        assert approved.rights.read_paths == approved.rights.write_paths == ()


@pytest.mark.parametrize(
    "piece",
    ["a", "'", '"', "\\", "\\ ", "a ", "'a' ", "-", "--", "-l ", "../", "sub/../", "./", "\u0301", "=", "~",
     "!", "# ", "--lines=1 ", "-e ", "x" * 50 + " "],
)  # fmt: skip
@pytest.mark.parametrize("program", ["echo ", "ls ", "git log ", "find ", "grep -e ", ""])
def test_twice_the_text_takes_about_twice_the_work(program: str, piece: str) -> None:
    """Counted in steps of the interpreter, not in seconds."""

    def steps(size: int) -> int:
        command = (program + piece * size)[:size]
        return _steps(lambda: verdict(Work(command=command)))

    verdict(Work(command=program + piece))  # what is made once is made
    assert steps(8000) < 3 * steps(4000) + 2000


def _steps(run) -> int:
    count = 0

    def trace(frame, event, argument):
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        run()
    finally:
        sys.settrace(before)
    return count
