"""What an address asks of the list of tasks: filters, order and place, for the page and the API alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from errors import InvalidRequest
from panel.api import fields
from panel.context import Panel
from runtime_contract import Status
from store.task_filter import MODES, ORDERS, Filter, Key, Order, cursor_of, natural_order, place_of
from store.task_list import TaskPage

#: The filters, as addresses name them.
FILTERS: Final = ("status", "mode", "tag", "source", "q")
#: All that an address may say of a list.
KNOWN: Final = (*FILTERS, "order", "after")
#: Those that may be given several times.
SEVERAL: Final = ("status",)
#: Characters of a filter.
LONGEST: Final = 256


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for."""

    wanted: Filter
    order: Order
    after: Key
    #: the place as the address said it; none at the start
    cursor: str | None

    def address(self, **changes: str | None) -> dict[str, Any]:
        """The same as parameters of an address, with changes; a filter that changes begins at the start."""
        wanted = self.wanted
        now: dict[str, Any] = {
            "status": ",".join(wanted.statuses) or None,
            "mode": wanted.mode,
            "tag": wanted.tag,
            "source": wanted.source,
            "q": wanted.words,
            "order": None if self.order == _default(wanted) else self.order,
            "after": self.cursor if changes.keys() <= {"after"} else None,
        }
        return {name: value for name, value in (now | changes).items() if value is not None}


@dataclass(frozen=True, slots=True)
class Found:
    """A page of tasks, and how far the search for words has come."""

    page: TaskPage
    #: what `after` of the next page is
    next: str | None
    #: share of the tasks whose words are known yet, 0 to 1
    searched: float = 1.0


def query_of(given: MultiDict[str, str], default: Order | None = None) -> Query:
    """Read what is asked for. Raises `InvalidRequest`."""
    wanted = Filter(
        statuses=tuple(Status(word) for word in dict.fromkeys(fields.statuses(given))),
        mode=_one_of(given, "mode", MODES),
        source=_text(given, "source"),
        tag=_text(given, "tag"),
        words=_text(given, "q"),
    )
    order = _one_of(given, "order", ORDERS) or default or _default(wanted)
    if wanted.words is not None and order not in {"newest", "oldest"}:
        raise InvalidRequest("order must be newest or oldest where words are looked for (q).")
    cursor = given.get("after") or None
    return Query(wanted, order, place_of(order, cursor), cursor)


def _default(wanted: Filter) -> Order:
    return "newest" if wanted.words is not None else natural_order(wanted.statuses)


def find(here: Panel, query: Query, limit: int) -> Found:
    """The page that is asked for."""
    searched = 1.0
    if query.wanted.words is not None:
        read_to, last = here.tasks.search.catch_up()
        searched = read_to / last if last else 1.0
    page = here.tasks.page(query.wanted, query.order, limit, query.after)
    following = None if page.next is None else cursor_of(query.order, page.next)
    return Found(page, following, searched)


def _one_of(given: MultiDict[str, str], name: str, words: tuple[Any, ...]) -> Any:
    word = given.get(name) or None
    if word is not None and word not in words:
        raise InvalidRequest(f"{name} must be one of {', '.join(words)}, not {word[:40]!r}.")
    return word


def _text(given: MultiDict[str, str], name: str) -> str | None:
    text = given.get(name, "")
    if len(text) > LONGEST:
        raise InvalidRequest(f"{name} must be a text of at most {LONGEST} characters.")
    return text.strip() or None
