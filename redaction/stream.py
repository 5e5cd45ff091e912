"""Redacting what comes in pieces: a command's output, an answer word by word.

A piece goes on as soon as it can hold no part of a secret: whole lines, and the words of a line in
which nothing is suspicious. A private key is held back until its end; of one that is longer than what is
held back, the rest is left out as it comes. Bytes that are no secret come out as they went in.
"""

from __future__ import annotations

import codecs
import re
from typing import Final

from redaction import named
from redaction.known import KNOWN
from redaction.shapes import KEYS
from redaction.sink import clean, is_suspicious, open_key

#: Characters that are held back at most; a line beyond that is looked at in parts.
MOST_HELD: Final = 64 * 1024
#: Of those, what stays behind so that a secret at the cut is still seen whole.
_OVERLAP: Final = 4 * 1024
_BEGIN: Final = "-----BEGIN"
#: Characters of the longest line that begins or ends a key.
_MARK: Final = 80
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
#: What stands in a private key's place.
_KEY_MARK: Final = "[redacted:private-key]"


class StreamRedactor:
    """Takes an output in pieces and gives it back without secrets."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._held = ""
        self._key = ""  # how the private key began whose first part was let go; what is held goes on with it

    def feed(self, data: bytes) -> bytes:
        """What can go on now, of this piece and those before."""
        self._held += self._decode.decode(data)
        held = self._key + self._held
        cut = self._cut(held)
        if cut < len(self._key):
            return b""
        told, self._held = self._told(held[:cut]), held[cut:]
        self._key = open_key(held[:cut])
        return told

    def finish(self) -> bytes:
        """What is left."""
        told = self._told(self._key + self._held + self._decode.decode(b"", final=True))
        self._held = self._key = ""
        return told

    @property
    def held(self) -> int:
        """Bytes that were taken and not given back yet."""
        begun, _ = self._decode.getstate()  # of a character that is not whole
        return len(self._held.encode("utf-8", "surrogateescape")) + len(begun)

    def _told(self, text: str) -> bytes:
        """The text without secrets; of a key that goes on, the mark was told with its first part."""
        told = clean(text)
        return (told.removeprefix(_KEY_MARK) if self._key else told).encode("utf-8", "surrogateescape")

    def _cut(self, held: str) -> int:
        line = held.rfind("\n") + 1
        begin = held.rfind(_BEGIN)
        end = _END.search(held, begin) if begin >= 0 else None
        if begin >= 0 and (end is None or line <= end.end()):
            cut = held.rfind("\n", 0, begin) + 1
        else:
            cut = line if is_suspicious(held[line:]) else _last_word(held, line)
        return cut if len(held) - cut <= MOST_HELD else _forced(len(held) - _OVERLAP, held)


def _forced(cut: int, held: str) -> int:
    """Where to cut a text that has no good place for it; not amid the line that begins a key."""
    begin = held.rfind(_BEGIN, max(0, cut - _MARK), cut + len(_BEGIN))
    return cut if begin < 0 or begin > cut else begin


def _last_word(held: str, line: int) -> int:
    """Where a line without suspicion may be cut: before its last word, or after a plain one."""
    blank = _BLANK.search(held, line)
    word = blank.end() if blank else line
    return len(held) if _is_plain(held[word:]) else word


def _is_plain(word: str) -> bool:
    """Whether a word that may go on is an ordinary one, and no secret or name of one begins like it."""
    if not (word.isascii() and word.isalpha() and word.islower()) or _HEX.fullmatch(word):
        return False
    begins = (*_BEGINS, *(form for form, _ in KNOWN.forms))
    return not any(begin.startswith(word) or word.startswith(begin) for begin in begins)
