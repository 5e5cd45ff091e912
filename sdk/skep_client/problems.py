"""From an answer that says no to the error it means: problem details, read strictly (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

from skep_client.errors import (
    ApiError,
    Conflict,
    InvalidGraph,
    InvalidInput,
    ModelUnknown,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    NotSupported,
    ServiceTrouble,
    SkepClientError,
    TooBusy,
    UnexpectedAnswer,
)

MEDIA_TYPE = "application/problem+json"
#: Letters of a foreign answer that an error shows.
_SHOWN = 200
_MEMBERS = frozenset({"type", "title", "status", "detail", "code", "path", "retry_after_s", "instance"})
_BY_CODE: Mapping[str, type[ApiError]] = {
    "not_supported": NotSupported,
    "dag_cycle": InvalidGraph,
    "dag_invalid": InvalidGraph,
    "dep_not_found": InvalidGraph,
    "model_unknown": ModelUnknown,
    "too_many_streams": TooBusy,
    "store_busy": TooBusy,
}
_BY_STATUS: Mapping[int, type[ApiError]] = {
    400: InvalidInput,
    401: NotAuthenticated,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    413: InvalidInput,
    415: InvalidInput,
    421: NotAllowed,
    422: InvalidInput,
    429: TooBusy,
}


def error_of(status: int, headers: Mapping[str, str], body: Any) -> SkepClientError:
    """The error that an answer tells of.

    Parameters:
        status: the HTTP status, not 2xx.
        headers: of the answer, their names in any letters.
        body: the parsed body; a text where it is not JSON.
    """
    media = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media != MEDIA_TYPE or not isinstance(body, dict) or not _is_problem(body, status):
        shown = str(body)[:_SHOWN]
        return UnexpectedAnswer(
            f"HTTP {status} without the problem details of Skep; does another program listen there? {shown}",
            status,
        )
    kind = (
        _BY_CODE.get(body["code"])
        or _BY_STATUS.get(status)
        or (ServiceTrouble if status >= 500 else ApiError)
    )
    return kind(
        body["code"],
        body["detail"],
        status=status,
        title=body["title"],
        path=body["path"] if isinstance(body.get("path"), str) else "",
        retry_after_s=retry_after(headers.get("Retry-After"), datetime.now(timezone.utc)),
        details={name: value for name, value in body.items() if name not in _MEMBERS},
    )


def _is_problem(body: Mapping[str, Any], status: int) -> bool:
    texts = all(isinstance(body.get(name), str) for name in ("title", "detail", "code"))
    return texts and body.get("status") == status


def retry_after(text: str | None, now: datetime) -> float | None:
    """Seconds that ``Retry-After`` asks to wait, as a number or as a date (RFC 9110, 10.2.3)."""
    if text is None:
        return None
    if text.strip().isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:  # "-0000" names no zone; HTTP dates are UTC
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0.0, (moment - now).total_seconds())
