"""JSON that is no markup to who mistakes it for a page: ``<``, ``>`` and ``&`` are written as escapes.

RFC 8259, section 7: any character may be escaped, so every reader gets the same text.
"""

from __future__ import annotations

import json
from typing import Any, Final

from flask.json.provider import DefaultJSONProvider

_ESCAPES: Final = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def plain(text: str) -> str:
    """A JSON text with the characters of markup escaped; they can only stand in its strings."""
    return text.translate(_ESCAPES)


def dumps(value: Any, **options: Any) -> str:
    """`json.dumps`, without markup."""
    return plain(json.dumps(value, **options))


class PlainJson(DefaultJSONProvider):
    """What an app answers as JSON, without markup."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """The object as JSON."""
        return plain(super().dumps(obj, **kwargs))
