"""The script that waits in a sandbox, in the shells that stand as /bin/sh on one system or another."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from safety.sandbox.waiting import SCRIPT

TELL = "import os, sys; sys.stdout.write(ascii((sys.argv[1:], os.environ['WORD'], sys.stdin.read())))"
WORDS = ["$(id)", "`id`", "", "  a  b ", "*", "-n", "\\", "\\\\ \\n", "'", '"', "g", "a", "a=b;c&d|e"]


def talk(shell: str, lines: list[str], home: Path) -> tuple[int, str]:
    """What comes of the lines; `shell` is run under the name `sh`."""
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            process = subprocess.Popen(
                ["sh", "-c", SCRIPT, "sh"],
                executable=shell,
                stdin=theirs.fileno(),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={"PATH": "/usr/bin:/bin", "HOME": str(home)},
            )
        assert ours.recv(1) == b"\n"
        ours.sendall("".join(f"{line}\n" for line in lines).encode())
        ours.shutdown(socket.SHUT_WR)
        printed, _ = process.communicate(timeout=30)
    return process.returncode, printed.decode()


@pytest.fixture(params=["sh", "dash", "bash", "busybox"])
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    (tmp_path / ".bashrc").write_text("echo start-up files were read\n")
    found = shutil.which(request.param, path="/usr/bin:/bin")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{request.param} is not installed; .ci/run installs it")
        pytest.skip(f"{request.param} is not installed")
    return os.path.realpath(found)


def test_words_and_variables_come_out_as_they_went_in(shell: str, tmp_path: Path) -> None:
    lines = ["v", f"WORD={WORDS[0]} 'x'"]
    for word in (sys.executable, "-c", TELL, *WORDS):
        lines += ["a", word]

    code, printed = talk(shell, [*lines, "g"], tmp_path)

    assert (code, printed) == (0, ascii((WORDS, f"{WORDS[0]} 'x'", "")))


@pytest.mark.parametrize(
    "lines", [[], ["a"], ["v"], ["a", "/bin/echo"], ["a", "/bin/echo", "x"], ["rm -rf x"]]
)
def test_nothing_runs_before_it_is_told_to(shell: str, tmp_path: Path, lines: list[str]) -> None:
    assert talk(shell, lines, tmp_path) == (125, "")
