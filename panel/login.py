"""Logging in: a one-time code, handed from the command line to the panel through the private state directory.

Whoever can write into ``.swarm/`` (0700) is the person the panel belongs to, and that is all a login has to
prove. The command line invents a code, leaves its SHA-256 there with an expiry, and shows the code in a
link's fragment, which no browser sends, logs or passes on. The panel takes the file away when the code comes
back: of two who bring the same code, one succeeds in unlinking and is in. The code itself is never written.

A code has 256 random bits, so no guessing needs to be stopped, and wrong codes cost nobody but whoever brings
them: a good one is let in whatever came before it. Otherwise anybody on the machine could keep you out.

A link leads to a port, and whoever listens there is shown the code. So links are made only for a port that
the home's own panel says it holds, and no code outlives the panel it was made for.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
import threading
from pathlib import Path
from typing import Final

from clock import Clock, SystemClock
from errors import DaemonUnreachable, NotAllowed, NotAuthenticated
from localhost import port_file
from settings import Home
from store.private_files import is_private

#: Seconds a code is good for.
CODE_LIFE_S: Final = 300
#: Failures in a row after which wrong codes are turned away for a while without a word on what is wrong.
MOST_FAILURES: Final = 5
FIRST_REST_S: Final = 10.0
LONGEST_REST_S: Final = 300.0
#: Longer texts are no codes.
LONGEST_CODE: Final = 200


class LoginRest(NotAuthenticated):
    """Too many failed logins."""

    code = "login_rest"
    http_status = 429


def codes_directory(home: Home) -> Path:
    """Where the codes that wait to be used are."""
    return home.state / "panel_codes"


def mint_login_link(home: Home, port: int, clock: Clock | None = None) -> str:
    """A link that logs one browser in, once, within five minutes. To be shown to the person, never logged.

    `port` is one that this home's panel holds by its own word (`held_port`): whoever listens at another would
    be shown the code, and could bring it to the panel. Raises `NotAllowed`.
    """
    codes = CodeBox(home, clock or SystemClock())
    return f"http://127.0.0.1:{port}/#code={codes.mint()}"


def held_port(home: Home) -> int:
    """The port that this home's running panel holds. Raises `DaemonUnreachable`."""
    found = port_file.holder(home, port_file.PANEL)
    if found is None:
        raise DaemonUnreachable("This home's control panel does not run; start it with `skep up`.")
    return found.port


def open_door(home: Home, port: int, clock: Clock | None = None) -> None:
    """This process has bound the panel's port: codes of an earlier time are void, and links may be made.

    An earlier code may have been shown to whoever listened here while no panel did. Raises `OSError`.
    """
    CodeBox(home, clock or SystemClock()).void_all()
    port_file.claim(home, port_file.PANEL, port)


def close_door(home: Home) -> None:
    """The port is about to be let go: no more links."""
    port_file.let_go(home, port_file.PANEL)


class CodeBox:
    """The codes of one home that wait to be used."""

    def __init__(self, home: Home, clock: Clock) -> None:
        self._path = codes_directory(home)
        self._clock = clock

    def mint(self) -> str:
        """A fresh code. Raises `NotAllowed` where its directory is not private."""
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not is_private(os.lstat(self._path), stat.S_IFDIR):
            raise NotAllowed(f"{self._path} is not a private directory of yours; remove it and try again.")
        self._remove_expired()
        code = secrets.token_urlsafe(32)
        handle = os.open(self._file_of(code), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(str(self._clock.now() + CODE_LIFE_S))
        return code

    def consume(self, code: str) -> bool:
        """Whether the code was good; it no longer is.

        What is looked for is its hash, as the name of a file: how long that takes tells nothing of any code.
        """
        path = self._file_of(code)
        is_good = self._is_current(path)
        try:
            path.unlink()
        except OSError:
            return False
        return is_good

    def void_all(self) -> None:
        """No code that is out is good any more."""
        for path in self._files():
            with contextlib.suppress(OSError):
                path.unlink()

    def _file_of(self, code: str) -> Path:
        return self._path / hashlib.sha256(code.encode("utf-8", "surrogatepass")).hexdigest()

    def _files(self) -> list[Path]:
        with contextlib.suppress(OSError):
            return list(self._path.iterdir())
        return []

    def _remove_expired(self) -> None:
        for path in self._files():
            if not self._is_current(path):
                with contextlib.suppress(OSError):
                    path.unlink()

    def _is_current(self, path: Path) -> bool:
        """Whether the file is ours alone and its time is not over, nor longer than any code's."""
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return False
        with os.fdopen(handle) as file:
            if not is_private(os.fstat(handle)):
                return False
            try:
                left = float(file.read(64)) - self._clock.now()
            except ValueError:
                return False
        return 0 < left <= CODE_LIFE_S


class LoginGuard:
    """Lets every good code in, and after five bad ones answers bad ones with a growing rest."""

    def __init__(self, codes: CodeBox, clock: Clock) -> None:
        self._codes = codes
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._rests = 0
        self._rest_until = 0.0

    def admit(self, code: str) -> None:
        """Let the bearer of this code in, or raise `NotAuthenticated` or `LoginRest`."""
        is_good = len(code) <= LONGEST_CODE and self._codes.consume(code)
        with self._lock:
            if is_good:
                self._failures = self._rests = 0
                return
            left = self._rest_until - self._clock.monotonic()
            if left > 0:
                raise LoginRest(
                    "This link is not good, after too many others. A fresh one works: `skep panel`.",
                    retry_after_s=left,
                )
            self._count_failure()
        raise NotAuthenticated("This link was used before, or is older than 5 minutes.")

    def _count_failure(self) -> None:
        self._failures += 1
        if self._failures >= MOST_FAILURES:
            rest = min(LONGEST_REST_S, FIRST_REST_S * 2**self._rests)
            self._rest_until = self._clock.monotonic() + rest
            self._rests += 1
            self._failures = 0
