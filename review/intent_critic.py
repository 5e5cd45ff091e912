"""Where the result of a part has left the intent of the whole: what it violates, and what only differs.

A must-not that the words of the ask state and that can be told from the letters of the answer rejects it.
Everything else that differs, a limit passed or a must-not that only a model named, is noted and rejects
nothing: what cannot be proved is not held against a result.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from review.forms import FORMS, UNITS, count, has_form

#: A result shorter than this is not looked through for what it is about.
LEAST_CHARS: Final = 200
LEAST_TOPICS: Final = 3

NEGATION: Final = re.compile(
    r"\b(?:(?:do|does|must|should|may|shall) not|(?:do|does|must|should)n['’]?t|never|cannot|can['’]?t|avoid"
    r"|without|leave out|exclude|refrain from|no)\b",
    re.IGNORECASE,
)
_END: Final = re.compile(r"[.;]\s|[.;]\Z|\bbut\b|\Z", re.IGNORECASE)
#: What makes a must-not hold only sometimes; then nothing is proved by a look.
_CONDITION: Final = re.compile(
    r"\b(?:except|unless|if|when|only|too many|excessive(?:ly)?|more|other than|any of the)\b", re.IGNORECASE
)
#: What turns a negation before it around: "do not forget to mention honey" asks for honey.
_TURNED: Final = re.compile(
    r"\b(?:forget(?:ting)?|fail(?:ing)?|omit(?:ting)?|miss(?:ing)?|neglect(?:ing)?|hesitat(?:e|ing)"
    r"|refus(?:e|ing)|without)\b",
    re.IGNORECASE,
)
_SCOPE: Final = re.compile(r"\s+in(?:side)? the (?:\w+ )??(\w+)(?=[.,;!]|\s*\Z)", re.IGNORECASE)
_WHOLE: Final = frozenset({"answer", "text", "output", "result", "response", "whole", "document"})
_NAMING: Final = re.compile(
    r"(?:\b(?P<verb>mention(?:ing)?|nam(?:e|ing)|us(?:e|ing) the (?:words?|phrases?|terms?|names?)"
    r"|(?:say(?:ing)?|contain(?:ing)?) the (?:words?|phrases?)|say(?:ing)?)|\A\s*the (?:words?|phrases?))"
    r"\s+(?:of\s+)?(?P<words>.+)",
    re.IGNORECASE | re.DOTALL,
)
_QUOTED: Final = re.compile(r"[\"“„«‘'`]([^\"”“»’'`\n]{1,80})[\"”“»’'`]")
#: What stands around the name of a form; between other words it may be anything.
_USING: Final = re.compile(
    r"(?:us(?:e|ing)|includ(?:e|ing)|add(?:ing)?|contain(?:ing)?|insert(?:ing)?|writ(?:e|ing)|put(?:ting)?"
    r"|hav(?:e|ing))\s+",
    re.IGNORECASE,
)
_AROUND: Final = re.compile(
    r"\s+(?:at all|anywhere|whatsoever|of any kind|please|in (?:the|your|any) \w+)\s*$", re.IGNORECASE
)
_OR: Final = re.compile(r"\s*,\s*(?:or\s+|and\s+)?|\s+(?:or|and|nor)\s+", re.IGNORECASE)
LEAST_LETTERS: Final = 4
_POINTING: Final = frozenset(
    {
        *(
            "anyone",
            "anybody",
            "anything",
            "data",
            "dates",
            "details",
            "either",
            "everything",
            "facts",
            "figures",
        ),
        *("information", "names", "numbers", "other", "others", "people", "persons", "places", "reasons"),
        *(
            "sources",
            "some",
            "someone",
            "something",
            "that",
            "them",
            "these",
            "things",
            "this",
            "those",
            "yourself",
        ),
    }
)
_LITERAL: Final = re.compile(r"(?:any\s+|the\s+|our\s+|their\s+|its\s+|a\s+|an\s+)?([\w-]+(?:\s[\w-]+)?)")
_AMOUNT: Final = (
    r"(\d{1,6})(?:\s+|-)(?:\w+\s+){0,1}?"
    r"(words?|characters?|sentences?|lines?|paragraphs?|bullet points?)\b(?!\s+each)"
)
_MOST: Final = re.compile(
    rf"\b(?:at most|no more than|not more than|no longer than|up to|under|below|within|fewer than|less than"
    rf"|maximum(?: of)?|max\.?|limit(?:ed)? to|keep it to|in)\s+{_AMOUNT}",
    re.IGNORECASE,
)
_LEAST: Final = re.compile(
    rf"\b(?:at least|no fewer than|no less than|minimum(?: of)?)\s+{_AMOUNT}", re.IGNORECASE
)
_EXCEED: Final = re.compile(
    rf"\b(?:exceed|be longer than|(?:use|write|have) more than)\s+{_AMOUNT}", re.IGNORECASE
)
_INCLUDED: Final = re.compile(r"\b(?:mention|include|contain|name)s?\b", re.IGNORECASE)
_TOPIC: Final = re.compile(r"[A-Za-z][a-z]{4,}")
_TRANSLATED: Final = re.compile(r"\b(?:translat|in(?:to)? [A-Z])")


@dataclass(frozen=True, slots=True)
class Finding:
    """How a result leaves the intent."""

    #: why, in a sentence for a person and for the next prompt
    text: str
    #: whether a must-not of the task's own words is violated
    is_violation: bool


def compare(intent: Mapping[str, Any], own_words: str, answer: str) -> list[Finding]:
    """How an answer differs from an intent.

    Parameters:
        intent: as it is stored, with its `must_nots`, `constraints`, `acceptance` and what a model `added`.
        own_words: what the part asks for itself.
        answer: all of it.
    """
    added = set(_entries(intent, "added"))
    findings = [
        Finding(f"{what}, though it must not: {rule}", rule not in added)
        for rule in _entries(intent, "must_nots")
        for what in _violations(rule, own_words, answer)
    ]
    rules = [*_entries(intent, "constraints"), *_entries(intent, "acceptance")]
    findings += [Finding(f"{what}: {rule}", False) for rule in rules for what in _unmet(rule, answer)]
    about = " ".join([str(intent.get("goal") or ""), *_entries(intent, "deliverables"), own_words])
    return findings + [Finding(what, False) for what in _off_topic(about, answer)]


def _entries(intent: Mapping[str, Any], name: str) -> Sequence[str]:
    found = intent.get(name)
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def _violations(rule: str, own_words: str, answer: str) -> Iterator[str]:
    """What an answer has that a must-not forbids, as far as that can be seen."""
    scope = _SCOPE.search(rule)
    if scope and scope[1].lower() not in _WHOLE and scope[1].lower() not in own_words.lower():
        return
    rule = _SCOPE.sub("", rule)
    for found in NEGATION.finditer(rule):
        end = _END.search(rule, found.end())
        denied = rule[found.end() : end.start() if end else len(rule)]
        limit = _EXCEED.search(denied)
        if limit is not None:
            if not _TURNED.search(denied[: limit.start()]):
                yield from _over(limit, answer)
        elif not _CONDITION.search(denied):
            yield from _forms(denied, answer)
            yield from _names(denied, answer)
            return  # a second negation in one sentence is part of the first


def _forms(denied: str, answer: str) -> Iterator[str]:
    named = [_AROUND.sub("", _USING.sub("", each.strip())) for each in _OR.split(_QUOTED.sub(" ", denied))]
    for form in FORMS:
        if any(form.asked.fullmatch(each) for each in named) and has_form(answer, form):
            yield f"the answer has {form.name}"


def _names(denied: str, answer: str) -> Iterator[str]:
    naming = _NAMING.search(denied)
    if naming is None or _TURNED.search(denied[: naming.start()]):
        return
    words = naming["words"]
    plain = [found[1] for each in _OR.split(words.strip()) if (found := _LITERAL.fullmatch(each.strip()))]
    is_naming = (naming["verb"] or "").lower().startswith("nam")
    for literal in _QUOTED.findall(words) or [each for each in plain if _is_plain(each, is_naming)]:
        if re.search(rf"(?<!\w){re.escape(literal)}(?!\w)", answer, re.IGNORECASE):
            yield f"the answer mentions {literal!r}"


def _is_plain(word: str, is_naming: bool) -> bool:
    """Whether a word itself must not stand in an answer; "it" and "names" only point at what must not."""
    if word[:1].isupper():
        return True
    return not is_naming and len(word) >= LEAST_LETTERS and word.lower() not in _POINTING


def _unmet(rule: str, answer: str) -> Iterator[str]:
    """What a constraint asks for and an answer does not have."""
    for found in _MOST.finditer(rule):
        yield from _over(found, answer)
    for found in _LEAST.finditer(rule):
        unit = _unit(found[2])
        if count(answer, unit) < int(found[1]):
            yield f"the answer has only {count(answer, unit):,} {unit}s"
    if _INCLUDED.search(rule) and not NEGATION.search(rule):
        for literal in _QUOTED.findall(rule):
            if literal.casefold() not in answer.casefold():
                yield f"the answer does not mention {literal!r}"


def _over(found: re.Match[str], answer: str) -> Iterator[str]:
    unit = _unit(found[2])
    if count(answer, unit) > int(found[1]):
        yield f"the answer has {count(answer, unit):,} {unit}s"


def _unit(word: str) -> str:
    return next(unit for unit in UNITS if word.lower().startswith(unit))


def _off_topic(about: str, answer: str) -> Iterator[str]:
    """A long answer that has no word of what the whole is about."""
    topics = list(dict.fromkeys(found[0].lower() for found in _TOPIC.finditer(about)))
    if len(answer) < LEAST_CHARS or len(topics) < LEAST_TOPICS or _TRANSLATED.search(about):
        return
    lowered = answer.lower()
    if not any(topic[:5] in lowered for topic in topics):
        yield f"the answer speaks of none of: {', '.join(topics[:5])}"
