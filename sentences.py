"""Texts that others wrote, put at the end of a sentence: with the one full stop that it needs."""

from __future__ import annotations


def unended(text: str) -> str:
    """The text without the full stop it may have, for a sentence that goes on behind it."""
    return text.rstrip(". ")


def ended(text: str) -> str:
    """The text with one full stop, whether it had any or not; a question stays one."""
    return text if text.endswith(("?", "!")) else f"{unended(text)}."
