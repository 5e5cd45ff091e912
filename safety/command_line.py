"""Reading a command line without a shell, and without ever meaning something else than a shell would.

What a shell would act upon is refused while it stands outside quotes; inside quotes it is plain text, so
honest commands such as ``echo 'a; b'`` pass. Nothing is folded or replaced after the check: the words that
come out are the words that run.
"""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from errors import NotAllowed

#: What a shell acts upon outside quotes, wherever it stands.
METACHARACTERS: Final = frozenset(";&|<>()$`{}*?[")
#: What it acts upon in some places: ``~`` and ``#`` begin a word, ``!`` calls up an earlier command.
_IN_PLACES: Final = frozenset("~#!")
_BLANKS: Final = frozenset(" \t")
#: Text that means itself to everybody, which most commands are: only blanks part its words.
_PLAIN: Final = re.compile(r"[A-Za-z0-9_./,:=@%+ -]*", re.ASCII)
#: What it acts upon inside double quotes.
_IN_DOUBLE_QUOTES: Final = frozenset("$`")
#: Control characters a quoted text may have.
_PLAIN_CONTROLS: Final = frozenset("\n\t\r")
#: Categories that a person does not see outside quotes: controls, formats (bidi, zero width), line ends.
_UNSEEN: Final = frozenset({"Cc", "Cf", "Zl", "Zp"})

_WAY_OUT: Final = "there is no shell: put plain text in quotes, or give the arguments as argv"


class CommandRefused(NotAllowed):
    """The command policy refuses this command."""

    def __init__(self, rule: str, sentence: str) -> None:
        super().__init__(f"{rule}: {sentence}", rule=rule)
        #: stable name of the rule
        self.rule = rule
        #: what is wrong, and the way out
        self.sentence = sentence


def split(command: str) -> tuple[str, ...]:
    """The arguments of a command line. Raises `CommandRefused`."""
    words = tuple(command.split()) if _PLAIN.fullmatch(command) else _split_quoted(command)
    if not words:
        raise CommandRefused("command-empty", "there is no command; name a program")
    return words


def _split_quoted(command: str) -> tuple[str, ...]:
    if not unicodedata.is_normalized("NFC", command):
        raise CommandRefused("command-text", "the command has letters in an unusual form; give it as argv")
    for mark in _marks(command):
        _check(mark)
    try:
        return tuple(shlex.split(command, posix=True))
    except ValueError:
        raise CommandRefused("command-quotes", "a quote is not closed") from None


def check_words(argv: Sequence[str], most_words: int, most_chars: int) -> None:
    """Raise `CommandRefused` unless every argument is a bounded text that a program can be given."""
    if not argv:
        raise CommandRefused("command-empty", "there is no command; name a program")
    size = sum(map(len, argv))
    if len(argv) > most_words or size > most_chars:
        raise CommandRefused(
            "command-size",
            f"{len(argv)} arguments of {size} characters; at most {most_words} and {most_chars} "
            "(settings: limit_argv_items, limit_command_chars)",
        )
    for word in argv:
        if any(_is_unfit(character) for character in word):
            raise CommandRefused(
                "command-control", "an argument has control characters or is not text; remove them"
            )


def _is_unfit(character: str) -> bool:
    if character.isprintable() or character in _PLAIN_CONTROLS:
        return False
    return unicodedata.category(character) in {"Cc", "Cs"}


class _Mark(NamedTuple):
    """A character and where it stands."""

    character: str
    #: what it stands in: nothing, a quote mark, or a backslash before it, within a quote or not
    quote: str
    #: whether its word, and whether the command, begins with it
    is_first: bool
    is_very_first: bool
    #: the characters beside it; none at the ends
    before: str
    after: str


def _marks(command: str) -> Iterator[_Mark]:
    """Every character but the quote marks themselves."""
    quote = ""
    word_has_begun = command_has_begun = False
    for at, character in enumerate(command):
        mark = _Mark(
            character,
            quote,
            not word_has_begun,
            not command_has_begun,
            command[at - 1 : at] if at else "",
            command[at + 1 : at + 2],
        )
        if quote in {"\\", '"\\'}:
            yield mark
            quote = quote[:-1]
        elif character == "\\" and quote != "'":
            yield mark
            quote += "\\"
        elif character == quote:
            quote = ""
        elif not quote and character in "'\"":
            quote = character
        else:
            yield mark
        word_has_begun = bool(quote or mark.quote) or character not in _BLANKS
        command_has_begun = command_has_begun or word_has_begun


def _check(mark: _Mark) -> None:
    character, quote = mark.character, mark.quote
    in_quotes = quote in {"'", '"'}
    if in_quotes and character in _PLAIN_CONTROLS:
        return
    if character in "\r\n":
        raise CommandRefused("command-lines", f"a command is one line; {_WAY_OUT}")
    if not character.isprintable() and _is_hidden(character, in_quotes):
        raise CommandRefused("command-control", "the command has characters that cannot be seen; remove them")
    if _acts(mark):
        raise CommandRefused("command-shell", f"{character} means something to a shell; {_WAY_OUT}")


def _acts(mark: _Mark) -> bool:
    """Whether a shell would act upon it."""
    character, quote = mark.character, mark.quote
    if quote in {'"', '"\\'}:
        return character in _IN_DOUBLE_QUOTES
    if quote or character not in METACHARACTERS | _IN_PLACES:
        return False
    if character == "~":
        return mark.is_first or mark.before in {"=", ":"}
    if character == "#":
        return mark.is_first
    if character == "!":
        return mark.is_very_first or mark.after not in {"", " ", "\t", "="}
    return True


def _is_hidden(character: str, in_quotes: bool) -> bool:
    category = unicodedata.category(character)
    if in_quotes:
        return category in {"Cc", "Cs"}
    return character != "\t" and category in _UNSEEN | {"Cs"}
