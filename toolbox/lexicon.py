"""What is known of words beforehand (``lexicon.toml``): which say nothing, and which do for each other."""

from __future__ import annotations

import functools
import tomllib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from typing import Final

FILE: Final = "lexicon.toml"


@dataclass(frozen=True)
class Lexicon:
    """Words, all in small letters."""

    #: words that say nothing about what is wanted
    silent: frozenset[str]
    #: words that say a little
    faint: frozenset[str]
    #: verbs that say what is to be done
    deeds: frozenset[str]
    #: further verbs that a request for something to be done begins with
    asks: frozenset[str]
    #: verbs that do for a verb with which a tool's example or description begins
    alike_asks: dict[str, frozenset[str]]
    #: words that do for a word
    alike: dict[str, frozenset[str]]
    #: for a word, the sets of words of which a tool for one is no tool for another
    either_or: dict[str, tuple[frozenset[str], ...]]


@functools.cache
def shipped() -> Lexicon:
    """The lexicon that ships with Skep."""
    told = tomllib.loads(resources.files("toolbox").joinpath(FILE).read_text("utf-8"))
    return Lexicon(
        silent=frozenset(told["silent"].split()),
        faint=frozenset(told["faint"].split()),
        deeds=frozenset(told["deeds"].split()),
        asks=frozenset(told["asks"].split()),
        alike_asks=_alike(told["alike_asks"]),
        alike=_alike(told["alike"]),
        either_or=_sets(told["either_or"]),
    )


def _alike(groups: Iterable[str]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for group in groups:
        words = group.split()
        for word in words:
            found[word] |= set(words) - {word}
    return {word: frozenset(others) for word, others in found.items()}


def _sets(groups: Iterable[str]) -> dict[str, tuple[frozenset[str], ...]]:
    found: dict[str, list[frozenset[str]]] = defaultdict(list)
    for group in groups:
        words = frozenset(group.split())
        for word in words:
            found[word].append(words)
    return {word: tuple(sets) for word, sets in found.items()}
