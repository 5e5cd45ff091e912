"""Reads a program's arguments as the program will, and holds them to its rule.

Options are read as getopt_long(3) reads them, letters in a row and values glued or apart; abbreviations,
which getopt would also take, are refused, for what they mean changes with the program's version. What the
rule does not name is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from safety.command_line import CommandRefused
from safety.command_notation import Option, Shape
from safety.command_rules import ProgramRule
from safety.command_values import Values

#: Where a person allows more.
FILE: Final = "config/commands.toml in your home"
#: Options with which a program tells of itself and does nothing else.
_TELLS_OF_ITSELF: Final = frozenset({"--help", "--version"})
_NUMBER_OPTION: Final = re.compile(r"-[0-9]{1,9}", re.ASCII)


def check_arguments(rule: ProgramRule, words: Sequence[str], workspace: Path) -> None:
    """Raise `CommandRefused` unless a program may have these arguments."""
    _Reader(rule, words, Values(rule.program, workspace)).check()


class _Reader:
    """One command line being read, from its first word to its last."""

    def __init__(self, rule: ProgramRule, words: Sequence[str], values: Values) -> None:
        self._rule = rule
        self._words = words
        self._at = 0
        self._values = values
        self._given: list[str] = []
        self._arguments: list[str] = []

    def check(self) -> None:
        takes_options = self._rule.style != "plain"
        while self._at < len(self._words):
            word = self._next()
            if takes_options and word == "--" and self._rule.style != "words":
                takes_options = False
            elif takes_options and self._is_option(word):
                self._read_option(word)
            elif word not in self._rule.operators:
                self._arguments.append(word)
                takes_options = takes_options and self._rule.style != "options-first"
        self._check_needs()
        self._check_shape()

    def _next(self) -> str:
        word = self._words[self._at]
        self._at += 1
        return word

    # -- options -------------------------------------------------------------------------------------------

    def _is_option(self, word: str) -> bool:
        return len(word) > 1 and word.startswith("-")

    def _read_option(self, word: str) -> None:
        if self._rule.options.has_numbers and _NUMBER_OPTION.fullmatch(word):
            return
        if self._rule.style == "words":
            self._take(self._known(word), None)
        elif word.startswith("--"):
            self._read_long(word)
        else:
            self._read_letters(word)

    def _read_long(self, word: str) -> None:
        name, sign, value = word.partition("=")
        option = self._known(name)
        if sign and (not option.values or len(option.values) > 1):
            raise self._refuse("option", f"{name} takes no value after =; leave it out")
        self._take(option, value if sign else None)

    def _read_letters(self, word: str) -> None:
        for place, letter in enumerate(word[1:], start=2):
            option = self._known(f"-{letter}")
            if option.values:
                self._take(option, word[place:] or None)
                return
            self._take(option, None)

    def _take(self, option: Option, glued: str | None) -> None:
        self._given.append(option.name)
        if glued is not None:
            self._values.check(option.values[0], glued, f"the value of {option.name}")
        elif not option.is_optional:
            for kind in option.values:
                if self._at == len(self._words):
                    raise self._refuse("option", f"{option.name} needs a value")
                self._values.check(kind, self._next(), f"the value of {option.name}")

    def _known(self, name: str) -> Option:
        option = self._rule.options.by_name.get(name)
        if option is None:
            raise self._refuse("option", self._why_not(name))
        return option

    def _why_not(self, name: str) -> str:
        rule = self._rule
        if name in rule.never:
            return f"{name} can never be allowed: {rule.never[name]}"
        whole = [each for each in rule.options.by_name if each.startswith(name) and name.startswith("--")]
        if whole:
            return f"{name!r} is an abbreviation, which is never read; write {' or '.join(sorted(whole)[:3])}"
        shown = name if name.isprintable() and len(name) <= 40 else f"{name[:40]!r}..."
        return (
            f"{rule.name} may not have the option {shown}; to allow it, add {rule.key}.options = "
            f'["{shown}"] (or "{shown}=text" where it has a value) to {FILE}; '
            "for a file of that name write ./ before it"
        )

    # -- arguments -----------------------------------------------------------------------------------------

    def _check_needs(self) -> None:
        needs = self._rule.needs
        if needs and not any(option in self._given for option in needs):
            raise self._refuse("arguments", f"{self._rule.name} needs {' or '.join(needs)} here; add it")

    def _check_shape(self) -> None:
        if not self._arguments and not _TELLS_OF_ITSELF.isdisjoint(self._given):
            return
        shape = self._shape()
        kinds = shape.kinds(len(self._arguments))
        if kinds is None:
            raise self._refuse(
                "arguments",
                f"{self._rule.name} takes {shape} here, not {len(self._arguments)}; "
                f"{self._rule.key}.arguments in {FILE} says so",
            )
        for number, (kind, word) in enumerate(zip(kinds, self._arguments, strict=True), start=1):
            self._values.check(kind, word, f"argument {number}")

    def _shape(self) -> Shape:
        shapes = self._rule.arguments_with
        return next((shapes[option] for option in self._given if option in shapes), self._rule.arguments)

    def _refuse(self, rule: str, sentence: str) -> CommandRefused:
        return CommandRefused(f"{self._rule.program}-{rule}", sentence)
