"""``/cycle`` by itself: fifty leases executed at once, each a model call that takes its time.

Beside it stand the libraries that it is made of without Skep, in one process and in two: what they take is
what no program built on them can go below, on this machine.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx

import host_platform
from benchmarks import homes, processes
from benchmarks.measure import Bar, Bench, Figure, figure
from road.cycle_client import CycleClient
from settings import Home, Settings
from store.claims import Claimant
from store.records import Claim
from store.sqlite_store import SqliteStore
from testing.running_daemon import free_port
from worker import listening_swarm

AT_ONCE = 50
DELAY_S = 0.2
#: Times the fifty are sent in a round, after a first time that only opens the connections.
TIMES = 8
#: Threads of the bare server, as many as swarm has.
THREADS = Settings().swarm_threads


def run(bench: Bench) -> list[Figure]:
    """Measure fifty calls at once, beside the time they must take and the libraries without Skep."""
    times = bench.size(TIMES, 3)
    with (
        processes.model_server(DELAY_S * 1000) as model,
        processes.module("benchmarks.bare_cycle", str(THREADS), model) as bare,
        processes.module("benchmarks.bare_cycle", str(THREADS), model) as second,
        _swarm(bench.place("cycle"), model) as calling,
    ):
        servers = [processes.first_line(each) for each in (bare, second)]
        one, two = (_Posting(servers[:count], calling.pool) for count in (1, 2))
        results = bench.alternate(
            {
                "through /cycle": lambda: calling.seconds(times),
                "bare": lambda: one.seconds(times),
                "bare twice": lambda: two.seconds(times),
            }
        )
    taken = {name: [one for found in rounds for one in found] for name, rounds in results.items()}
    return [
        figure(
            f"{AT_ONCE} calls of /cycle at once, each a model call of 200 ms",
            "s",
            taken["through /cycle"],
            beside={
                "the calls alone must take": [DELAY_S],
                "bare Flask, waitress and httpx": taken["bare"],
                "the same in two processes": taken["bare twice"],
            },
            bar=Bar(1.25, "at most", "ratio"),
            note="from the first call to the last answer, each with its start and its outcome durable",
        )
    ]


def _at_once(pool: ThreadPoolExecutor, calls: Sequence[Callable[[], None]]) -> float:
    """Seconds from the first call to the last answer of calls that are made together, a thread for each."""
    together = threading.Barrier(len(calls))

    def timed(call: Callable[[], None]) -> tuple[float, float]:
        together.wait()
        start = time.monotonic()
        call()
        return start, time.monotonic()

    spans = list(pool.map(timed, calls))
    return max(end for _, end in spans) - min(start for start, _ in spans)


@dataclass(frozen=True, slots=True)
class _Calling:
    """A store that claims, and as many threads as there are calls, each with its own connection."""

    store: SqliteStore
    client: CycleClient
    pool: ThreadPoolExecutor

    def seconds(self, times: int) -> list[float]:
        """Send all at once, `times` times after a first one that does not count."""
        return [self._send() for _ in range(times + 1)][1:]

    def _send(self) -> float:
        return _at_once(self.pool, [functools.partial(self._call, claim) for claim in self._claim()])

    def _claim(self) -> Sequence[Claim]:
        name = f"at-{time.monotonic_ns()}"
        tasks = [task | {"id": f"{name}-{task['id']}"} for task in homes.prompts(AT_ONCE)]
        self.store.submit(homes.new_tasks(tasks), "bench")
        who = Claimant("bench", host_platform.this_process(), 600.0)
        claims = self.store.claim(who, AT_ONCE)
        if len(claims) != AT_ONCE:
            raise RuntimeError(f"{len(claims)} of {AT_ONCE} tasks were claimed")
        return claims

    def _call(self, claim: Claim) -> None:
        body = {
            "task_id": claim.id, "lease": claim.ref.lease, "mode": "llm", "prompt": claim.task.prompt,
            "timeout": 60.0, "intensity": "medium",
        }  # fmt: skip
        outcome = self.client.cycle(body, 60.0)
        if outcome.status != "completed":
            raise RuntimeError(f"{claim.id}: {outcome.result}")


class _Posting:
    """The same threads, each with a client of httpx, before the libraries alone, at each address in turn."""

    def __init__(self, urls: Sequence[str], pool: ThreadPoolExecutor) -> None:
        self._urls = urls
        self._pool = pool
        self._local = threading.local()

    def seconds(self, times: int) -> list[float]:
        """Send all at once, `times` times after a first one that does not count."""
        turns = itertools.islice(itertools.cycle(self._urls), AT_ONCE)
        posts = [functools.partial(self._post, url) for url in turns]
        return [_at_once(self._pool, posts) for _ in range(times + 1)][1:]

    def _post(self, url: str) -> None:
        if not hasattr(self._local, "client"):
            self._local.client = httpx.Client(trust_env=False, timeout=60)
        self._local.client.post(url, json={"task_id": "bare"}).raise_for_status()


@contextlib.contextmanager
def _swarm(root: Path, model: str) -> Iterator[_Calling]:
    root.mkdir()
    home, port = Home(root), free_port()
    settings = Settings(swarm_port=port)
    environment = homes.model_settings(model) | {"SKEP_SWARM_PORT": str(port), "SKEP_DISK_FREE_BYTES": "0"}
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(SqliteStore(home, settings))
        stack.enter_context(processes.module("swarm", "--home", str(root), environment=environment))
        processes.wait_for_port(port)
        homes.wait_for_event(root, "daemon.started")
        homes.wait_for_event(root, "daemon.model")
        client = CycleClient(functools.partial(listening_swarm, home), home.token)
        stack.callback(client.close)
        yield _Calling(store, client, stack.enter_context(ThreadPoolExecutor(AT_ONCE)))
