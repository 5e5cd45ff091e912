"""One imperative that asks for several things: "write a summary and a poem", "for each of A, B and C".

Such a clause becomes as many as it names things, each with the verb, and with what the sentence says of all
of them. A thing is named by an indefinite article, by a number, or by nothing but a name; what is described
at more length than that ("a story about a cat and a dog") is one thing.
"""

from __future__ import annotations

import re
from typing import Final

from planning.imperatives import count_words, read_head
from planning.lexicon import CREATING, INDEFINITE, PREPOSITIONS
from planning.masking import HIDDEN, SPACE, Words

_AND: Final = re.compile(r"\s*,\s*(?:and\s+)?|\s+and\s+|\s*;\s*", re.IGNORECASE)
_OBJECT: Final = re.compile(r"\s+(?:me\s+|us\s+)?", re.IGNORECASE)
_NAME: Final = re.compile(rf"[A-Z]|[\w-]+\.[a-z][a-z0-9]{{0,4}}|{HIDDEN}+")
_PREPOSITION: Final = re.compile(rf"\b(?:{'|'.join(sorted(PREPOSITIONS))})\b", re.IGNORECASE)
#: What is said at the end of all the things alike: what they are made from, or about what was before.
_COMMON: Final = re.compile(
    r"(?:about|from|using|based)\b|(?:on|for|of|with|in|to|against)\s+(?:it|them|this|that|these|those|both)\b",
    re.IGNORECASE,
)
_EACH: Final = re.compile(r"\bfor\s+each\s+of\s+", re.IGNORECASE)
_LEAD: Final = re.compile(r"(?:(?:the\s+following|these)\b(?:\s+[\w-]+){0,3}|[^:,]{1,60}):\s*", re.IGNORECASE)
#: "for each of the following (things)", where a list names them.
EACH_FOLLOWING: Final = re.compile(
    r"\bfor\s+each\s+(?:of\s+(?:the\s+following|these)|of\s+them\s+below)\b(?:\s+(?!,)[\w-]+){0,2}?(?=[,:]|\s*\Z)",
    re.IGNORECASE,
)
MOST_WORDS: Final = 6  # of a thing, and of a name


def spread(clause: Words, verb: int, action: str) -> list[Words]:
    """The clauses that a clause stands for, whose verb stands at `verb`; one where it asks for one thing."""
    fanned = _fan_out(clause)
    if len(fanned) > 1:
        return fanned
    return _objects(clause, verb, action) if action in CREATING else [clause]


def has_each(masked: str, start: int, end: int) -> bool:
    """Whether something is asked for each of several things."""
    return _EACH.search(masked, start, end) is not None


def _fan_out(clause: Words) -> list[Words]:
    """What ends with "for each of A, B and C", once for each; else the clause as it is."""
    found = _EACH.search(clause.masked)
    names = read_names(clause[found.end() :]) if found else []
    return [for_name(clause[: found.end()], found, name) for name in names] if found and names else [clause]


def fan_out_ahead(sentence: Words) -> list[Words]:
    """What begins with "For each of A, B and C, write X", once for each; none where nothing does."""
    found = _EACH.match(sentence.masked)
    if found is None:
        return []
    for comma in re.finditer(r"[,:]\s+", sentence.masked):
        names = read_names(sentence[found.end() : comma.start()])
        if names and read_head(sentence.masked, comma.end(), len(sentence.masked)).action:
            whole = sentence[: found.end()] + sentence[comma.start() :]
            return [for_name(whole, found, name) for name in names]
    return []


def for_name(clause: Words, each: re.Match[str], name: Words) -> Words:
    """A clause that is asked for each of several, for one of them."""
    word = clause[each.start() : each.start() + len("for")]
    rest = clause[each.end() :]
    return clause[: each.start()] + word + SPACE + name + rest


def read_names(words: Words) -> list[Words]:
    """The names that a text lists, at least two and each once; none where it says more than names."""
    lead = _LEAD.match(words.masked)
    listed = words[lead.end() :] if lead else words
    names = [name.plain() for name in _split(listed.plain())]
    texts = {name.text.casefold() for name in names}
    is_good = len(names) > 1 and len(texts) == len(names) and all(_is_name(name.masked) for name in names)
    return names if is_good else []


def _is_name(masked: str) -> bool:
    return 0 < count_words(masked, 0, len(masked)) <= MOST_WORDS and not _PREPOSITION.search(masked)


def _split(words: Words) -> list[Words]:
    pieces, begin = [], 0
    for mark in _AND.finditer(words.masked):
        pieces.append(words[begin : mark.start()])
        begin = mark.end()
    return [*pieces, words[begin:]]


def _objects(clause: Words, verb: int, action: str) -> list[Words]:
    """What makes several new things, once for each: "a summary and a poem from it" are both from it."""
    gap = _OBJECT.match(clause.masked, verb + len(action))
    if gap is None:
        return [clause]
    pieces = _split(clause[gap.end() :])
    last, tail = _cut(pieces[-1])
    things = [*pieces[:-1], last]
    if len(things) < 2 or not all(_is_thing(thing.masked) for thing in things):
        return [clause]
    head = clause[: gap.end()]
    if not _COMMON.match(tail.masked.lstrip()):
        return [*(head + thing for thing in things[:-1]), head + last + tail]
    return [head + thing + tail for thing in things]


def _cut(words: Words) -> tuple[Words, Words]:
    """A thing, and what is said of it from the first preposition on, with the space before."""
    found = _PREPOSITION.search(words.masked)
    if found is None:
        return words, words[len(words.text) :]
    place = len(words.masked[: found.start()].rstrip())
    return words[:place], words[place:]


def _is_thing(masked: str) -> bool:
    if _NAME.fullmatch(masked):
        return True
    first, _, rest = masked.partition(" ")
    is_new = first.lower() in INDEFINITE or first.isdigit()
    return is_new and rest != "" and _is_name(rest)
