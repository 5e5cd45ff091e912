"""One attempt's output as it is told to whoever follows it: from the first byte on without secrets, and once.

Secrets are taken out from the beginning whenever it is taken up again, and only then what was told before is
left out; so no cut lets half of one through.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from redaction import StreamRedactor
from run_contract.errors import InvalidInput
from store.outputs import open_output

_BLOCK: Final = 64 * 1024
_NUMBER: Final = r"(0|[1-9][0-9]{0,17})"
#: A place as the id of an event has it.
PLACE: Final = f"^{_NUMBER}-{_NUMBER}$"
#: The lease of an attempt that is none.
NONE: Final = -1


@dataclass(frozen=True, slots=True)
class Place:
    """How far an output was read."""

    #: of the attempt
    lease: int
    #: bytes of it that were told
    offset: int

    def __str__(self) -> str:
        return f"{self.lease}-{self.offset}"

    @classmethod
    def read(cls, text: str | None) -> Place:
        """A place as an event's id has it; before everything where none is given. Raises `InvalidInput`."""
        if text is None:
            return cls(NONE, 0)
        found = re.fullmatch(PLACE, text)
        if found is None:
            told = "Last-Event-ID: must be the id of an event of this stream, such as 3-1024"
            raise InvalidInput(told, path="Last-Event-ID")
        return cls(int(found[1]), int(found[2]))


class ToldOutput:
    """What was told of one attempt.

    Parameters:
        place: its lease, and how many bytes of it were told before.
    """

    def __init__(self, place: Place) -> None:
        #: as far as it was told
        self.place = place
        #: where it is read; none: nothing of it is there yet
        self.file: BinaryIO | None = None
        #: whether it was said that it is not the answer
        self.is_discarded = False
        self._skips = place.offset
        self._redactor: StreamRedactor | None = StreamRedactor()

    def read(self, *, has_ended: bool) -> Iterator[tuple[Place, str]]:
        """What is there and was not told, each piece with its end.

        `has_ended`: nothing will be written any more.
        """
        if self.file is None or self._redactor is None:
            return
        while block := self.file.read(_BLOCK):
            yield from self._tell(self._redactor.feed(block))
        if has_ended:
            rest, self._redactor = self._redactor.finish(), None
            yield from self._tell(rest)

    def close(self) -> None:
        """Close the file."""
        if self.file is not None:
            self.file.close()

    def _tell(self, data: bytes) -> Iterator[tuple[Place, str]]:
        data, self._skips = data[self._skips :], max(0, self._skips - len(data))
        if data:
            self.place = Place(self.place.lease, self.place.offset + len(data))
            yield self.place, data.decode("utf-8", "replace")


def open_result(outputs: Path, result: dict[str, Any]) -> BinaryIO:
    """The whole of what a result holds. Raises `NotFound` where it is not kept any more."""
    ref = result.get("output_ref")
    return open_output(outputs, ref) if ref else io.BytesIO(str(result.get("output") or "").encode())
