"""The envelope of text that others wrote: files, what tools printed, earlier answers, findings.

Each call has a delimiter of its own that nobody can guess, so nothing in an envelope can end it; each item is
a JSON text on a line of its own; the source is named; and the marks of chat templates are broken. The gateway
is told the delimiter beside the prompt (`Work.mark`) and honours no other. A model is told that it is data.
That is no proof against being taken in, which is why a model's words have no authority.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from safety.prompt_screen import defused
from safety.screen import envelopes


@dataclass(frozen=True, slots=True)
class Source:
    """A text that others wrote, and where it came from."""

    name: str
    text: str

    def as_json(self) -> dict[str, str]:
        """The text under its name, as an item of an envelope."""
        return {"source": self.name, "text": self.text}


def new_mark() -> str:
    """A delimiter nobody can guess."""
    return secrets.token_hex(8)


def wrap(source: str, items: Iterable[Any], mark: str | None = None) -> str:
    """Items that others wrote, in an envelope that names where they come from.

    Parameters:
        source: where the items come from, in a few words.
        items: JSON values.
        mark: the delimiter, where the text around it has to name it too.
    """
    chosen = mark or new_mark()
    lines = [defused(json.dumps(item, ensure_ascii=False)) for item in items]
    return "\n".join([envelopes.opening(chosen, source), *lines, envelopes.closing(chosen)])
