"""The short words in which ``config/commands.toml`` names options and arguments of a program. Pure.

    "-la"  "-n=number"  "-U[=number]"  "-NUMBER"  "--all"  "--lines=number"  "--color[=a|b]"  "-name=pattern"
    "path*"  "pattern path*"  "path+ target"

Everything here raises `ValueError` with a sentence; the reader of the file says where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

#: What a value is, which says how it is looked at (`safety.command_values`).
KINDS: Final = frozenset({"path", "target", "revision", "pattern", "text", "number", "seconds", "format"})
#: How the arguments of a program are read.
Style = Literal["options", "options-first", "words", "plain"]

_NUMBER_OPTION: Final = "-NUMBER"
_SHORT: Final = re.compile(r"-([A-Za-z0-9.]+)(?:=(\S.*)|\[=(\S+)\])?", re.ASCII)
_LONG: Final = re.compile(r"(--[A-Za-z0-9][A-Za-z0-9-]*)(?:=(\S.*)|\[=(\S+)\])?", re.ASCII)
_WORD: Final = re.compile(r"(-[A-Za-z0-9][A-Za-z0-9_-]*)(?:=(\S+))?", re.ASCII)
_CHOICES: Final = re.compile(r"[A-Za-z0-9+_.-]+(\|[A-Za-z0-9+_.-]+)+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Option:
    """One option."""

    name: str
    #: kinds of the values that follow it; none: it takes no value
    values: tuple[str, ...] = ()
    #: whether its value is glued to it or left out
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class OptionTable:
    """The options of a program by their names, ``-n``, ``--lines`` or a whole word."""

    by_name: Mapping[str, Option] = field(default_factory=dict)
    #: whether ``-5`` is one
    has_numbers: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """What the arguments of a program that are no options are, in their order."""

    before: tuple[str, ...] = ()
    #: kind of those that may be any number
    repeated: str | None = None
    after: tuple[str, ...] = ()
    #: of `before`, how many at its end may be left out
    optional: int = 0
    least: int = 0

    @property
    def most(self) -> int | None:
        """How many there may be; none where there is no bound."""
        return None if self.repeated is not None else len(self.before) + len(self.after)

    def kinds(self, count: int) -> tuple[str, ...] | None:
        """The kind of each of `count` arguments; none where so many do not fit."""
        if count < self.least or (self.most is not None and count > self.most):
            return None
        if self.repeated is None:
            return (*self.before, *self.after)[:count]
        middle = count - len(self.before) - len(self.after)
        return (*self.before, *[self.repeated] * middle, *self.after)

    def __str__(self) -> str:
        least, most = self.least, self.most
        if most == 0:
            return "no arguments"
        if most is None:
            return (
                ["any number of arguments", "at least one argument"][least]
                if least < 2
                else (f"at least {least} arguments")
            )
        words = f"{least}" if least == most else f"{least} to {most}"
        return f"{words} argument{'s' if most != 1 else ''}"


def read_options(entries: Sequence[str], sets: Mapping[str, Sequence[str]], style: Style) -> OptionTable:
    """The options that a list of entries names. Raises `ValueError`."""
    found: dict[str, Option] = {}
    has_numbers = False
    for entry in _unfold(entries, sets):
        if entry == _NUMBER_OPTION:
            has_numbers = True
        else:
            found.update({option.name: option for option in _read_option(entry, style)})
    return OptionTable(found, has_numbers)


def _unfold(entries: Sequence[str], sets: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for entry in entries:
        if not entry.startswith("@"):
            yield entry
        elif entry[1:] in sets:
            yield from sets[entry[1:]]
        else:
            raise ValueError(f"there is no set {entry[1:]!r}; the sets are {', '.join(sorted(sets))}")


def _read_option(entry: str, style: Style) -> list[Option]:
    if style == "plain":
        raise ValueError("style plain knows no options: all its arguments are text")
    if style == "words":
        word = _WORD.fullmatch(entry)
        if word is None:
            raise ValueError(f"{entry!r} is not an option such as -name or -name=pattern")
        return [Option(word[1], _kinds(word[2]))]
    long = _LONG.fullmatch(entry)
    if long is not None:
        return [Option(long[1], _kinds(long[2] or long[3]), is_optional=long[3] is not None)]
    short = _SHORT.fullmatch(entry)
    if short is None:
        raise ValueError(f"{entry!r} is not an option such as -l, -n=number, --all or --color[=always|never]")
    kinds = _kinds(short[2] or short[3])
    if kinds and len(short[1]) > 1:
        raise ValueError(f"{entry!r}: an option with a value stands alone, such as -n=number")
    return [Option(f"-{letter}", kinds, is_optional=short[3] is not None) for letter in short[1]]


def _kinds(text: str | None) -> tuple[str, ...]:
    return tuple(map(_kind, text.split(" "))) if text else ()


def _kind(text: str) -> str:
    if text not in KINDS and not _CHOICES.fullmatch(text):
        raise ValueError(f"{text!r} is not a kind of value: {', '.join(sorted(KINDS))}, or words as in a|b")
    return text


def read_shape(text: str) -> Shape:
    """What a text such as ``pattern path*`` says of the arguments. Raises `ValueError`."""
    before: list[str] = []
    after: list[str] = []
    repeated: str | None = None
    optional = least = 0
    for word in text.split():
        name, mark = (word[:-1], word[-1]) if word[-1] in "*+?" else (word, "")
        kind = _kind(name)
        if mark in {"*", "+"}:
            if repeated is not None or optional:
                raise ValueError(f"{text!r}: only one kind may have * or +, and none ? beside it")
            repeated = kind
        elif mark == "?":
            if repeated is not None:
                raise ValueError(f"{text!r}: only one kind may have * or +, and none ? beside it")
            optional += 1
            before.append(kind)
        elif optional:
            raise ValueError(f"{text!r}: what may be left out stands at the end")
        else:
            (before if repeated is None else after).append(kind)
        least += mark in {"", "+"}
    return Shape(tuple(before), repeated, tuple(after), optional, least)
