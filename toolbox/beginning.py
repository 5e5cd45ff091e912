"""How a request begins: after a polite lead, as an example of a tool does, or with a verb the tool knows."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator
from typing import Final

from toolbox.lexicon import shipped
from toolbox.tool import SLOT, Tool
from toolbox.words import plain_words

#: What may stand in front of what is asked, itself the beginning of a question or not.
LEAD: Final = re.compile(
    r"\s*(?:(?:please|pls|plz|kindly|hey|hi|hello|skep|now|so|ok|okay|just|quickly|let['\u2019]?s"
    r"|go ahead and|i (?:want|need) you to|i['\u2019]d like you to|"
    r"(?P<asks>(?:can|could) you|(?:would|will) you (?:please|kindly)))\b[\s,:!]*){1,6}",
    re.IGNORECASE,
)
_ARTICLES: Final = frozenset({"a", "an", "the", "my", "our", "this", "that", "me", "us", "all", "of"})
#: Words of an example that are compared; what is asked for stands at its beginning.
_MOST_WORDS: Final = 8
#: Characters of a request of which the beginning is read.
_MOST_CHARS: Final = 400


def begins_as(said: str, example: str) -> bool:
    """Whether a request begins as an example does, up to the first word of it that tells something."""
    opening = list(_opening(example))
    words = _words(said)
    return bool(opening) and words[: len(opening)] == opening


def _opening(example: str) -> Iterator[str]:
    """The words of an example up to the first that says something, or to its first slot."""
    silent = shipped().silent
    lead = LEAD.match(example)
    fixed = SLOT.split(example[lead.end() if lead else 0 :])[0]
    for word in _words(fixed)[:_MOST_WORDS]:
        yield word
        if word not in silent:
            return


def _words(text: str) -> list[str]:
    return [word for word in plain_words(text[:_MOST_CHARS]) if word not in _ARTICLES]


def begins_with_its_deed(said: str, tool: Tool) -> bool:
    """Whether a request begins with a verb that the tool's own words have, in one form or another."""
    deed, lexicon = next(iter(_words(said)), ""), shipped()
    if not begins_with_a_deed(said):
        return False
    known = {deed} | lexicon.alike.get(deed, frozenset())
    begun = {word for text in (tool.name, tool.description, *tool.examples) for word in _words(text)[:1]}
    begun.update(word for text in tool.keywords for word in _words(text))
    alike = lexicon.alike_asks.get(deed, frozenset())
    told = set(_words(tool.description))
    return _has_form_of(known | alike, begun) or any(told & (forms_of(verb) - {verb}) for verb in known)


def begins_with_a_deed(said: str) -> bool:
    """Whether a request begins with a verb that asks for something to be done."""
    return next(iter(_words(said)), "") in shipped().deeds | shipped().asks


def _has_form_of(verbs: Iterable[str], told: Container[str]) -> bool:
    return any(form in told for verb in verbs for form in forms_of(verb))


def forms_of(verb: str) -> set[str]:
    """A verb as it is written when it tells what a tool does."""
    stem = verb.removesuffix("e")
    ies = verb[:-1] + "ies" if verb.endswith("y") else verb + "s"
    return {verb, verb + "s", verb + "es", ies, stem + "ing", verb + verb[-1:] + "ing"}
