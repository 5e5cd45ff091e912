"""Whether a model server can be reached: its list of models is asked for, which costs nothing anywhere.

It goes the way of every call: the same client, the same look at the address before it is connected to, the
same proxy, one time limit for all of it.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import Final

from errors import ModelError, ModelTimeout, ModelUnreachable
from llm.discovery import client_of
from llm.endpoint import Endpoint

#: Seconds that all of it may take.
PING_S: Final = 5.0
#: Names that are told of a long list.
MOST_NAMES: Final = 50
NAME_CHARS: Final = 200


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


def ping(endpoint: Endpoint, timeout_s: float = PING_S) -> Ping:
    """Ask for the list of models. Raises nothing that the network or the server may do."""
    begun = time.monotonic()
    names: list[str] = []
    error: ModelError | None = None
    try:
        with contextlib.closing(client_of(endpoint)) as client:
            names = client.models(timeout_s)
    except ModelError as found:
        error = found
    took = time.monotonic() - begun
    word = "model" if len(names) == 1 else "models"
    reason = error.message if error else f"It answered in {took:.2f} s and lists {len(names):,} {word}."
    return Ping(
        endpoint=endpoint.base_url,
        reached=not isinstance(error, ModelUnreachable | ModelTimeout),
        welcome=error is None,
        seconds=round(took, 3),
        models=tuple(name[:NAME_CHARS] for name in names[:MOST_NAMES]),
        reason=reason,
    )
