"""The lists of an ask: which of them are work, which hold for everything, and which are not clear."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from planning.blocks import Block
from planning.imperatives import is_rule, read_head
from planning.lexicon import SHARED_NAMES, STEPS_OF_WORK, UNDERTAKINGS, WORK_NAMES
from planning.masking import Words

Kind = Literal["work", "shared", "unsure"]

_NAME_WORD: Final = re.compile(r"[a-z][a-z'’-]*", re.IGNORECASE)
_IN_ORDER: Final = re.compile(
    r"\bsteps\b|\bin (?:this |the |that |exactly this )?(?:given |following |stated )?order\b"
    r"|\bone after (?:the other|another)\b|\bstep by step\b|\bsequence\b",
    re.IGNORECASE,
)
_HELP: Final = re.compile(r"(?:please\s+)?help\s+(?:me|us)\s+(?:to\s+)?", re.IGNORECASE)
#: Words after which a list tells what a thing is or does.
_CONTENTS: Final = re.compile(
    r"\b(?:that|which|who|whose|where|can|could|should|must|will|with|using|following|these|like|such as"
    r"|to(?!\s+(?:(?-i:[A-Z])|the\s)))\b",
    re.IGNORECASE,
)
#: Words of an introduction that only hand over to the list.
_FILLERS: Final = frozenset(
    """a an all are at below can could for finally following here i in is it like me my need of on please
    should that the then there these this to us want we will with would you your now
    two three four five six seven eight nine ten several some more
    order follow given complete perform carry out through by one after another each every sequence""".split()
)


@dataclass(frozen=True, slots=True)
class AskedList:
    """The items of one list with the words that introduce it, both spans of the ask."""

    items: tuple[Block, ...]
    #: start and end of the introduction; the same where there is none
    introduction: tuple[int, int]
    kind: Kind
    #: whether each item comes after the one before it
    is_ordered: bool


def read_list(
    ask: Words, items: Sequence[Block], introduction: tuple[int, int], *, is_lenient: bool
) -> AskedList:
    """Judge a list. `is_lenient`: a person asked for a split, so whatever is not clearly shared is work."""
    told = ask[introduction[0] : introduction[1]].masked
    kind = name_kind(told)
    verbs = [read_head(ask.masked, item.body, item.end).action for item in items]
    actions = [verb != "" for verb in verbs]
    rules = [is_rule(ask.masked, item.body, item.end) for item in items]
    if kind != "shared":
        is_clear = all(action or rule for action, rule in zip(actions, rules, strict=True))
        if not any(actions) and all(rules):
            kind = "shared"
        elif (
            (kind == "unsure" and all(actions) and (_are_steps(told, verbs) or _is_agenda(told)))
            or is_lenient
            or (kind == "work" and is_clear and sum(actions) > 1)
        ):
            kind = "work"
        else:
            kind = "unsure"
    is_ordered = is_in_order(told) or all(item.is_step for item in items)
    return AskedList(tuple(items), introduction, kind, is_ordered)


def is_in_order(masked: str) -> bool:
    """Whether an introduction says that one thing comes after another."""
    return _IN_ORDER.search(masked) is not None


def is_undertaking(masked: str) -> bool:
    """Whether words such as "Build a todo app:" name something whose steps follow them."""
    verb = _HELP.sub("", masked.lstrip())
    head = read_head(verb, 0, len(verb))
    return (
        masked.rstrip().endswith(":")
        and (head.action or verb.partition(" ")[0].lower()) in UNDERTAKINGS
        and not _CONTENTS.search(masked)
    )


def _are_steps(masked: str, verbs: Sequence[str]) -> bool:
    """Whether a list tells the steps of an undertaking; "Build a bot: answer ..." tells what it does."""
    return is_undertaking(masked) and set(verbs) <= STEPS_OF_WORK


def _is_agenda(masked: str) -> bool:
    """Whether words such as "Tasks for today:" begin with a name for work."""
    names = [found[0].lower() for found in _NAME_WORD.finditer(masked)]
    first = next((name for name in names if name not in _FILLERS), "")
    return masked.rstrip().endswith(":") and first in WORK_NAMES


def name_kind(words: str) -> Kind:
    """What a heading or introduction announces; none at all leaves it to what follows, as work."""
    names = [found[0].lower() for found in _NAME_WORD.finditer(words)]
    if any(name in SHARED_NAMES for name in names) and not set(names) & {"do", "tasks", "steps", "todo"}:
        return "shared"
    is_plain = all(name in WORK_NAMES or name in _FILLERS for name in names)
    return "work" if is_plain else "unsure"
