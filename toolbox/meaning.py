"""Whether a request asks for a thing to be done, so that a command may do it, or only speaks of it.

A command is run only where the request is put as one for it: after a short polite lead it calls the tool by
name, or begins as an example of the tool does, or with a verb that the tool knows. Everything else a model
reads, and so what holds a word that forbids, puts off, makes a condition or only supposes. Some that do ask
for it are held back as well: they cost a model call, the other mistake runs what nobody wanted.
"""

from __future__ import annotations

import re
from typing import Final

from toolbox.beginning import LEAD, begins_as, begins_with_a_deed, begins_with_its_deed
from toolbox.tool import PROMPT, Tool
from toolbox.words import plain_words

#: Words after which a request may be for anything but the deed it names.
_AGAINST: Final = re.compile(
    r"\b(?:not|never|no|hardly|rarely|seldom|nicht|nein|keine?n?|ikke|niet|jamais|nunca|нет|не|cannot"
    r"|without|instead|rather than|avoid|refrain|stop|except|unless|nor"
    r"|neither|dont|cant|wont|(?:do|does|did|is|are|was|were|wo|would|ca|could|should|must|need|has|have"
    r"|had|ai)n['\u2019]?t"
    r"|no ?(?:one|body)|nothing|nowhere|(?:under|in) no \w+|no (?:way|need)"
    r"|(?:forbid|prohibit|disallow|ban|banned|forbad|prevent|refus|declin|postpon|delay|undo|revert)"
    r"(?:s|es|ed|ing|e|de|den|ding|ning)?|off[- ]limits|illegal|taboo|leave \w+(?: \w+){0,3} alone|hands off"
    r"|before|until|till|after|if|whether|when|whenever|once|in case|provided|hold (?:off|on|it)|wait|later"
    r"|ask (?:me|us|first)|already|hypothetically|supposedly|theoretically|imagine|suppose|pretend"
    r"|for example|as an example|for instance|in a sentence|kidding|joking|jk|lol|haha"
    r"|would|should|might|ought|is|are|was|were|expla(?:in|nation)s?|describe|why|who"
    r"|how (?:to|do|does|would|can|should)|what (?:does|is|it|if|would|happens)"
    r"|sa(?:ys|id|ying)|claims?|disagree|wrong|mistake|dangerous|risky|risks?|safe(?:ly)?|means?|meant|pros|cons"
    r"|but|other than|apart from|excluding|yes or|then|afterwards"
    r"|tomorrow|tonight|someday|sometime|eventually|soon|next (?:week|month|year|time)|daily|weekly"
    r"|on (?:mon|tues|wednes|thurs|fri|satur|sun)days?|every (?:day|hour|night|week|month)"
    r"|at (?:\d{1,2}(?::\d\d)? ?(?:am|pm)|noon|midnight)|in \d+ (?:minutes?|hours?|days?|weeks?)"
    r"|(?:the|an?|any|all|my|our|your) (?:idea|thought|plan|intention|reason|phrase|sentence|paragraph"
    r"|comment|mention|story|poem|essay|script|function|program)s?)\b",
    re.IGNORECASE,
)
#: What may stand in quotes, and politeness behind a request.
_QUOTED: Final = re.compile(r"\"[^\"\n]{0,400}\"|'[^'\n]{0,400}'|`[^`\n]{0,400}`")
_THANKS: Final = re.compile(
    r"\W*(?:(?:please|thanks?|thank you|thx|cheers|now|at once|for me)\W*)*", re.IGNORECASE
)
#: What parts one sentence from the next.
_ENDS: Final = re.compile(r"[.!?;](?=\s)|\n")
#: A question mark that ends a sentence, not one inside an address.
_ASKS: Final = re.compile(r"\?(?=[\"'\u201d)\]]*(?:\s|$))")
#: How a question begins.
_OPENS_QUESTION: Final = frozenset(
    {
        "what",
        "which",
        "who",
        "whom",
        "whose",
        "where",
        "when",
        "why",
        "how",
        "is",
        "are",
        "was",
        "were",
        "am",
        "do",
        "does",
        "did",
        "has",
        "have",
        "had",
        "can",
        "could",
        "may",
        "might",
        "shall",
        "should",
        "will",
        "would",
        "must",
    }
)
#: Verbs that call the tool named behind them.
_CALLS: Final = frozenset(
    {"use", "run", "call", "start", "launch", "execute", "apply", "invoke", "try", "ask"}
)
#: Words that may stand behind the name of a tool that is called; other words may say something of it.
_BEHIND_NAME: Final = frozenset(
    {"with", "on", "for", "to", "from", "in", "at", "over", "now", "please", "again", "of", "and"}
)
#: A word that is something to use a tool on, or no word at all.
_NO_WORD: Final = re.compile(r"\W*(?:$|[:,;.!?\n])|\s+[\"'`]|\s+\S*[./\d_@\\-]")


def speaks_against(request: str, tool: Tool) -> str:
    """Why no command of a tool may answer a request, in a few words; empty where one may.

    What the tool's own examples say is asked for when a request says it so.
    """
    lead = LEAD.match(request)
    said = request[lead.end() if lead else 0 :].lstrip()
    if _hands_over(said, tool):
        return ""
    usual = {word for each in tool.examples for word in _against(each)}
    against = next((word for word in _against(said) if word not in usual), None)
    if against is not None:
        return f"the prompt says {against!r}"
    if not said[:1].isalnum() and not _calls(said, tool.name):
        return "the prompt does not begin with a word"
    if _has_more_sentences(said):
        return "the prompt says more than one thing"
    if _ASKS.search(request) and not (lead and lead["asks"]):
        is_put_so = any(begins_as(said, each) for each in tool.examples if _is_question(each))
        return (
            "" if is_put_so else "the prompt is a question, and no example of the tool is one that begins so"
        )
    return _why_no_request(said, tool)


def _why_no_request(said: str, tool: Tool) -> str:
    """Why a prompt that is no question does not begin as a request for the tool; empty where it does."""
    if _is_about(said, tool.name):
        return "the prompt speaks of it and does not call it"
    if _calls(said, tool.name) or any(begins_as(said, each) for each in tool.examples):
        return ""
    if begins_with_its_deed(said, tool) or _is_done_with(said, tool.name):
        return ""
    return f"the prompt does not begin as a request for it does: {' '.join(said.split()[:3])[:40]!r}"


def _against(text: str) -> list[str]:
    return [" ".join(found[0].lower().split()) for found in _AGAINST.finditer(text)]


def _has_more_sentences(said: str) -> bool:
    """Whether something but thanks stands behind the first sentence: a command would answer half of it."""
    bare = _QUOTED.sub("x", said)
    end = _ENDS.search(bare)
    return end is not None and _THANKS.fullmatch(bare[end.end() :]) is None


def _hands_over(said: str, tool: Tool) -> bool:
    """Whether a request is the tool's name, a colon, and what the tool is given to read."""
    form = rf"(?:(?:ask|use|run|call)\s+)?[\"'`]?{re.escape(tool.name)}[\"'`]?\s*:"
    is_reader = tool.profile is not None or PROMPT in tool.slots
    return is_reader and re.match(form, said, re.IGNORECASE) is not None


def _calls(said: str, name: str) -> bool:
    """Whether a request begins with the tool's name, called by a verb, or bare and nothing said of it."""
    verbs = "|".join(sorted(_CALLS))
    called = rf"({verbs})?\s*(?:(?<=\s)(?:the\s+)?(?:tool\s+)?)?[\"'`]?{re.escape(name)}(?![\w-])[\"'`]?"
    found = re.match(called, said, re.IGNORECASE)
    if found is None:
        return False
    rest = said[found.end() : found.end() + 400]
    behind = plain_words(rest)[:1]
    return not behind or behind[0] in _BEHIND_NAME or _NO_WORD.match(rest) is not None


def _is_done_with(said: str, name: str) -> bool:
    """Whether a request begins with a verb and has the tool named as what it is to be done with."""
    called = rf"(?:the\s+)?[\"'`]?{re.escape(name)}(?![\w-])"
    means = rf"(?<!ed)(?<!made|done)(?<!written)\s(?:with|by|using|via)\s+{called}"
    return begins_with_a_deed(said) and re.search(means, said, re.IGNORECASE) is not None


def _is_about(said: str, name: str) -> bool:
    """Whether a request begins with the tool's name and goes on to say something of it."""
    return re.match(rf"{re.escape(name)}(?![\w-])", said, re.IGNORECASE) is not None and not _calls(
        said, name
    )


def _is_question(example: str) -> bool:
    first = plain_words(example)[:1]
    return "?" in example or bool(_OPENS_QUESTION & set(first))
