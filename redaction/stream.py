"""Redacting what comes in pieces: a command's output, an answer word by word.

A piece goes on as soon as it can hold no part of a secret: whole lines, and the words of a line in
which nothing is suspicious. A private key is held back until its end. Bytes that are no secret come out as
they went in.
"""

from __future__ import annotations

import codecs
import re
from typing import Final

from redaction import named
from redaction.known import KNOWN
from redaction.shapes import KEYS
from redaction.sink import clean, is_suspicious

#: Characters that are held back at most; a line beyond that is looked at in parts.
MOST_HELD: Final = 64 * 1024
#: Of those, what stays behind so that a secret at the cut is still seen whole.
_OVERLAP: Final = 4 * 1024
_BEGIN: Final = "-----BEGIN"
_END: Final = re.compile(r"-----END [^-\n]{0,60}-----")
_HEX: Final = re.compile("[a-f]*")
#: How secrets and the names of secrets begin, in small letters.
_BEGINS: Final = (
    *(needle.lower() for shape in KEYS for needle in shape.needles),
    *(needle.strip() for needle in named.NEEDLES),
    "api", "access", "account", "auth", "basic", "client", "digest", "encryption", "master", "private",
    "proxy", "service", "set-", "signing", "pk_", "rk_", "postgres", "mysql", "mongodb", "redis", "amqp",
    "http", "ftp", "curl", "discord", "sharedaccesskey", "do_",
)  # fmt: skip
_BLANK: Final = re.compile(r"\s(?=\S*$)")


class StreamRedactor:
    """Takes an output in pieces and gives it back without secrets."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._held = ""

    def feed(self, data: bytes) -> bytes:
        """What can go on now, of this piece and those before."""
        self._held += self._decode.decode(data)
        cut = self._cut()
        told, self._held = self._held[:cut], self._held[cut:]
        return _encoded(told)

    def finish(self) -> bytes:
        """What is left."""
        told, self._held = self._held + self._decode.decode(b"", final=True), ""
        return _encoded(told)

    @property
    def held(self) -> int:
        """Bytes that were taken and not given back yet."""
        begun, _ = self._decode.getstate()  # of a character that is not whole
        return len(self._held.encode("utf-8", "surrogateescape")) + len(begun)

    def _cut(self) -> int:
        held = self._held
        line = held.rfind("\n") + 1
        begin = held.rfind(_BEGIN)
        end = _END.search(held, begin) if begin >= 0 else None
        if begin >= 0 and (end is None or line <= end.end()):
            cut = held.rfind("\n", 0, begin) + 1
        else:
            cut = line if is_suspicious(held[line:]) else self._last_word(line)
        return cut if len(held) - cut <= MOST_HELD else len(held) - _OVERLAP

    def _last_word(self, line: int) -> int:
        """Where a line without suspicion may be cut: before its last word, or after a plain one."""
        blank = _BLANK.search(self._held, line)
        word = blank.end() if blank else line
        return len(self._held) if _is_plain(self._held[word:]) else word


def _is_plain(word: str) -> bool:
    """Whether a word that may go on is an ordinary one, and no secret or name of one begins like it."""
    if not (word.isascii() and word.isalpha() and word.islower()) or _HEX.fullmatch(word):
        return False
    begins = (*_BEGINS, *(form for form, _ in KNOWN.forms))
    return not any(begin.startswith(word) or word.startswith(begin) for begin in begins)


def _encoded(text: str) -> bytes:
    return clean(text).encode("utf-8", "surrogateescape")
