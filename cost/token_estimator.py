"""Tokens before anybody has counted them: the most there can be, and how many there probably are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from run_contract.errors import InvalidInput
from run_contract.job import ContextBundle
from run_contract.records import TaskInput

#: Tokens that the chat template may put around a message.
TOKENS_AROUND_A_MESSAGE: Final = 16
#: Bytes of UTF-8 text that are usually one token.
BYTES_PER_TOKEN: Final = 4


def most_tokens(texts: Iterable[str]) -> int:
    """The most tokens that messages can be: one for each byte, since no tokenizer in use splits a byte."""
    every = list(texts)
    return byte_count("".join(every)) + TOKENS_AROUND_A_MESSAGE * len(every)


def likely_tokens(texts: Iterable[str]) -> int:
    """How many tokens messages probably are: UTF-8 bytes / 4, rounded up, and what stands around each."""
    return sum(-(-byte_count(text) // BYTES_PER_TOKEN) + TOKENS_AROUND_A_MESSAGE for text in texts)


def byte_count(text: str) -> int:
    """Bytes of a text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


class TokenEstimator:
    """How many tokens a task of a run probably is, for a person to read and a batch to be priced by.

    What a call may cost is not taken from this but from `most_tokens`, since a limit must hold.

    Parameters:
        ratio: bytes that are one token; 0 or less: 4.
    """

    def __init__(self, ratio: int = BYTES_PER_TOKEN) -> None:
        self._ratio = ratio if ratio > 0 else BYTES_PER_TOKEN

    def estimate(self, given: TaskInput | None, bundle: ContextBundle | None = None) -> int:
        """Tokens of a task's input and context: bytes / 4, and never 0 where there is any text.

        Keys do not count. Raises `InvalidInput` where there is no input.
        """
        if given is None:
            raise InvalidInput("no input to estimate")
        size = byte_count(given.prompt)
        parts = [given.inputs, given.metadata]
        if bundle is not None:
            size += byte_count("".join(bundle.messages))
            parts += [bundle.memory, bundle.tools]
        for part in parts:
            if part:
                size += byte_count("".join(part.values()))
        return self.of_bytes(size)

    def of_bytes(self, size: int) -> int:
        """Tokens of so many bytes."""
        return size // self._ratio or (1 if size else 0)
