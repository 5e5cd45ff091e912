"""A request as it is read, within bounds that waitress does not set.

Who sends it is told by its head. The body of a stranger, who shows neither token nor session, is kept while
it is short; a longer one is read to its end and dropped on the way, so that it holds neither memory nor disk
and its sender still hears the answer. And what could be read in two ways is not read at all.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, Final, NoReturn, cast

import flask
from waitress.buffers import OverflowableBuffer
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.receiver import ChunkedReceiver
from waitress.utilities import BadRequest

#: Bytes of a stranger's body that are kept; a login has fewer.
MOST_OF_A_STRANGER: Final = 16 * 1024
#: Bytes of the line before a chunk, and of what comes behind the last: waitress reads them from their
#: beginning again each time that more of them has come.
MOST_BESIDE_CHUNKS: Final = 16 * 1024

#: Whether who sent the head of this request may have a long body kept.
MaySend = Callable[[flask.Request], bool]


class Incoming(HTTPRequestParser):
    """A request that is being read.

    Parameters:
        adj: what waitress was told.
        keep: takes what came behind the request, to be read when this one has been answered.
        may_send: whose body is kept.
    """

    def __init__(self, adj: Any, *, keep: Callable[[bytes], None], may_send: MaySend) -> None:
        super().__init__(adj)
        self._keep = keep
        self._may_send = may_send

    def received(self, data: bytes) -> int:
        """Read on; how many bytes were taken, which are all where the request has come to its end."""
        taken = int(super().received(data))
        self._bound_what_is_beside_chunks()
        if not self.completed:
            return taken
        self.expect_continue = False  # waitress would begin the same request anew
        self._keep(data[taken:])
        return len(data)

    def parse_header(self, header_plus: bytes) -> None:
        """Read the head. Raises `ParsingError`."""
        try:
            super().parse_header(header_plus)
        except ValueError as error:  # a number of thousands of digits, or an address that is none
            raise ParsingError("The head cannot be read.") from error
        self._refuse_two_lengths()
        if self.body_rcv is not None and not self._may_send(self._head()):
            cast(Any, self.body_rcv).buf = Brief()

    def _refuse_two_lengths(self) -> None:
        """RFC 9112, 6.1 and 6.3: others may have found another end of such a request than we would."""
        # Where waitress heeds a Transfer-Encoding, it takes it away.
        if "TRANSFER_ENCODING" in self.headers or (self.chunked and "CONTENT_LENGTH" in self.headers):
            raise ParsingError("The length of the body is told in two ways.")

    def _head(self) -> flask.Request:
        return flask.Request({f"HTTP_{name}": value for name, value in self.headers.items()})

    def _bound_what_is_beside_chunks(self) -> None:
        receiver: Any = self.body_rcv
        if not isinstance(receiver, ChunkedReceiver):
            return
        if max(len(receiver.control_line), len(receiver.trailer)) > MOST_BESIDE_CHUNKS:
            self.error = BadRequest("There is too much beside the chunks.")
            self.completed = True


class Brief(OverflowableBuffer):
    """A body that is kept while it is short."""

    def __init__(self) -> None:
        super().__init__(2 * MOST_OF_A_STRANGER)  # so none of it goes to the disk
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def append(self, data: bytes) -> None:
        """Take more of the body; none of it is kept when it has become long."""
        self._length += len(data)
        if self._length <= MOST_OF_A_STRANGER:
            super().append(data)
        else:
            self.buf, self.strbuf = None, b""

    def getfile(self) -> Any:
        """What is read as the body."""
        return super().getfile() if self._length <= MOST_OF_A_STRANGER else Dropped()


class Dropped(io.RawIOBase):
    """A body that was not kept: whoever reads it all the same takes no part of it for the whole."""

    def readinto(self, buffer: object) -> NoReturn:
        """Raise `OSError`."""
        raise OSError("the body was not kept")

    def readable(self) -> bool:
        """It is there to be read from."""
        return True
