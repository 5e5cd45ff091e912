"""A split that a model proposes, held to the same bounds as one that is read from the words.

A model's answer is other people's words: its shape is checked, its size is bounded, its edges may not go in a
circle, and every deliverable that the words name must be found in one of its parts. What it says of the
intent is only ever added: nothing the words say is changed or left out.
"""

from __future__ import annotations

import graphlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Any, Final

import pydantic
from pydantic import AfterValidator, ConfigDict, Field, StrictInt, StrictStr

from planning.decomposition import Part, Split
from planning.intent import MOST_CHARS, MOST_ENTRIES, Intent, entry_of
from planning.lexicon import ACTIONS
from planning.material import stems_of

#: Characters of one part, and parts of one answer, that are read at all.
PART_CHARS: Final = 4_000
MOST_PARTS: Final = 200
#: Characters of an answer that are read at all.
ANSWER_CHARS: Final = 200_000
#: Of the words of a deliverable, the share that must stand in the part that makes it.
WORDS_KEPT: Final = 0.5

_VERBS: Final = stems_of(" ".join(ACTIONS))
_FENCED: Final = re.compile(r"\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*", re.DOTALL)
#: Words of a model may stand before its fence and behind it.
_ONE_FENCE: Final = re.compile(r"[^`{]*```(?:json)?[ \t]*\n([^`]*)```[^`{]*", re.IGNORECASE)
_MARKS: Final = re.compile(r"={3,}")


def _is_plain(text: str) -> str:
    """Text that the gateway would not refuse for its characters."""
    if any(not (letter.isprintable() or letter in "\n\t") for letter in text):
        raise ValueError("it holds a control character")
    return text


Entries = Annotated[
    list[Annotated[StrictStr, Field(min_length=1, max_length=MOST_CHARS), AfterValidator(_is_plain)]],
    Field(max_length=MOST_ENTRIES),
]


class BadProposal(Exception):
    """A model's answer cannot be used; `args` says why, for a person."""


class _Model(pydantic.BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Additions(_Model):
    """What a model adds to an intent."""

    #: what is to come of the whole
    deliverables: Entries = []
    #: what holds for all of it
    constraints: Entries = []
    #: what none of it may do; a model's rejects nothing
    must_nots: Entries = []
    #: when it is done
    acceptance: Entries = []


class ProposedPart(_Model):
    """One part, and the numbers of those it needs, from 1."""

    #: what is to be done
    text: Annotated[StrictStr, Field(min_length=1, max_length=PART_CHARS), AfterValidator(_is_plain)]
    #: numbers of the parts whose results it needs
    after: Annotated[
        list[Annotated[StrictInt, Field(ge=1, le=MOST_PARTS)]], Field(max_length=MOST_PARTS)
    ] = []


class Proposal(_Model):
    """Everything a model may say about a task."""

    #: what it adds to the intent
    intent: Additions = Additions()
    #: empty: the task is better done at once
    parts: Annotated[list[ProposedPart], Field(max_length=MOST_PARTS)] = []

    def texts(self) -> Iterator[tuple[str, str]]:
        """Every text of it that becomes part of a prompt, each with where it stands."""
        yield from ((f"parts[{at}].text", part.text) for at, part in enumerate(self.parts))
        for name in Additions.model_fields:
            yield from ((f"intent.{name}[{at}]", text) for at, text in enumerate(getattr(self.intent, name)))


def read_proposal(answer: str) -> Proposal:
    """The proposal in a model's answer; JSON in the one fence of it is taken alone. Raises `BadProposal`."""
    if len(answer) > ANSWER_CHARS:
        raise BadProposal(f"the answer has {len(answer):,} characters; up to {ANSWER_CHARS:,} are read")
    fenced = _FENCED.fullmatch(answer) or _ONE_FENCE.fullmatch(answer)
    try:
        return Proposal.model_validate_json(fenced[1] if fenced else answer)
    except pydantic.ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in found["loc"])
        raise BadProposal(f"the answer is no plan: {place.lstrip('.') or 'it'}: {found['msg']}") from None


def split_of(proposal: Proposal, ask: str, deliverables: Iterable[str], most: int) -> Split:
    """The split that a proposal makes of an ask, whose every word all of the parts share.

    Parameters:
        proposal: what the model said.
        ask: the task's words.
        deliverables: what the words ask for.
        most: parts at most.

    Raises `BadProposal`.
    """
    parts = proposal.parts
    if not 2 <= len(parts) <= most:
        raise BadProposal(f"it has {len(parts)} parts; from 2 to {most} are allowed (plan_max_subtasks)")
    texts = [" ".join(part.text.split()) for part in parts]
    if not all(texts) or len({text.casefold() for text in texts}) < len(texts):
        raise BadProposal("a part is empty, or two parts are the same")
    lost = lost_deliverables(texts, deliverables)
    if lost:
        raise BadProposal(f"no part makes what the task asks for: {lost[0]!r}")
    order = _in_order([part.after for part in parts])
    place = {number: at for at, number in enumerate(order)}
    ordered = tuple(
        Part(texts[number - 1], tuple(sorted({place[each] for each in parts[number - 1].after})))
        for number in order
    )
    return Split(ordered, ask, ("model",))


def _in_order(after: Sequence[Sequence[int]]) -> list[int]:
    """The numbers of the parts, each behind those it needs. Raises `BadProposal`."""
    unknown = next((each for needed in after for each in needed if each > len(after)), None)
    if unknown is not None:
        raise BadProposal(f"a part needs part {unknown}, which there is not")
    sorter = graphlib.TopologicalSorter(dict(enumerate(after, 1)))
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        circle = " -> ".join(str(each) for each in error.args[1])
        raise BadProposal(f"its parts wait for each other in a circle: {circle}") from None
    order: list[int] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        order += ready
        sorter.done(*ready)
    return order


def lost_deliverables(texts: Sequence[str], deliverables: Iterable[str]) -> list[str]:
    """What is asked for and made by no part: too few of the words that are its own stand in any one of them.

    A sentence that asks for several things may be spread over several parts, and then all of its words are.
    """
    known = [stems_of(text) for text in texts]
    everything = frozenset().union(*known)
    wanted = {each: stems_of(each) - _VERBS or stems_of(each) for each in deliverables}
    lost = []
    for each, words in wanted.items():
        others = frozenset().union(*(stems for other, stems in wanted.items() if other != each))
        own = words - others or words
        is_made = any(len(own & part) >= WORDS_KEPT * len(own) for part in known)
        if own and not is_made and not own <= everything:
            lost.append(each)
    return lost


def refine(intent: Intent, additions: Additions) -> Intent:
    """The intent with what a model adds behind it; every word of the task's own stays."""
    added: list[str] = []
    fields: dict[str, Any] = {}
    for name in Additions.model_fields:
        own: tuple[str, ...] = getattr(intent, name)
        known = {each.casefold() for each in own}
        fresh = [entry_of(_MARKS.sub("", each)) for each in getattr(additions, name)]
        new = [each for each in dict.fromkeys(fresh) if each and each.casefold() not in known]
        new = new[: max(0, MOST_ENTRIES - len(own))]
        added += new
        fields[name] = (*own, *new)
    return replace(intent, **fields, added=tuple(dict.fromkeys(added)))
