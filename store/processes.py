"""Which processes of the daemon are up: a fact of the store, from which every face tells it.

The supervisor enters its processes when it starts and says of each one that fell why; a process that has
come up says so in the transaction of its ``daemon.started``. While swarm is entered and not up, nothing is
claimed: a task that nobody can execute waits, and says for what.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from store.transaction import Transaction, dump

PROCESSES: Final = "processes"
SWARM: Final = "swarm"
#: What holds claiming back while swarm is about to come up, which is not worth writing into a view.
SWARM_STARTING: Final = "swarm_starting"
PANEL: Final = "panel"
WORKER: Final = "worker"

_STARTING: Final = {"up": False, "reason": None, "passes": True}
_NAME_OF_WORKER: Final = re.compile(r"worker-([1-9][0-9]{0,2})", re.ASCII)

#: Name of a process -> whether it is up, and why it is not; no reason: it is starting. `passes`: it is about
#: to come up, as far as anybody knows.
Fact = Mapping[str, Mapping[str, Any]]


def enter(tx: Transaction, names: Iterable[str]) -> None:
    """These are to come up."""
    tx.set_meta(PROCESSES, dump({name: dict(_STARTING) for name in names}))


def join(tx: Transaction, names: Iterable[str]) -> None:
    """These are to come up beside those that are there."""
    tx.set_meta(PROCESSES, dump({**_read(tx), **{name: dict(_STARTING) for name in names}}))


def part(tx: Transaction, names: Iterable[str]) -> None:
    """These have gone, as was wanted."""
    gone = set(names)
    tx.set_meta(PROCESSES, dump({name: told for name, told in _read(tx).items() if name not in gone}))


def number_of(worker_id: str) -> int | None:
    """A worker's place among those of its supervisor, from 1; none for a name that is not one of these."""
    found = _NAME_OF_WORKER.fullmatch(worker_id)
    return int(found[1]) if found else None


def names_of_workers(count: int) -> list[str]:
    """What the workers of a supervisor are called."""
    return [f"{WORKER}-{number}" for number in range(1, count + 1)]


def come_up(tx: Transaction, name: str) -> bool:
    """A process is up; whether that is news. One that no supervisor has entered is told nowhere."""
    found = _read(tx)
    if found.get(name, {"up": True}) == {"up": True}:
        return False
    tx.set_meta(PROCESSES, dump(found | {name: {"up": True}}))
    return True


def fall(tx: Transaction, name: str, reason: str, *, passes: bool = False) -> bool:
    """A process is not up, and why; whether that is news. What falls twice for one reason does not pass.

    One that no supervisor has entered is told nowhere.
    """
    found = _read(tx)
    if name not in found:
        return False
    before = found[name]
    is_news = before.get("up") is not False or before["reason"] != reason
    now = {"up": False, "reason": reason, "passes": passes and is_news}
    if before != now:
        tx.set_meta(PROCESSES, dump(found | {name: now}))
    return is_news


def leave(tx: Transaction) -> None:
    """The supervisor goes, and its processes with it."""
    tx.run("delete_meta", key=PROCESSES)


def down(fact: Fact | None) -> dict[str, str]:
    """Those that are not up, each with the sentence about it."""
    return {name: _sentence(name, told) for name, told in (fact or {}).items() if not told["up"]}


def troubles(fact: Fact | None) -> dict[str, str]:
    """Those that fell and have not come back, each with the sentence about it."""
    return {name: told for name, told in down(fact).items() if (fact or {})[name]["reason"]}


def no_worker(fact: Fact | None) -> str | None:
    """Why no worker takes tasks; none where one is up, or nothing is known of any."""
    workers = {name: told for name, told in (fact or {}).items() if name.startswith(WORKER)}
    if not workers or any(told["up"] for told in workers.values()):
        return None
    return next(iter((troubles(workers) or down(workers)).values()))


def hold(fact: Fact | None) -> tuple[str | None, str | None]:
    """Why nothing is claimed while swarm is not up, and the cause, `SWARM` or `SWARM_STARTING`."""
    sentence = down(fact).get(SWARM)
    if sentence is None or fact is None:
        return None, None
    return sentence, SWARM_STARTING if fact[SWARM]["passes"] else SWARM


def stuck(fact: Fact | None) -> str | None:
    """Why no task can run; none where swarm and a worker are up, or nothing is known of them."""
    return down(fact).get(SWARM) or no_worker(fact)


def _sentence(name: str, told: Mapping[str, Any]) -> str:
    return f"{name} is starting" if told["reason"] is None else f"{name} is not up: {told['reason']}"


def _read(tx: Transaction) -> dict[str, Any]:
    text = tx.meta(PROCESSES)
    found: dict[str, Any] = {} if text is None else json.loads(text)
    return found
