"""What a file of a project asks for: open boxes, the items of a plan, an issue, a TODO in a comment.

Read line by line and bounded. Code in fences is no list, a ticked box is done, and what stands under a
heading such as "Notes" or "Done" is no work. What is nested comes before what it stands under.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from planning.imperatives import read_head
from planning.lists import is_in_order, name_kind
from planning.masking import Words
from planning.references import read_edges
from planning.step import Step

MOST_ITEMS: Final = 500  # of a file
ITEM_CHARS: Final = 4_000
ISSUE_CHARS: Final = 8_000

_PLANS: Final = re.compile(
    r"(?:^|[-_. ])(?:todo|plan|roadmap|tasks?|backlog|checklist|next[-_ ]?steps)(?:$|[-_. ])", re.I
)
_ISSUES: Final = frozenset({"issues", "tickets", "todo", "todos", "backlog"})
_MARKDOWN: Final = frozenset({".md", ".markdown", ".mdown", ".txt", ""})
_HEADING: Final = re.compile(r"^ {0,3}#{1,6}[ \t]+(.*?)[ \t#]*$")
_BOX: Final = re.compile(r"^([ \t]*)(?:[-*+]|\d{1,3}[.)])[ \t]+\[([ xX-])\][ \t]+(?=\S)")
_ITEM: Final = re.compile(r"^([ \t]*)(?:[-*+]|(\d{1,3})[.)])[ \t]+(?=\S)")
_FENCE: Final = re.compile(r"^[ \t]*(?:`{3,}|~{3,})")
_OVER: Final = re.compile(
    r"\b(?:done|completed?|finished|archived?|closed|changelog|released)\b", re.IGNORECASE
)
_CLOSED: Final = re.compile(
    r"^(?:[-*][ \t]*)?\**(?:status|state)\**[ \t]*[:=][ \t]*\**[\"']?"
    r"(?:closed|done|resolved|fixed|wontfix|rejected)\b",
    re.IGNORECASE | re.MULTILINE,
)
_COMMENT: Final = re.compile(
    r"(?:#|//|--|;|/?\*|<!--)[ \t]*(?:TODO|FIXME)\b(?:\([^)\n]{0,40}\))?[ \t]*:?[ \t]+(\S.{5,})"
)
_COMMENT_END: Final = re.compile(r"[ \t]*(?:\*/|-->)?[ \t]*$")


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of work that a file asks for."""

    #: its place among the items of the file, from 0
    number: int
    #: line in the file, from 1
    line: int
    text: str
    #: the heading it stands under
    section: str = ""
    #: numbers of the items it waits for
    after: tuple[int, ...] = ()


@dataclass(slots=True)
class _Found:
    line: int
    level: int
    text: str
    section: int
    #: whether it has a box, and whether that is not ticked
    is_box: bool
    is_open: bool
    is_numbered: bool


def read_file(path: str, text: str) -> list[Item]:
    """The work that a file asks for; `path` is relative to the directory that is read."""
    pure = PurePosixPath(path)
    if pure.suffix.lower() not in _MARKDOWN:
        return _read_comments(text)
    if any(part.lower() in _ISSUES for part in pure.parts[:-1]):
        return _read_issue(text)
    return _read_lists(text, is_plan=_PLANS.search(pure.stem) is not None)


def _read_comments(text: str) -> list[Item]:
    items: list[Item] = []
    for number, line in enumerate(text.splitlines(), 1):
        found = _COMMENT.search(line[:ITEM_CHARS])
        if found and len(items) < MOST_ITEMS:
            items.append(Item(len(items), number, _COMMENT_END.sub("", found[1])))
    return items


def _read_issue(text: str) -> list[Item]:
    """One task of a whole file: its title and what it says; none where it says it is closed."""
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip(" \t-")]
    if not lines or _CLOSED.search(text[:ISSUE_CHARS]):
        return []
    titled = next(((number, found[1]) for number, line in lines if (found := _HEADING.match(line))), None)
    number, title = titled or lines[0]
    body = "\n".join(text.splitlines()[number:]).strip()[:ISSUE_CHARS]
    return [Item(0, number, f"{title.strip()}\n\n{body}".strip()[: ITEM_CHARS + ISSUE_CHARS])]


def _read_lists(text: str, *, is_plan: bool) -> list[Item]:
    """The open boxes of a text; of one that calls itself a plan and has no boxes, the items of its lists."""
    sections, found = _scan(text)
    if is_plan and not any(each.is_box for each in found):
        wanted = [each for each in found if _is_work(sections[each.section])]
    else:
        wanted = [each for each in found if each.is_box and each.is_open]
    wanted = wanted[:MOST_ITEMS]
    after: list[set[int]] = [set() for _ in wanted]
    for number, needed in _edges(wanted, sections):
        after[number] |= needed
    return _children_first(
        [
            Item(
                number,
                each.line,
                each.text[:ITEM_CHARS],
                sections[each.section],
                tuple(sorted(after[number])),
            )
            for number, each in enumerate(wanted)
        ]
    )


def _scan(text: str) -> tuple[list[str], list[_Found]]:
    """The headings of a text, the first empty for what stands before any, and all its items."""
    sections, found, is_code = [""], [], False
    for number, line in enumerate(text.splitlines(), 1):
        if _FENCE.match(line):
            is_code = not is_code
        if is_code or _FENCE.match(line):
            continue
        heading = _HEADING.match(line)
        item = _ITEM.match(line)
        if heading:
            sections.append(heading[1].strip())
        elif item:
            box = _BOX.match(line)
            words = line[(box or item).end() :].strip()
            level = len(item[1].expandtabs(4))
            is_open = box is not None and box[2] == " "
            section = len(sections) - 1
            found.append(_Found(number, level, words, section, box is not None, is_open, item[2] is not None))
        elif line.strip() and found and len(line) - len(line.lstrip()) > found[-1].level:
            found[-1].text += f"\n{line.strip()}"
    return sections, found


def _is_work(section: str) -> bool:
    return not _OVER.search(section) and name_kind(section) != "shared"


def _edges(found: Sequence[_Found], sections: Sequence[str]) -> Iterator[tuple[int, set[int]]]:
    """What waits for what: the outer for what is nested in it, and what the words of one section say."""
    open_ones: list[int] = []
    for number, each in enumerate(found):
        while open_ones and (
            found[open_ones[-1]].level >= each.level or found[open_ones[-1]].section != each.section
        ):
            open_ones.pop()
        if open_ones:
            yield open_ones[-1], {number}
        open_ones.append(number)
    for section in dict.fromkeys(each.section for each in found):
        yield from _edges_within(found, section, is_ordered=is_in_order(sections[section]))


def _edges_within(
    found: Sequence[_Found], section: int, *, is_ordered: bool
) -> Iterator[tuple[int, set[int]]]:
    places = [number for number, each in enumerate(found) if each.section == section]
    least = min(found[place].level for place in places)
    places = [place for place in places if found[place].level == least]
    steps = []
    for stage, place in enumerate(places, 1):
        words = Words.of(found[place].text)
        head = read_head(words.masked, 0, len(words.masked))
        follows = is_ordered and found[place].is_numbered and stage > 1
        steps.append(
            Step(words[head.start :], head.action, "next" if follows else head.order, stage, group=stage)
        )
    for place, after in zip(places, read_edges(steps), strict=True):
        yield place, {places[each] for each in after}


def _children_first(items: list[Item]) -> list[Item]:
    """The items in an order in which each stands behind what it waits for."""
    ordered: list[Item] = []
    seen: set[int] = set()

    def visit(item: Item) -> None:
        if item.number in seen:
            return
        seen.add(item.number)
        for place in item.after:
            visit(items[place])
        ordered.append(item)

    for item in items:
        visit(item)
    return ordered
