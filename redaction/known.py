"""Secrets whose value is known: keys of the environment and the settings, the execution token.

A process learns them at its start and keeps them in one place, as it does its log: whoever reads settings has
learnt what must not be shown. Each is looked for as it is and in the forms it takes on its way: Base64 in
all three alignments, URL-encoded, hexadecimal, escaped in JSON or HTML.
"""

from __future__ import annotations

import base64
import functools
import html
import json
import re
import threading
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import quote, quote_plus

#: Shorter values are ordinary words too often.
LEAST_CHARS: Final = 8

#: characters of a name that is remembered
_SHORT_NAME: Final = 64

_NAME: Final = re.compile(
    r"(?:^|_)(?:API_?KEY|KEY|TOKEN|SECRET|SECRETS|PASSWORD|PASSWD|PASSPHRASE|PASS|PWD|CREDENTIALS?|PAT|DSN|AUTH)(?:$|_)"
    r"|APIKEY|PASSWORD|SECRET|TOKEN",
    re.IGNORECASE,
)
#: Variables that are named like secrets and hold none.
_NO_SECRETS: Final = frozenset({"PWD", "OLDPWD", "GPG_KEY", "SSH_AUTH_SOCK", "XAUTHORITY", "GPG_TTY"})
_PATH: Final = re.compile(r"(?:/|~/|\./|[A-Za-z]:\\)[^\s]*|https?://[^@\s]*")


class KnownValues:
    """What this process knows to be secret. Threads may learn and look at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kinds: dict[str, str] = {}
        #: rises whenever something becomes known or is forgotten
        self.learnt = 0
        #: every form of every value with its kind, the longest first
        self.forms: tuple[tuple[str, str], ...] = ()

    def learn(self, value: str, kind: str) -> None:
        """Never show this value again."""
        if len(value) < LEAST_CHARS or value in self._kinds:
            return
        with self._lock:
            self._kinds[value] = kind
            forms = {form: kind for known, kind in self._kinds.items() for form in forms_of(known)}
            self.forms = tuple(sorted(forms.items(), key=lambda each: len(each[0]), reverse=True))
            self.learnt += 1

    def learn_environment(self, environ: Mapping[str, str]) -> None:
        """Learn the values of variables whose names say that they hold secrets."""
        for name, value in environ.items():
            if is_secret_name(name) and not _PATH.fullmatch(value) and not value.isdigit():
                self.learn(value, "environment-secret")

    def forget(self) -> None:
        """Know nothing again; for tests."""
        with self._lock:
            self._kinds, self.forms = {}, ()
            self.learnt += 1


def is_secret_name(name: str) -> bool:
    """Whether a variable of that name holds a secret."""
    return _is_short_secret_name(name) if len(name) <= _SHORT_NAME else _is_secret_name(name)


def _is_secret_name(name: str) -> bool:
    return name.upper() not in _NO_SECRETS and _NAME.search(name) is not None


#: Remembered: what is listed has members of the same few names.
_is_short_secret_name = functools.lru_cache(maxsize=1024)(_is_secret_name)


def forms_of(value: str) -> Iterator[str]:
    """The texts in which a value is found."""
    data = value.encode("utf-8", "surrogatepass")
    yield value
    yield data.hex()
    yield data.hex().upper()
    for encoded in (quote(data, safe=""), quote_plus(data), json.dumps(value)[1:-1], html.escape(value)):
        if encoded != value:
            yield encoded
            yield re.sub("%[0-9A-F]{2}", lambda escape: escape[0].lower(), encoded)
    for skipped in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield _inner(encode(b"\0" * skipped + data).decode("ascii"), skipped, len(data))


def _inner(encoded: str, skipped: int, size: int) -> str:
    """The letters of an encoding that depend on the value alone, whatever stands before and after it."""
    whole = (skipped + size) * 8 // 6
    return encoded[-(-skipped * 8 // 6) : whole]


#: What this process knows.
KNOWN: Final = KnownValues()
