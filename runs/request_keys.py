"""The ``Idempotency-Key`` of a request to a run: read from its header, and with a digest of what is asked.

The header is that of draft-ietf-httpapi-idempotency-key-header; a key is 1 to 200 visible ASCII letters.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

import pydantic

from run_contract.errors import InvalidInput
from store.run_keys import RequestKey

HEADER: Final = "Idempotency-Key"
_KEY: Final = re.compile(r"[\x21-\x7e]{1,200}")


def read(text: str | None) -> str | None:
    """The key that a header says; none where there is no header. Raises `InvalidInput`."""
    if text is not None and not _KEY.fullmatch(text):
        raise InvalidInput(f"{HEADER}: must be 1 to 200 visible ASCII letters", path=HEADER)
    return text


def of_request(
    text: str | None, action: str, run_id: str, request: pydantic.BaseModel | None = None
) -> RequestKey | None:
    """The key of what is asked of a run that is there; none where there is no header. Raises `InvalidInput`.

    Parameters:
        text: the header.
        action: what is asked, such as ``fork``.
        run_id: of which run.
        request: what the body says; none where the action says it all.
    """
    key = read(text)
    if key is None:
        return None
    said = "" if request is None else request.model_dump_json(exclude_unset=True)
    return RequestKey(key, hashlib.sha256(f"{action}\n{run_id}\n{said}".encode()).hexdigest())
