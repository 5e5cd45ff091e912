"""The must-nots of a task that runs as one: those of its own words that are plainly orders about its result.

A part is held to the intent of the whole, which was read when it was split. A task that runs as one is held
to what its prompt forbids, read when its answer is judged, and only where nothing but an order can be meant.
A sentence about what others never do, one inside a text that is handed over, or a word that means something
else in a program says nothing about the answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from planning.intent import extract
from review.intent_critic import NEGATION

#: Characters of the longest prompt that is looked at; longer ones are mostly texts that are handed over.
MOST_CHARS: Final = 20_000

#: The prompt is about a text that may stand in it; then only what comes before any text counts.
_ABOUT_A_TEXT: Final = re.compile(
    r"\b(?:summar|translat|rewrit|rewrote|rephras|reword|paraphras|proofread|edit|correct|review|classif|analy"
    r"|extract|shorten|simplif|improv|polish|repl(?:y|ies)|respond|answer (?:the|this)|fix|convert|explain"
    r"|comment on|complet|continu|format|quot|categori|mark|grade|below\b|follow(?:s|ing)\b|above\b)",
    re.IGNORECASE,
)
_ABOUT_A_PROGRAM: Final = re.compile(
    r"\b(?:code|program|script|function|class|method|module|api|sql|query|python|javascript|typescript|java"
    r"|rust|golang|bash|shell|c\+\+|html|css|json|yaml|toml|regex|algorithm|component|test)s?\b",
    re.IGNORECASE,
)
_IN_A_PROGRAM: Final = re.compile(
    r"\b(?:lists?|tables?|links?|urls?|brackets?|parenthes[ei]s|html|tags?|digits?|numerals?|semicolons?"
    r"|headings?|names?|nam(?:e|ing)|words?|terms?|mention(?:ing)?)\b",
    re.IGNORECASE,
)
_LABEL: Final = re.compile(
    r"\W*(?:please|note|important|remember|nb|rules?|style|format|tone|constraints?|requirements?"
    r"|restrictions?|limits?)\W*:",
    re.IGNORECASE,
)
_HEAD: Final = re.compile(r"(?:^\W*|\bbut\s+)(?:please\s+|also\s+)*\Z", re.IGNORECASE)
_CLAUSE: Final = re.compile(r"(?:[,;]|\band|\bor)\s+(?:please\s+|also\s+|then\s+)*\Z", re.IGNORECASE)
_RESULT: Final = re.compile(
    r"\b(?:it|you|(?:answer|text|output|result|response|summary|page|piece|article|essay|story|poem|haiku"
    r"|limerick|letter|e-?mail|message|note|report|ad|advert|advertisement|post|tweet|headline|title|slogan"
    r"|description|copy|draft|document|paragraph|list|speech|release|bio|caption)s?(?:\s+(?:that|which))?)"
    r"\s+(?:(?:must|should|may|shall|can)\s+)?\Z",
    re.IGNORECASE,
)
_OF_OTHERS: Final = re.compile(
    r"\b(?:why|how|whether|because|who|whom|whose|if|when|where|what|unless|say(?:s|ing)?|said|tell(?:s|ing)"
    r"|told|explain\w*|stat(?:es?|ing)|remind\w*|polic(?:y|ies)|laws?|rules?|advice|advis\w+)\b",
    re.IGNORECASE,
)
_FREE: Final = re.compile(r"without|leave out|exclude|avoid|refrain|no\b", re.IGNORECASE)


def own_must_nots(prompt: str) -> tuple[str, ...]:
    """The must-nots of a prompt that are plainly orders about what is to be answered."""
    if len(prompt) > MOST_CHARS or not NEGATION.search(prompt):
        return ()
    return tuple(_orders(_own_part(prompt), is_program=bool(_ABOUT_A_PROGRAM.search(prompt))))


def _own_part(prompt: str) -> str:
    """The prompt up to where a text may begin that it is about."""
    if not _ABOUT_A_TEXT.search(prompt):
        return prompt
    return prompt.strip().partition("\n")[0].partition(":")[0]


def _orders(words: str, *, is_program: bool) -> Iterator[str]:
    for rule in extract(words).must_nots:
        if is_order(rule) and not (is_program and _IN_A_PROGRAM.search(rule)):
            yield rule


def is_order(rule: str) -> bool:
    """Whether a sentence with a negation can only mean that the answer must not have something."""
    found = NEGATION.search(rule)
    if found is None:
        return False
    label = _LABEL.match(rule)
    before = rule[label.end() if label else 0 : found.start()]
    if _HEAD.search(before):
        return True
    if ":" in before or _OF_OTHERS.search(before):
        return False
    return bool(_CLAUSE.search(before) or _RESULT.search(before) or _FREE.match(found[0]))
