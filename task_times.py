"""The times of a task: moments that people write, and schedules that fire."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Final

import cronsim

from errors import InvalidTask
from task_errors import shorten


def read_moment(value: object, path: str) -> float:
    """Unix seconds from a number or an ISO 8601 text; a text without offset is local time."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise InvalidTask(f"{path}: must be a time like 2030-01-31T09:00+01:00 or Unix seconds", path=path)
    try:
        seconds = datetime.fromisoformat(value).timestamp() if isinstance(value, str) else float(value)
    except (ValueError, OverflowError, OSError):
        raise InvalidTask(
            f"{path}: {shorten(value)} is not a time like 2030-01-31T09:00+01:00", path=path
        ) from None
    if not math.isfinite(seconds) or not 0 <= seconds < 253_402_300_800:
        raise InvalidTask(f"{path}: {shorten(value)} is outside the years 1970 to 9999", path=path)
    return seconds


def check_cron(expression: str, path: str) -> None:
    """Raise `InvalidTask` unless `expression` is a five-field cron expression that ever fires."""
    fields = expression.split()
    if len(fields) == 5 and _fires(expression):  # a sixth field would be seconds
        return
    rule = "is not a cron expression like '0 9 * * mon'"
    if len(fields) == 5 and all(_fires(_alone(field, at)) for at, field in enumerate(fields)):
        rule = "never fires: its months have no such day; name another day or month"
    raise InvalidTask(f"{path}: {shorten(expression)} {rule}", path=path)


def _fires(expression: str) -> bool:
    try:
        next(cronsim.CronSim(expression, datetime(2026, 1, 1, tzinfo=UTC)))
    except (cronsim.CronSimError, StopIteration):
        return False
    return True


def _alone(field: str, at: int) -> str:
    """A cron expression whose only bound is the field at this place."""
    return " ".join(field if place == at else "*" for place in range(5))


#: No zone of the earth is further from UTC.
_WIDEST_ZONE: Final = timedelta(days=1)


def check_ever_fires(expression: str, not_before: float | None, path: str) -> None:
    """Raise `InvalidTask` where a good cron expression has no time from `not_before` on: the years end."""
    try:
        next(cronsim.CronSim(expression, _utc(not_before) + _WIDEST_ZONE))
    except (StopIteration, OverflowError, ValueError):
        since = _utc(not_before).isoformat().replace("+00:00", "Z")
        told = f"the schedule never fires from {since} on; give an earlier time, or leave it out"
        raise InvalidTask(f"{path}: {told}", path=path) from None


def _utc(seconds: float | None) -> datetime:
    return datetime.fromtimestamp(seconds or 0, UTC)
