"""A sandbox that is set up and waits to be told what to run.

What waits in it is `/bin/sh` with a constant script, under every restriction of the command it will become.
The script reads words, one a line, from standard input, and executes them: a socket to the daemon. No word is
ever parsed by the shell, which is why words that a line cannot carry for certain (anything but plain
printable ASCII) never come this way: such a command gets a sandbox of its own from the start and its words as
arguments of the process.

The first thing the script does is say that it is there. With that the kernel hands over the sender's process
id as the daemon sees it, from whatever namespace (SCM_CREDENTIALS, unix(7)). So the very process that will
become the command is known, unmistakably, before it is told anything: it can be limited, put into a cgroup
and killed. And a command never starts in a half-made sandbox, nor after its daemon has died: nobody would
tell it to.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import socket
import struct
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from safety.sandbox.levels import FOR_NOW, NotStarted

#: Stands in arguments for the number of the descriptor with the level's data.
DATA_FD: Final = "@data"
#: Seconds a sandbox may take to be there.
PATIENCE_S: Final = 20.0
#: Only this is sent by lines. IFS and the like cannot be among the names.
_PLAIN_WORD: Final = re.compile(r"[\x20-\x7e]*")
_PLAIN_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]*")
_NOT_BY_LINES: Final = frozenset({"IFS", "ENV", "PWD", "OLDPWD"})

#: Reads `v` NAME=VALUE, `a` ARGUMENT and `g` (go), each word on a line of its own. The end of the socket, or
#: anything else, ends it without having run anything. (A bash whose standard input is a socket reads start-up
#: files, unless its name is `sh`, as it is here.)
SCRIPT: Final = """\
echo >&0
while IFS= read -r skep_what
do
  case $skep_what in
    v) IFS= read -r skep_word || exit 125; export "$skep_word" ;;
    a) IFS= read -r skep_word || exit 125; set -- "$@" "$skep_word" ;;
    g) unset skep_what skep_word; exec </dev/null; exec "$@" ;;
    *) exit 125 ;;
  esac
done
exit 125"""

_CREDENTIALS: Final = struct.Struct("iII")


@dataclass(frozen=True, slots=True)
class Seed:
    """What a level starts to set a sandbox up: everything but the command."""

    arguments: tuple[str, ...]
    #: what the level reads from `DATA_FD`
    data: bytes
    #: variables every command has
    environment: Mapping[str, str]
    cwd: str = "/"
    #: directories that a command may write without a bound of the kernel
    places: tuple[str, ...] = ()
    #: undoes what was made for this sandbox outside of it
    clear: Callable[[], None] = field(default=lambda: None)


class Waiting:
    """One sandbox, good for one command.

    Started by the spawner's thread; used by one other.
    """

    def __init__(
        self, seed: Seed, argv: Sequence[str] = (), environment: Mapping[str, str] | None = None
    ) -> None:
        self.seed = seed
        given = {**seed.environment, **(environment or {})}
        try:
            with contextlib.ExitStack() as theirs, contextlib.ExitStack() as ours:
                self._open(ours)
                self.process = self._start(theirs, argv, given)
                ours.pop_all()
        except (OSError, ValueError) as error:
            seed.clear()
            raise NotStarted(error if isinstance(error, OSError) else str(error)) from error

    def _open(self, ours: contextlib.ExitStack) -> None:
        """Our ends, and theirs, which are closed here as soon as the sandbox has them."""
        self.control, self._told = socket.socketpair()
        ours.callback(self.control.close)
        ours.callback(self._told.close)
        self.control.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.output, self._printed = os.pipe()
        ours.callback(os.close, self.output)

    def _start(
        self, theirs: contextlib.ExitStack, argv: Sequence[str], environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        theirs.callback(self._told.close)
        theirs.callback(os.close, self._printed)
        data = _in_memory(self.seed.data)
        if data is not None:
            theirs.callback(os.close, data)
        wrapper = [str(data) if word == DATA_FD else word for word in self.seed.arguments]
        return subprocess.Popen(
            [*wrapper, "/bin/sh", "-c", SCRIPT, "sh", *argv],
            cwd=self.seed.cwd,
            env=environment,
            stdin=self._told.fileno(),
            stdout=self._printed,
            stderr=self._printed,
            pass_fds=() if data is None else (data,),
            start_new_session=True,
            umask=0o077,
        )

    def is_there(self) -> bool:
        """Whether it has been set up by now."""
        poller = select.poll()
        poller.register(self.control, select.POLLIN)
        return bool(poller.poll(0))

    def arrive(self) -> int:
        """Wait until it is set up; the process that will be the command. Raises `NotStarted`."""
        self.control.settimeout(PATIENCE_S)
        try:
            said, carried, _, _ = self.control.recvmsg(1, socket.CMSG_SPACE(_CREDENTIALS.size))
        except TimeoutError:
            raise NotStarted("the sandbox was not ready in time", is_for_now=True) from None
        if not said or not carried:
            raise self._fallen()
        pid: int = _CREDENTIALS.unpack(carried[0][2][: _CREDENTIALS.size])[0]
        return pid

    def go(self, argv: Sequence[str], environment: Mapping[str, str]) -> None:
        """Tell it what to run. Raises `NotStarted` when it has died."""
        if self.process.poll() is not None:
            raise NotStarted("the sandbox died before it was told what to run", is_for_now=True)
        lines = [line for name, value in environment.items() for line in ("v", f"{name}={value}")]
        lines += [line for word in argv for line in ("a", word)]
        try:
            self.control.sendall("\n".join([*lines, "g", ""]).encode("ascii"))
        except OSError as error:
            raise NotStarted("the sandbox died before it was told what to run", is_for_now=True) from error

    def discard(self) -> None:
        """End one that was not used; waits until it is gone."""
        self.control.close()  # what waits for words ends when there can be no more
        try:
            # Not killed at once: bubblewrap that dies half-way leaves a process that waits for it for ever.
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.output)
        self.seed.clear()

    def close(self) -> None:
        """Let go of what belonged to one that has ended."""
        self.control.close()
        os.close(self.output)
        self.seed.clear()

    def _fallen(self) -> NotStarted:
        """What it said before it ended."""
        self.process.wait()
        os.set_blocking(self.output, False)
        said = b""
        with contextlib.suppress(BlockingIOError):
            said = os.read(self.output, 4096)
        words = " ".join(said.decode(errors="replace").split()) or f"exit code {self.process.returncode}"
        is_for_now = self.process.returncode < 0 or any(os.strerror(number) in words for number in FOR_NOW)
        return NotStarted(words, is_for_now=is_for_now)


def fits_on_lines(argv: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Whether a command can be told to a sandbox that waits already."""
    return all(map(_PLAIN_WORD.fullmatch, (*argv, *environment.values()))) and all(
        _PLAIN_NAME.fullmatch(name) and name not in _NOT_BY_LINES for name in environment
    )


def _in_memory(data: bytes) -> int | None:
    """A descriptor from which the data can be read; none where there are none."""
    if not data:
        return None
    handle = os.memfd_create("sandbox")
    os.write(handle, data)
    os.lseek(handle, 0, os.SEEK_SET)
    return handle
