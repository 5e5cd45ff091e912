"""Redacting what comes in pieces: a command's output, an answer word by word.

A piece goes on as soon as it can hold no part of a secret: whole lines, and the whole words of a line in
which nothing is suspicious. A private key is held back until its end. Bytes that are no secret come out as
they went in.
"""

from __future__ import annotations

import codecs
import re
from typing import Final

from redaction.sink import clean, is_suspicious

#: Characters that are held back at most; a line beyond that is looked at in parts.
MOST_HELD: Final = 64 * 1024
#: Of those, what stays behind so that a secret at the cut is still seen whole.
_OVERLAP: Final = 4 * 1024
_BEGIN: Final = "-----BEGIN"
_END: Final = re.compile(r"-----END [^-\n]{0,60}-----")
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

    def _cut(self) -> int:
        held = self._held
        line = held.rfind("\n") + 1
        begin = held.rfind(_BEGIN)
        end = _END.search(held, begin) if begin >= 0 else None
        if begin >= 0 and (end is None or line <= end.end()):
            cut = held.rfind("\n", 0, begin) + 1
        else:
            blank = None if is_suspicious(held[line:]) else _BLANK.search(held, line)
            cut = blank.end() if blank else line
        return cut if len(held) - cut <= MOST_HELD else len(held) - _OVERLAP


def _encoded(text: str) -> bytes:
    return clean(text).encode("utf-8", "surrogateescape")
