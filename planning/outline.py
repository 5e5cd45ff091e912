"""From the blocks of an ask to its steps and what they share: sections, lists and running text together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from planning.blocks import Block
from planning.headings import read_sections
from planning.imperatives import count_words, is_rule, read_head
from planning.lexicon import CREATING
from planning.listed import NEED
from planning.lists import AskedList, name_kind, read_list
from planning.masking import SPACE, Words
from planning.material import is_label, is_letter, names_material, speaks_of_list
from planning.sentences import read_sentences
from planning.spreading import EACH_FOLLOWING, MOST_WORDS, for_name, is_new
from planning.step import Step, Unsure
from planning.steps import StepReader

_FOLLOWING: Final = re.compile(
    r"(?:me\s+|us\s+)?(?:(?:the\s+following|these)(?:\s+[\w-]+){0,2}"
    r"|(?:the\s+)?(?:two|three|four|five|six|\d)\s+(?:[\w-]+\s+)?[\w-]+)",
    re.IGNORECASE,
)
_LINE: Final = re.compile(r"\S[^\n]*")


@dataclass(slots=True)
class Outline:
    """What was read."""

    steps: list[Step] = field(default_factory=list)
    shared: list[Words] = field(default_factory=list)
    features: set[str] = field(default_factory=set)
    #: words such as "Tasks:" that only announced the steps
    announced: list[Words] = field(default_factory=list)


def read_outline(ask: Words, blocks: Sequence[Block], *, is_lenient: bool) -> Outline:
    """Read an ask. Raises `Unsure`."""
    sections = read_sections(ask, blocks)
    if not sections:
        return _Reading(ask, blocks, is_lenient).read()
    reader = StepReader()
    before = ask[: sections[0].start]
    if before.text.strip():
        if len(_imperatives(ask, 0, sections[0].start)) > 1:
            raise Unsure("there is work before the first heading")
        reader.share(before)
    for section in sections:
        words = ask[section.start : section.end]
        if section.kind == "work":
            reader.add([words], section.action)
        else:
            reader.share(words)
    return Outline(reader.steps, reader.shared, {"headings"})


def _imperatives(ask: Words, start: int, end: int) -> list[tuple[int, int]]:
    return [span for span in read_sentences(ask.masked, start, end) if read_head(ask.masked, *span).action]


class _Reading:
    """One walk over the blocks of an ask."""

    def __init__(self, ask: Words, blocks: Sequence[Block], is_lenient: bool) -> None:
        self._ask = ask
        self._blocks = blocks
        self._is_lenient = is_lenient
        self._reader = StepReader()
        self._features: set[str] = set()
        self._announced: list[Words] = []

    def read(self) -> Outline:
        place = 0
        is_shared = False  # what stands under a heading or a line such as "Text:" that says so
        has_work_list = any(each.kind == "work" for each in self._lists())
        while place < len(self._blocks):
            block = self._blocks[place]
            if block.kind == "item":
                asked = self._list_at(place)
                self._read_list(asked, is_shared=is_shared)
                place += len(asked.items)
                continue
            if block.kind == "heading":
                is_shared = name_kind(self._words(block).masked) == "shared"
            is_shared = is_shared or is_label(self._ask.masked, self._blocks, place)
            if block.kind == "heading" and self._is_announcement(block):
                self._announced.append(self._words(block))
            elif block.kind == "heading" or is_shared:
                self._reader.share(self._words(block))
            else:
                self._read_text(block, place, is_before_work=has_work_list)
            place += 1
        features = self._features | self._reader.features
        announced = [*self._announced, *self._reader.said]
        return Outline(self._reader.steps, self._reader.shared, features, announced)

    def _words(self, block: Block) -> Words:
        return self._ask[block.start : block.end]

    def _is_announcement(self, block: Block) -> bool:
        return name_kind(self._ask.masked[block.body : block.end]) == "work"

    # -- running text --------------------------------------------------------------------------------------

    def _read_text(self, block: Block, place: int, *, is_before_work: bool) -> None:
        """A paragraph: its sentences, but for one that introduces the list under it."""
        start, end = self._introduction(place + 1)
        stop = start if start < end else block.end
        goals = _imperatives(self._ask, block.body, stop)
        is_told = place + 1 < len(self._blocks) and is_label(self._ask.masked, self._blocks, place + 1)
        if place + 1 < len(self._blocks) and self._blocks[place + 1].kind == "item":
            self._check_list(block)
        self._check_material(goals, block, is_last=is_told or place + 1 == len(self._blocks))
        if is_before_work and not self._has_listed_step():
            if len(goals) > 1 or (goals and self._reader.steps):
                raise Unsure("it is not clear whether the list is the work or describes it")
            if self._ask.masked[block.body : stop].strip():
                self._reader.share(self._ask[block.body : stop])
        else:
            for begin, end in self._texts(block.body, stop):
                self._reader.read_text(self._ask, begin, end)

    def _texts(self, start: int, end: int) -> list[tuple[int, int]]:
        """A paragraph in one piece, or line by line where each of its lines is an ask or a rule."""
        masked = self._ask.masked
        lines = [(found.start(), found.end()) for found in _LINE.finditer(masked, start, end)]
        if len(lines) > 1 and all(
            read_head(masked, *line).action or is_rule(masked, *line) for line in lines
        ):
            return lines
        return [(start, end)]

    def _check_material(self, asked: Sequence[tuple[int, int]], block: Block, *, is_last: bool) -> None:
        """What stands after "Summarise this letter" or begins with "Dear Ann" may be anything."""
        masked = self._ask.masked
        if not is_last and any(names_material(masked, *sentence) for sentence in asked):
            raise Unsure("what follows may be the text to work on")
        if is_letter(masked, block.body, block.end):
            raise Unsure("a part of it is a letter")

    def _check_list(self, block: Block) -> None:
        """What is listed under "Give feedback on my plan" is not to be done."""
        masked = self._ask.masked
        if any(speaks_of_list(masked, *span) for span in read_sentences(masked, block.body, block.end)):
            raise Unsure("the list may be what is spoken of, not what is to be done")

    def _has_listed_step(self) -> bool:
        return "list" in self._features

    # -- lists ---------------------------------------------------------------------------------------------

    def _lists(self) -> list[AskedList]:
        found, place = [], 0
        while place < len(self._blocks):
            if self._blocks[place].kind == "item":
                found.append(self._list_at(place))
                place += len(found[-1].items)
            else:
                place += 1
        return found

    def _list_at(self, place: int) -> AskedList:
        """The list whose first item stands at a place."""
        level = self._blocks[place].level
        end = place
        while (
            end < len(self._blocks) and self._blocks[end].kind == "item" and self._blocks[end].level >= level
        ):
            end += 1
        introduction = self._introduction(place)
        return read_list(self._ask, self._blocks[place:end], introduction, is_lenient=self._is_lenient)

    def _introduction(self, place: int) -> tuple[int, int]:
        """The words that introduce the list at a place: a heading, or a sentence that ends with a colon."""
        nothing = (0, 0)
        if not 0 < place < len(self._blocks) or self._blocks[place].kind != "item":
            return nothing
        before = self._blocks[place - 1]
        if before.kind == "heading":
            return before.body, before.end
        if before.kind == "item":
            return nothing
        sentence = list(read_sentences(self._ask.masked, before.body, before.end))[-1]
        is_close = self._ask.masked.count("\n", before.end, self._blocks[place].start) < 2
        return sentence if is_close or self._ask.masked[sentence[1] - 1] == ":" else nothing

    def _read_list(self, asked: AskedList, *, is_shared: bool) -> None:
        if self._fan_out(asked) or self._new_things(asked):
            return
        if asked.kind == "unsure":
            raise Unsure("it is not clear whether the items of the list are work of their own")
        self._share_introduction(asked)
        for number, item in enumerate(asked.items):
            self._read_item(
                item, is_shared=is_shared or asked.kind == "shared", follows=asked.is_ordered and number > 0
            )

    def _share_introduction(self, asked: AskedList) -> None:
        start, end = asked.introduction
        words = self._ask[start:end]
        if any(block.kind == "heading" and block.body == start for block in self._blocks):
            return
        if asked.kind != "shared" and name_kind(words.masked) == "work":
            self._announced.append(words)
        elif words.text.strip():
            self._reader.share(words)

    def _read_item(self, item: Block, *, is_shared: bool, follows: bool) -> None:
        head = read_head(self._ask.masked, item.body, item.end)
        is_work = head.action or (self._is_lenient and not is_rule(self._ask.masked, item.body, item.end))
        if is_shared or not is_work:
            self._reader.share(self._words(item))
            return
        self._features.add("list")
        words = self._ask[head.start : item.end].plain()
        self._reader.add([words], head.action, "next" if follows else head.order)

    def _fan_out(self, asked: AskedList) -> bool:
        """Read what is asked for each of the following, and a list of names; false where that is not so."""
        introduction = self._ask[asked.introduction[0] : asked.introduction[1]].plain()
        each = EACH_FOLLOWING.search(introduction.masked)
        names = [self._ask[item.body : item.end].plain() for item in asked.items]
        if each is None or len(names) < 2:
            return False
        if any(count_words(name.masked, 0, len(name.masked)) > 2 * MOST_WORDS for name in names):
            return False
        action = read_head(introduction.masked, 0, len(introduction.masked)).action
        self._features.add("fan_out")
        self._features.add("list")
        self._announced.append(introduction[each.start() : each.end()])
        self._reader.add([for_name(introduction, each, name) for name in names], action)
        return True

    def _new_things(self, asked: AskedList) -> bool:
        """Read a list of new things under "Produce the following:"; false where that is not so."""
        introduction = self._ask[asked.introduction[0] : asked.introduction[1]].plain()
        things = [self._ask[item.body : item.end].plain() for item in asked.items]
        if len(things) < 2 or not all(map(is_new, things)):
            return False
        need = NEED.match(introduction.masked)
        head = read_head(introduction.masked, 0, len(introduction.masked))
        verb = need.end() if need else head.verb + len(head.action)
        lead = introduction[0 if need else head.start : verb]
        if introduction.masked.lower() == "deliverables":
            lead, verb = Words("Produce", "Produce"), 0
        elif not (need or head.action in CREATING) or not _FOLLOWING.fullmatch(
            introduction.masked[verb:].strip()
        ):
            return False
        self._features |= {"deliverables", "list"}
        self._announced.append(introduction[verb:])
        self._reader.add([lead + SPACE + lowered(thing) for thing in things], head.action, head.order)
        return True


def lowered(words: Words) -> Words:
    """Words as they stand within a sentence: "A plan" as "a plan"."""
    return Words(words.text[:1].lower() + words.text[1:], words.masked[:1].lower() + words.masked[1:])
