"""Which earlier steps a step needs: by its words of order, and by what it speaks of.

Only earlier steps are ever found, so what is made of this has no circles. A word that might mean something
inside of the step itself is not taken for a reference, so that steps which do not need each other stay
independent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from planning.lexicon import (
    CREATING,
    GATHERING,
    PREPOSITIONS,
    SOURCES,
    TRANSFORMING,
)
from planning.naming import names_of, speaks_of, stem_of
from planning.step import Step

_ALONE: Final = rf"(?=\s*(?:[,.;:!?]|\Z)|\s+(?:and|or|{'|'.join(sorted(PREPOSITIONS))})\b)"
_PRONOUN: Final = (
    rf"(?P<one>it|its|(?:this|that){_ALONE})\b|(?P<many>them|they|their|(?:these|those){_ALONE})\b"
)
_SOURCE: Final = re.compile(rf"\b(?:{'|'.join(SOURCES)})\s+(?:{_PRONOUN})", re.IGNORECASE)
#: Right after the verb, nothing of the step itself can be meant.
_DIRECT: Final = re.compile(
    rf"\W*(?:[a-z]+ly\s+)?[a-z]+\s+(?:(?:{'|'.join(sorted(PREPOSITIONS))})\s+)?(?:{_PRONOUN})", re.IGNORECASE
)
_PREPOSITION: Final = re.compile(rf"\b(?:{'|'.join(sorted(PREPOSITIONS))})\b", re.IGNORECASE)
#: What is made "for it" is not itself meant by "it".
_AT_THE_END: Final = re.compile(
    rf"\b(?:{'|'.join(sorted(PREPOSITIONS))}|to\s+[a-z]+)\s+(?:(?P<one>it)|(?P<many>them))\s*(?:[,.;:!?]|\Z)",
    re.IGNORECASE,
)
#: "Analyse its imagery" after "analyse the poem's metre": the poem's.
_ITS: Final = re.compile(r"\W*[a-z]+\s+(?:its|their)\b", re.IGNORECASE)
#: One of what was found or made before.
_CHOICE: Final = re.compile(
    r"\W*(?:choose|pick|recommend|select|suggest)\s+(?:one\b|the\s+(?:best|winner|strongest|cheapest|fastest)\b"
    r"|an?\s+(?:winner|favou?rite)\b)",
    re.IGNORECASE,
)
_COUNTED: Final = re.compile(
    rf"\b(?P<two>both(?:\s+of\s+\w+|\s+[a-z]+(?=\s*(?:[,.;:!?]|\Z))|{_ALONE})|the\s+two\b)"
    rf"|\b(?:all|the)\s+(?P<count>three|four|five|six|seven|eight|nine|ten|\d{{1,2}})\b",
    re.IGNORECASE,
)
_EVERYTHING: Final = re.compile(
    r"\bthe\s+changes\b|\b(?:all|each|any|every\s+one)\s+of\s+(?:them|these|those|the\s+above)\b|\beverything\b|\babove\b",
    re.IGNORECASE,
)
_RESULT: Final = re.compile(
    r"\bthe\s+(?:best|winning|cheapest|strongest|chosen|selected)\s+ones?\b|\bthe\s+winner\b|\bfor\s+each\s*(?=[.,;!?]|\Z)|"
    r"\b(?:the|these|those|your)\s+(?:[a-z]+\s+)?(?:results?|findings|outputs?|answers?)\b"
    r"|\bprevious\s+(?:step|part|task|item|point|one|answer|text)s?\b",
    re.IGNORECASE,
)
_NUMBERED: Final = re.compile(
    r"\b(?:steps?|items?|points?|tasks?|parts?|numbers?)\s+#?(\d{1,3}(?:\s*(?:,|and|to|or|&|-|–)\s*\d{1,3})*)",
    re.IGNORECASE,
)
_DEFINITE: Final = re.compile(
    r"\b(?:the|this|that|these|those|both|each|its|their|all|your)\s+(?=((?:[\w'’-]+\s+){0,2}[\w'’-]+))",
    re.IGNORECASE,
)
_COUNTS: Final = {
    word: number
    for number, word in enumerate("three four five six seven eight nine ten".split(), 3)
}  # fmt: skip


def read_edges(steps: Sequence[Step]) -> list[tuple[int, ...]]:
    """For each step the places of the earlier ones it needs, from 0."""
    edges: list[tuple[int, ...]] = []
    names = [names_of(step) for step in steps]
    for number, step in enumerate(steps):
        first = next(place for place in range(number + 1) if steps[place].group == step.group)
        in_order = _by_order(steps, number, edges)
        needed = _by_words(step, steps[:first], names[:first], edges) if first else set()
        if first:
            needed |= _gathered(step, steps[:first], edges) - _behind(needed | in_order, edges)
        needed |= in_order - _behind(needed, edges)
        edges.append(tuple(sorted(needed)))
    return edges


def _by_order(steps: Sequence[Step], number: int, edges: Sequence[tuple[int, ...]]) -> set[int]:
    """What "then" and "finally" say: after the stage before in the sentence; else after everything."""
    stage = steps[number].stage
    opening = next(place for place in range(number + 1) if steps[place].stage == stage)
    if steps[opening].order not in {"next", "last"}:
        return set()
    if steps[opening].order == "last" or steps[opening].is_opening:
        return _sinks(edges[:opening])
    before = {place for place in range(opening) if steps[place].stage == stage - 1}
    return before - {place for each in before for place in edges[each]}


def _behind(places: set[int], edges: Sequence[tuple[int, ...]]) -> set[int]:
    """Everything that must be done before some places can be."""
    found: set[int] = set()
    open_ones = list(places)
    while open_ones:
        for place in edges[open_ones.pop()]:
            if place not in found:
                found.add(place)
                open_ones.append(place)
    return found


def _sinks(edges: Sequence[tuple[int, ...]]) -> set[int]:
    """The steps that nothing needs yet: whoever needs these needs everything."""
    needed = {place for after in edges for place in after}
    return set(range(len(edges))) - needed


def _by_words(
    step: Step, before: Sequence[Step], names: Sequence[set[str]], edges: Sequence[tuple[int, ...]]
) -> set[int]:
    """The earlier steps that the words of a step speak of."""
    last = {place for place, each in enumerate(before) if each.group == before[-1].group}
    everything = _sinks(edges[: len(before)])
    masked = step.words.masked
    is_beside = step.action == before[-1].action and step.action in GATHERING and _ITS.match(masked)
    needed = set() if is_beside else _by_pronoun(masked, last, everything)
    needed |= _by_count(masked, last, len(before))
    if _is_parallel(step, before[-1]) and needed == last and edges[len(before) - 1]:
        needed = set(edges[len(before) - 1])
    if _EVERYTHING.search(masked):
        needed |= everything
    if _RESULT.search(masked):
        needed |= last
    needed |= {number for number in _numbers(masked) if number < len(before)}
    whole = step.whole
    spoken = {stem_of(word) for found in _DEFINITE.finditer(whole.masked) for word in found[1].split()}
    named = {place for place, made in enumerate(names) if speaks_of(whole, spoken, made)}
    # "find the oldest tree in Peru" is beside the oldest tree in Spain
    own = names_of(step)
    return needed | {place for place in named if not _is_alike(step, before[place], own & names[place])}


def _is_alike(step: Step, other: Step, shared: set[str]) -> bool:
    """Whether two steps do the same, to things of the same name where they make any."""
    return step.action == other.action and bool(shared or step.action in GATHERING)


def _is_parallel(step: Step, before: Step) -> bool:
    """Whether two steps speak alike of one and the same: "Write Y from it. Write Z from it."."""
    if step.action == before.action and all(_DIRECT.match(each.words.masked) for each in (step, before)):
        return True
    one, other = _SOURCE.search(step.words.masked), _SOURCE.search(before.words.masked)
    return one is not None and other is not None and one[0].lower() == other[0].lower()


def _gathered(step: Step, before: Sequence[Step], edges: Sequence[tuple[int, ...]]) -> set[int]:
    """The last steps in a row that looked for something: a report about nothing else is about that.

    Not where a step in between is about something else.
    """
    if step.action not in CREATING or step.order == "beside" or _PREPOSITION.search(step.words.masked):
        return set()
    end = len(before)
    while end and before[end - 1].action not in GATHERING | TRANSFORMING:
        end -= 1
    start = end
    while start and before[start - 1].action in GATHERING | TRANSFORMING:
        start -= 1
    if not any(each.action in GATHERING for each in before[start:end]):
        return set()
    found = set(range(start, end)) - {place for each in range(start, end) for place in edges[each]}
    between = range(end, len(before))
    return found if all(found & ({*edges[each]} | _behind({each}, edges)) for each in between) else set()


def _by_pronoun(masked: str, last: set[int], everything: set[int]) -> set[int]:
    if _CHOICE.match(masked):
        return last
    found = _SOURCE.search(masked) or _DIRECT.match(masked) or _AT_THE_END.search(masked)
    if found is None:
        return set()
    return last if found["one"] or len(last) > 1 else everything


def _by_count(masked: str, last: set[int], count: int) -> set[int]:
    found = _COUNTED.search(masked)
    if found is None:
        return set()
    wanted = 2 if found["two"] else _COUNTS.get(found["count"].lower()) or int(found["count"])
    return last if len(last) == wanted else set(range(max(0, count - wanted), count))


def _numbers(masked: str) -> set[int]:
    """The places that "step 2" and "items 1-3" name."""
    places: set[int] = set()
    for found in _NUMBERED.finditer(masked):
        numbers = [int(each) for each in re.findall(r"\d+", found[1])]
        is_range = re.search(r"\bto\b|[-–]", found[1]) is not None
        named = range(numbers[0], numbers[-1] + 1) if is_range else numbers
        places |= {number - 1 for number in named if number > 0}
    return places
