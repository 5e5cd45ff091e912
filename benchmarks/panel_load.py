"""People at the panel: so many requests a second, each timed from when it was due, and streams kept open."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx

#: Requests that may be under way at once; more would be late by our own fault.
HANDS = 24


@dataclass
class Asked:
    """What came of asking."""

    #: seconds from when a request was due to its whole answer, by path
    waited: dict[str, list[float]] = field(default_factory=dict)
    #: answers that were neither 200 nor 304, as ``status path``
    refused: list[str] = field(default_factory=list)

    @property
    def all(self) -> list[float]:
        """Every wait."""
        return [each for waits in self.waited.values() for each in waits]


class Visitors:
    """Those who ask a panel, with the token of its home."""

    def __init__(self, url: str, token: str) -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=HANDS)
        self._client = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30, limits=limits
        )

    def ask(self, paths: Sequence[str], rate: float, seconds: float) -> Asked:
        """Ask for the paths in turn, `rate` times a second."""
        asked, began = Asked(), time.monotonic()
        due = (began + number / rate for number in itertools.count())
        with ThreadPoolExecutor(HANDS) as hands:
            for path, moment in zip(itertools.cycle(paths), due, strict=False):
                if moment - began > seconds:
                    break
                time.sleep(max(0.0, moment - time.monotonic()))
                hands.submit(self._one, asked, path, moment)
        return asked

    def _one(self, asked: Asked, path: str, due: float) -> None:
        answer = self._client.get(path)
        asked.waited.setdefault(path, []).append(time.monotonic() - due)
        if answer.status_code not in {200, 304}:
            asked.refused.append(f"{answer.status_code} {path}")

    def paths(self) -> list[str]:
        """Every address of the panel that is read and needs nothing but its name; whole files are none."""
        described = self._client.get("/api/v1/openapi.json").json()["paths"]
        api = [
            path
            for path, methods in described.items()
            if not path.endswith("/export")
            and "{" not in path
            and "text/event-stream" not in str(methods.get("get"))
            and "get" in methods
        ]
        return sorted(api)

    @contextlib.contextmanager
    def tabs(self, count: int) -> Iterator[dict[int, int]]:
        """So many tabs of different browsers: each wants a stream, and asks once a second if it gets none."""
        opened = [self._open() for _ in range(count)]
        statuses = [stream.status_code for stream in opened]
        left_out = statuses.count(503)
        stop = threading.Event()
        poller = threading.Thread(target=self._poll, args=(left_out, stop))
        poller.start()
        try:
            yield {status: statuses.count(status) for status in set(statuses)}
        finally:
            stop.set()
            poller.join()
            for stream in opened:
                stream.close()

    def _open(self) -> httpx.Response:
        return self._client.send(self._client.build_request("GET", "/pulse/stream"), stream=True)

    def _poll(self, tabs: int, stop: threading.Event) -> None:
        while tabs and not stop.wait(1.0 / tabs):
            self._client.get("/pulse")

    def close(self) -> None:
        """Go home."""
        self._client.close()
