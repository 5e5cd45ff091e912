"""One imperative that asks for several things: "write a summary and a poem", "for each of A, B and C".

Such a clause becomes as many as it names things, each with the verb, and with what the sentence says of all
of them. A thing is named by an indefinite article, by a number, or by nothing but a name; what is described
at more length than that ("a story about a cat and a dog") is one thing.
"""

from __future__ import annotations

import re
from typing import Final

from planning.imperatives import count_words, read_head
from planning.lexicon import CREATING, INDEFINITE, PREPOSITIONS, TEXTS
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
_FROM_IT: Final = re.compile(
    r"\s+(?:from|based on|about|on|using)\s+(?:it|them|this|that|these|those|both)\s*\Z", re.IGNORECASE
)
_EACH: Final = re.compile(r"\bfor\s+each\s+of\s+", re.IGNORECASE)
_LEAD: Final = re.compile(r"(?:(?:the\s+following|these)\b(?:\s+[\w-]+){0,3}|[^:,]{1,60}):\s*", re.IGNORECASE)
#: "for each of the following (things)", where a list names them.
EACH_FOLLOWING: Final = re.compile(
    r"\bfor\s+each\s+(?:of\s+(?:the\s+following|these)|of\s+them\s+below)\b(?:\s+(?!,)[\w-]+){0,2}?(?=[,:]|\s*\Z)",
    re.IGNORECASE,
)
#: Words by which one of several things speaks of the others.
_OTHERS: Final = re.compile(r"\b(?:both|the two|all (?:of them|three|four)|it|them)\b", re.IGNORECASE)
_THEN: Final = re.compile(
    r"\s*,?\s*(?:and\s+)?(?:then|after that|finally)\s+(?=(?:an?|the)\s)", re.IGNORECASE
)
_INTO: Final = re.compile(r"\b(?:in)?to\s+(?=[A-Z])")
_PLURAL: Final = re.compile(r"(?:[a-z-]+ )?[a-z-]{2,}s")
MOST_WORDS: Final = 6  # of a thing, and of a name


def spread(clause: Words, verb: int, action: str) -> list[Words]:
    """The clauses that a clause stands for, whose verb stands at `verb`; one where it asks for one thing."""
    fanned = _fan_out(clause)
    if len(fanned) > 1:
        return fanned
    if action == "translate":
        return _languages(clause)
    return _objects(clause, verb, action) if action in CREATING else [clause]


def has_each(masked: str, start: int, end: int) -> bool:
    """Whether something is asked for each of several things."""
    return _EACH.search(masked, start, end) is not None


def has_names(masked: str, start: int, end: int) -> bool:
    """Whether something is asked for each of several things that are named."""
    found = _EACH.search(masked, start, end)
    return found is not None and bool(read_names(Words(masked[found.end() : end], masked[found.end() : end])))


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


def _languages(clause: Words) -> list[Words]:
    """What is translated into several languages, once for each."""
    into = list(_INTO.finditer(clause.masked))
    names = read_names(clause[into[-1].end() :]) if into else []
    if not names or not all(name.masked[:1].isupper() for name in names):
        return [clause]
    return [clause[: into[-1].end()] + name for name in names]


def in_turn(clause: Words, verb: int, action: str) -> list[Words]:
    """What makes one text, then another: "write an outline, then the first scene"; else the clause."""
    gap = _OBJECT.match(clause.masked, verb + len(action)) if action in CREATING else None
    if gap is None:
        return [clause]
    pieces, begin = [], gap.end()
    for mark in _THEN.finditer(clause.masked, gap.end()):
        pieces.append(clause[begin : mark.start()])
        begin = mark.end()
    pieces.append(clause[begin:].plain())
    if len(pieces) < 2 or not all(_is_text(piece.masked, is_known=True) for piece in pieces):
        return [clause]
    return [clause[: gap.end()] + piece for piece in pieces]


def _objects(clause: Words, verb: int, action: str) -> list[Words]:
    """What makes several new things, once for each: "a summary and a poem from it" are both from it."""
    gap = _OBJECT.match(clause.masked, verb + len(action))
    if gap is None:
        return [clause]
    pieces = _split(clause[gap.end() :])
    last, tail = _cut(pieces[-1])
    things = [*pieces[:-1], last]
    head = clause[: gap.end()]
    if not _are_things(things):
        return _texts(head, pieces) if _are_texts(pieces) else [clause]
    if not _COMMON.match(tail.masked.lstrip()):
        return [*(head + thing for thing in things[:-1]), head + last + tail]
    return [head + thing + tail for thing in things]


def _are_things(things: list[Words]) -> bool:
    """Whether each is a new thing; behind one, "keywords" is one too."""
    if len(things) < 2 or not _is_thing(things[0].masked):
        return False
    return all(_is_thing(thing.masked) or _PLURAL.fullmatch(thing.masked) for thing in things)


def is_alike(things: list[Words]) -> bool:
    """Whether the clauses that one became are the same but for a name, so that none speaks of another."""
    return not any(_OTHERS.search(thing.masked) for thing in things[1:])


def _are_texts(pieces: list[Words]) -> bool:
    """Whether each piece is a text or the like of its own: "a test for A, and a guide that explains both"."""
    texts = sum(_is_text(piece.masked) for piece in pieces)
    are_new = all(piece.masked.strip().partition(" ")[0].lower() in INDEFINITE for piece in pieces)
    return texts > 1 and (texts == len(pieces) or are_new)


def _is_text(masked: str, *, is_known: bool = False) -> bool:
    """Whether words name a text; `is_known`: one that is spoken of as known, too."""
    first, _, rest = masked.strip().partition(" ")
    is_one = first.lower() in INDEFINITE or first.isdigit() or (is_known and first.lower() == "the")
    found = _PREPOSITION.search(rest)
    named = re.findall(r"[\w.-]+", rest[: found.start()] if found else rest)
    if not is_one or not 0 < len(named) <= MOST_WORDS:
        return False
    return _NAME.fullmatch(named[-1]) is not None or named[-1].lower().removesuffix("s") in TEXTS


def _texts(head: Words, pieces: list[Words]) -> list[Words]:
    """A clause for each text; "from it" at the end of the last holds for all of them."""
    end = _FROM_IT.search(pieces[-1].masked)
    tail = pieces[-1][end.start() :] if end else pieces[-1][len(pieces[-1].text) :]
    return [*(head + piece + tail for piece in pieces[:-1]), head + pieces[-1]]


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
    is_one = first.lower() in INDEFINITE or first.isdigit()
    return is_one and rest != "" and _is_name(rest)


def read_things(words: Words, *, are_texts: bool = False) -> list[Words]:
    """The new things that a text lists, at least two; none where it says something else.

    `are_texts`: only texts count.
    """
    pieces = [piece.plain() for piece in _split(words.plain())]
    are_good = _are_texts(pieces) if are_texts else len(pieces) > 1 and all(map(is_new, pieces))
    return pieces if are_good else []


def is_new(words: Words) -> bool:
    """Whether words name one new thing: "a slogan", "An analysis of the risks"."""
    return bool(_is_thing(words.masked) or _is_text(words.masked))


def read_ones(words: Words) -> list[Words]:
    """What is said of each of several: "one to Ann and one to Bob"; none where it says something else."""
    pieces = [piece.plain() for piece in _split(words.plain())]
    ones = [piece[len("one ") :] for piece in pieces if piece.masked[:4].lower() == "one "]
    return ones if len(pieces) == len(ones) > 1 else []
