"""Whether a model server can be reached: its list of models is asked for, which costs nothing anywhere.

It goes the way of every call: the same client, the same look at the address before it is connected to, the
same proxy, one time limit for all of it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from errors import ModelError, ModelTimeout, ModelUnreachable
from llm.discovery import client_of, is_listed
from llm.endpoint import Endpoint

#: Seconds that all of it may take.
PING_S: Final = 5.0
#: Names that are told of a long list.
MOST_NAMES: Final = 50
NAME_CHARS: Final = 200
#: Names that are told of those it lacks.
MOST_TOLD: Final = 5


@dataclass(frozen=True, slots=True)
class Ping:
    """What came of it."""

    #: base URL
    endpoint: str
    #: whether a server answered, whatever it said
    reached: bool
    #: whether it took the key and named its models
    welcome: bool
    #: seconds until the answer was there, or was given up
    seconds: float
    #: models it names, the first of them
    models: tuple[str, ...]
    #: a sentence for a person
    reason: str
    #: models that were asked about and that it does not name
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """What a server said when it was asked for its list of models."""

    #: every name on the list; none where there was an error
    names: tuple[str, ...]
    #: why there is no list
    error: ModelError | None
    #: seconds until the answer was there, or was given up
    seconds: float

    def lacks(self, wanted: Collection[str]) -> tuple[str, ...]:
        """Those of the `wanted` that are not on the list; nobody knows without one."""
        return () if self.error else tuple(name for name in wanted if not is_listed(name, self.names))


def listing(endpoint: Endpoint, timeout_s: float = PING_S) -> Listing:
    """Ask for the list of models. Raises nothing that the network or the server may do."""
    begun = time.monotonic()
    names: list[str] = []
    error: ModelError | None = None
    try:
        with contextlib.closing(client_of(endpoint)) as client:
            names = client.models(timeout_s)
    except ModelError as found:
        error = found
    return Listing(tuple(names), error, time.monotonic() - begun)


def ping(endpoint: Endpoint, timeout_s: float = PING_S, wanted: Collection[str] = ()) -> Ping:
    """Ask for the list of models, and whether the `wanted` are on it.

    Raises nothing that the network or the server may do.
    """
    found = listing(endpoint, timeout_s)
    error, missing = found.error, found.lacks(wanted)
    return Ping(
        endpoint=endpoint.base_url,
        reached=not isinstance(error, ModelUnreachable | ModelTimeout),
        welcome=error is None,
        seconds=round(found.seconds, 3),
        models=tuple(name[:NAME_CHARS] for name in found.names[:MOST_NAMES]),
        reason=error.message if error else _sentence(found.seconds, len(found.names), missing),
        missing=missing,
    )


def _sentence(took_s: float, count: int, missing: Sequence[str]) -> str:
    word = "model" if count == 1 else "models"
    told = f"It answered in {took_s:.2f} s and lists {count:,} {word}"
    if not missing:
        return f"{told}."
    some = ", ".join(name[:NAME_CHARS] for name in missing[:MOST_TOLD])
    more = f" and {len(missing) - MOST_TOLD:,} more" if len(missing) > MOST_TOLD else ""
    return f"{told}, but not {some}{more}: correct the name, or have the server offer it."
