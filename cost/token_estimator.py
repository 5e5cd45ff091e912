"""Tokens before anybody has counted them: the most there can be, and how many there probably are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

#: Tokens that the chat template may put around a message.
TOKENS_AROUND_A_MESSAGE: Final = 16
#: Bytes of UTF-8 text that are usually one token.
BYTES_PER_TOKEN: Final = 4


def most_tokens(texts: Iterable[str]) -> int:
    """The most tokens that messages can be: one for each byte, since no tokenizer in use splits a byte."""
    return sum(_bytes(text) + TOKENS_AROUND_A_MESSAGE for text in texts)


def likely_tokens(texts: Iterable[str]) -> int:
    """How many tokens messages probably are: UTF-8 bytes / 4, rounded up, and what stands around each."""
    return sum(-(-_bytes(text) // BYTES_PER_TOKEN) + TOKENS_AROUND_A_MESSAGE for text in texts)


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
