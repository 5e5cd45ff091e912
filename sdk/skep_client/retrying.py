"""When a request is sent again, and after how long: decided here, slept and sent elsewhere.

Nothing answered, the answer was 429, or nobody knows whether it was done (a broken connection, 5xx): no
request does anything twice, so each may be sent again.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from skep_client.errors import (
    ApiError,
    ConnectionBroken,
    HomeUnusable,
    SkepClientError,
    UnexpectedAnswer,
    Unreachable,
)


@dataclass(frozen=True)
class Retries:
    """How patiently a request is sent again.

    Parameters:
        most: times it is sent, the first included, where something answers.
        patience_s: seconds for which nothing may answer, as while the daemon starts.
        base_s: seconds before the second time; each further wait is twice as long.
        longest_s: seconds that no wait is longer than, unless the answer asks for it.
        longest_asked_s: seconds that an answer may ask to wait; more is an error at once.
    """

    most: int = 4
    patience_s: float = 10.0
    base_s: float = 0.1
    longest_s: float = 2.0
    longest_asked_s: float = 60.0


class Trial:
    """One request, from its first sending to its answer or its error.

    Parameters:
        retries: how patient it is.
        now: seconds of a clock that never goes back.
    """

    def __init__(self, retries: Retries, now: float) -> None:
        self._retries = retries
        self._gives_up = now + retries.patience_s
        #: times nothing came of it, and those of them where something answered
        self._tried = self._answered = 0

    def wait_after(self, error: SkepClientError, now: float) -> float:
        """Seconds to wait before it is sent again. Raises the error where it is not."""
        self._tried += 1
        self._answered += not isinstance(error, Unreachable)
        if not self._is_worth_it(error, now):
            raise error
        asked = error.retry_after_s if isinstance(error, ApiError) else None
        if asked is None:
            longest = min(self._retries.longest_s, self._retries.base_s * 2.0 ** min(self._tried - 1, 30))
            # Between half and all of it, so that many clients do not come back together.
            return longest * random.uniform(0.5, 1.0)  # noqa: S311  no secret hangs on it
        if asked > self._retries.longest_asked_s:
            raise error
        return asked

    def _is_worth_it(self, error: SkepClientError, now: float) -> bool:
        if isinstance(error, (Unreachable, HomeUnusable)):
            return isinstance(error, Unreachable) and now < self._gives_up
        if self._answered >= self._retries.most:
            return False
        status = error.status if isinstance(error, (ApiError, UnexpectedAnswer)) else 0
        is_unsure = isinstance(error, ConnectionBroken) or 500 <= status <= 599
        return status == 429 or is_unsure
