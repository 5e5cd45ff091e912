"""What changed since a person last looked, in a few lines."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from clock import to_rfc3339
from events import EVENT_KINDS
from panel.words import count_of, one_line
from redaction import clean
from runtime_contract import ENDED, Status
from store.reading import Reader

#: How far back is looked where nobody says, seconds.
DAY_S: Final = 86_400.0
#: How far back is looked at most, seconds: a week.
LONGEST_S: Final = 7 * DAY_S
#: Failures and events of the daemon that are named.
MOST_NAMED: Final = 5
#: Events of the history that are looked through for those of the daemon.
MOST_LOOKED_AT: Final = 2_000


def since(reader: Reader, moment: float) -> dict[str, Any]:
    """What changed since `moment`, Unix seconds; of the last week at most."""
    moment = max(moment, reader.now() - LONGEST_S)
    ended = dict.fromkeys((status.value for status in ENDED), 0)
    ended |= {row["state"]: row["count"] for row in reader.all("ends_since", since=int(moment // 60))}
    asked = reader.all("count_asked_since", since=moment)[0]["count"]
    failed = reader.all("newest_ended_since", state=Status.FAILED.value, since=moment, limit=MOST_NAMED)
    return {
        "since": moment,
        "ended": ended,
        "waiting": asked,
        "failed": [
            {
                "id": row["id"],
                "reason": one_line(clean(row["reason"] or "")),
                "finished": to_rfc3339(row["finished"]),
            }
            for row in failed
        ],
        "daemon": _of_daemon(reader, moment),
        "sentence": _sentence(ended, asked),
    }


def _of_daemon(reader: Reader, moment: float) -> list[dict[str, str]]:
    """The newest events of the daemon, as far as the newest of the history tell."""
    found = [
        {"at": row["ts"], "event": row["event"], "told": EVENT_KINDS[row["event"]]}
        for row in reader.all("newest_of_daemon", limit=MOST_LOOKED_AT)
        if datetime.fromisoformat(row["ts"]).timestamp() > moment
    ]
    return found[:MOST_NAMED]


def _sentence(ended: dict[str, int], asked: int) -> str:
    words = {
        Status.APPROVED: "approved",
        Status.FAILED: "failed",
        Status.SAFETY_BLOCKED: "blocked",
        Status.CANCELLED: "cancelled",
    }
    told = [f"{ended[status.value]:,} {word}" for status, word in words.items() if ended[status.value]]
    if asked:
        told.append(f"{count_of(asked, 'new decision waits', 'new decisions wait')} for you")
    return f"{', '.join(told)}." if told else "Nothing ended, and nothing new waits for you."
