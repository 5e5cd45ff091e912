"""What rights open, and no more."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from safety.sandbox import Command, NoSandbox, NotStarted
from safety.work import Rights
from tests.safety.attempts import PREAMBLE
from tests.safety.conftest import MakeJail
from tests.safety.jail import WRITES, Jail

TRY = f"""{
    PREAMBLE.partition("def call")[0]
    .replace("home, person, daemon, tcp_port, udp_port, unix_socket, abstract = sys.argv[1:]", "")
    .replace("daemon = int(daemon)", "")
}
"""


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    """A directory beside the home."""
    folder = tmp_path / "beside"
    folder.mkdir()
    (folder / "file").write_text("beside")
    return folder


def test_a_writing_command_writes_the_workspace_and_only_the_user_reads_it(jail: Jail) -> None:
    (jail.home.workspace / "folder").mkdir()

    ended, _ = jail.shell("mkdir folder/new && echo made >folder/new/file", rights=WRITES)

    made = jail.home.workspace / "folder" / "new" / "file"
    assert (ended.exit_code, made.read_text()) == (0, "made\n")
    assert (made.stat().st_mode & 0o777, made.stat().st_uid) == (0o600, os.geteuid())


def test_where_there_is_a_repository_a_writing_command_makes_what_it_may(jail: Jail) -> None:
    (jail.home.workspace / ".git").mkdir()
    (jail.home.workspace / "folder").mkdir()

    _, printed = jail.shell("echo a >folder/a; echo b 2>&1 >top; echo c 2>&1 >.git/c", rights=WRITES)

    names = {str(path.relative_to(jail.home.workspace)) for path in jail.home.workspace.rglob("*")}
    # Landlock's rules cannot take .git out of what is above it, so nothing new is made beside it.
    wanted = {"folder/a", "top"} if jail.level == "bubblewrap" else {"folder/a"}
    assert names == wanted | {".git", "folder"}, printed


def test_only_gits_own_writing_commands_write_git(jail: Jail) -> None:
    (jail.home.workspace / ".git").mkdir()

    ended, _ = jail.shell("echo x >.git/index && echo y >top", rights=Rights(workspace="write", git="write"))

    assert ended.exit_code == 0
    assert (jail.home.workspace / ".git" / "index").read_text() == "x\n"


def test_a_link_in_the_place_of_git_cannot_be_guarded_and_is_refused(jail: Jail, beside: Path) -> None:
    (jail.home.workspace / ".git").symlink_to(beside)

    with pytest.raises(NotStarted, match="is a link and cannot be guarded"):
        jail.shell("true", rights=WRITES)
    assert jail.shell("true")[0].exit_code == 0


def test_paths_of_a_profile_are_there_and_written_where_they_may_be(jail: Jail, beside: Path) -> None:
    read, write = Rights(read_paths=(str(beside),)), Rights(write_paths=(str(beside),))

    assert jail.shell('cat "$1/file"', str(beside), rights=read)[1] == "beside"
    assert jail.shell('echo more >>"$1/file"', str(beside), rights=read)[0].exit_code != 0
    assert (beside / "file").read_text() == "beside"
    assert jail.shell('echo more >>"$1/file"', str(beside), rights=write)[0].exit_code == 0
    assert (beside / "file").read_text() == "besidemore\n"
    assert jail.shell("echo x >own", rights=write)[0].exit_code != 0


@pytest.mark.parametrize("where", [".", "..", "/", ".swarm", "queue.json", ".swarm/sandbox"])
def test_no_right_brings_skeps_own_files_in(jail: Jail, where: str) -> None:
    jail.home.queue_file.touch()

    with pytest.raises(NotStarted, match="holds Skep's own files"):
        jail.shell("true", rights=Rights(read_paths=(os.path.normpath(jail.home.root / where),)))


def test_a_link_to_skeps_own_files_brings_them_in_no_more(jail: Jail, beside: Path) -> None:
    (beside / "way").symlink_to(jail.home.state)

    with pytest.raises(NotStarted, match="holds Skep's own files"):
        jail.shell("true", rights=Rights(write_paths=(str(beside / "way"),)))


def test_a_path_that_is_not_there_is_named(jail: Jail) -> None:
    with pytest.raises(NotStarted, match="'/no/such/path' is not there"):
        jail.shell("true", rights=Rights(read_paths=("/no/such/path",)))


@pytest.mark.parametrize("target", [".", "..", "/", ".swarm", "inbox"])
def test_a_workspace_that_leads_to_skeps_own_files_runs_nothing(jail: Jail, target: str) -> None:
    jail.home.workspace.rmdir()
    jail.home.inbox.mkdir()
    jail.home.workspace.symlink_to(os.path.normpath(jail.home.root / target))

    with pytest.raises(NotStarted, match="holds Skep's own files"):
        jail.shell("true")


def test_a_workspace_may_be_a_link_to_a_directory_apart(jail: Jail, beside: Path) -> None:
    jail.home.workspace.rmdir()
    jail.home.workspace.symlink_to(beside)

    assert jail.shell("cat file; pwd")[1] == f"beside{beside}\n"


def test_the_network_is_there_for_a_profile_and_unix_sockets_are_not(jail: Jail) -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    source = f"""{TRY}
attempt(lambda: socket.create_connection(("127.0.0.1", {listening.getsockname()[1]}), 5).sendall(b"hello"))
attempt(socket.socket, socket.AF_UNIX)
attempt(socket.socket, socket.AF_NETLINK, socket.SOCK_RAW, 9)
attempt(socket.getaddrinfo, "localhost", 80)
"""
    with listening:
        listening.settimeout(20)
        ended, printed = jail.python(source, rights=Rights(network=True))
        assert ended.exit_code == 0, printed
        with listening.accept()[0] as came:
            assert came.recv(5) == b"hello"

    assert [line.split()[0] for line in printed.splitlines()] == ["DONE", "denied", "denied", "DONE"]


def test_what_needs_namespaces_runs_in_namespaces_only(jail: Jail) -> None:
    rights = Rights(needs_namespaces=True)

    if jail.level == "bubblewrap":
        assert jail.shell("true", rights=rights)[0].exit_code == 0
    else:
        with pytest.raises(NoSandbox, match="namespaces of its own only"):
            jail.shell("true", rights=rights)


def test_rights_lower_the_time_and_never_raise_it(jail: Jail) -> None:
    ended, _ = jail.shell("sleep 60", rights=Rights(timeout_s=0.2), limit_s=30.0)
    assert (ended.over, ended.limit_s) == ("time", 0.2)

    ended, _ = jail.shell("sleep 60", rights=Rights(timeout_s=30.0), limit_s=0.2)
    assert (ended.over, ended.limit_s) == ("time", 0.2)


@pytest.mark.parametrize("argv", [(), ("true",), ("./own",), ("/usr/bin/no-such-program",)])
def test_a_program_that_is_not_named_by_a_full_path_or_not_there_is_not_started(
    jail: Jail, argv: tuple[str, ...]
) -> None:
    with pytest.raises(NotStarted):
        jail.run(*argv)


@pytest.mark.parametrize(
    "words",
    [
        ["$(id)", "`id`", "a b", "  ", "", "*", "-n", "\\", "'", '"', ";", "&", "|"],
        ["two\nlines", "\n", "tab\there"],
        ["ü", "日本", "\x81\x88", "\x7f"],
        ["g", "a", "v", "PATH=/tmp"],
    ],
)
def test_words_come_out_as_they_went_in(jail: Jail, words: list[str]) -> None:
    source = "import sys\nsys.stdout.write(ascii(sys.argv[1:]))"

    ended, printed = jail.python(source, *words, environment={"WORD": words[0]})

    assert (ended.exit_code, printed) == (0, ascii(words))


@pytest.mark.parametrize("value", ["plain", "$(id) 'x' \"y\"", "two\nlines", "ü"])
def test_variables_come_out_as_they_went_in(jail: Jail, value: str) -> None:
    source = 'import os, sys\nsys.stdout.write(ascii(os.environ["WORD"]))'

    assert jail.python(source, environment={"WORD": value})[1] == ascii(value)


def test_variables_of_the_linker_are_not_set_for_anything(jail: Jail) -> None:
    with pytest.raises(NotStarted, match=r"LD_\*"):
        jail.shell("true", environment={"LD_PRELOAD": "/tmp/x.so"})


def test_a_secret_that_is_handed_on_is_in_no_command_line(make_jail: MakeJail) -> None:
    jail = make_jail()
    found: list[Any] = []

    def look(_: bytes) -> None:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                found.extend([path] if jail.passed_value.encode() in path.read_bytes() else [])

    followed = jail.sandbox.launch(
        Command(
            argv=("/bin/sh", "-c", 'echo "$PASSED_KEY"; sleep 0.2'),
            rights=Rights(environment_keys=("PASSED_KEY",)),
            limit_s=20,
        )
    )
    followed.follow(look)

    assert found == []
