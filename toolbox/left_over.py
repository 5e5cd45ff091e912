"""What a request says beyond what a command of a tool answers.

A command runs only where nothing is left of a request once politeness, the values that were filled in and the
tool's own words are taken away. What else stands there, a word, a colon, brackets or a clause behind a comma,
may change what is wanted in ways that no list of words foresees; then a model reads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from toolbox.beginning import LEAD, forms_of
from toolbox.lexicon import shipped
from toolbox.tool import PROMPT, Tool
from toolbox.words import plain_words

#: Words for what a value is, and for where all commands run.
_PLAIN: Final = frozenset(
    {
        "file",
        "files",
        "folder",
        "folders",
        "directory",
        "path",
        "called",
        "named",
        "repo",
        "repository",
        "project",
        "workspace",
        "current",
        "working",
        "command",
        "tool",
        "thx",
        "cheers",
    }
)
_WORD: Final = re.compile(r"[^\W_]+")
#: What joins another thought to a request.
_JOINS: Final = re.compile(r"[:;()\[\]\u2013\u2014]|,(?=\s*\w)|\s-+\s")
_POLITE: Final = re.compile(
    r",\s*(?:(?:please|thanks?|thank you|thx|cheers|now|at once|for me)\W*)+\Z", re.IGNORECASE
)


def left_over(request: str, tool: Tool, values: Iterable[str]) -> str:
    """The first that is left of a request; empty where nothing is, or where the tool is given all of it.

    Parameters:
        request: the prompt.
        tool: the tool whose command would answer.
        values: what was filled into the command's slots.
    """
    if tool.profile is not None or PROMPT in tool.slots:
        return ""
    lead = LEAD.match(request)
    said = _POLITE.sub("", request[lead.end() if lead else 0 :].strip())
    for value in sorted(values, key=len, reverse=True):
        said = said.replace(value, " ", 1)
    own = " ".join((tool.name, tool.description, *tool.keywords, *tool.examples))
    joined = next((found[0] for found in _JOINS.finditer(said) if found[0] not in own), None)
    if joined is not None:
        return joined.strip()
    known = set(plain_words(own))
    return next(
        (word for word in map(str.casefold, _WORD.findall(said)[1:]) if not _is_known(word, known)), ""
    )


def _is_known(word: str, known: set[str]) -> bool:
    lexicon = shipped()
    alike = {word} | lexicon.alike.get(word, frozenset()) | lexicon.alike_asks.get(word, frozenset())
    if word in lexicon.silent or word in _PLAIN:
        return True
    return any(form in known for each in alike for form in forms_of(each)) or word.removesuffix("s") in known
