"""What the tests of the client share: a model that waits where it is told to, and `AsyncSkep` that blocks."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from skep_client import AsyncSkep

from testing.model_server import ModelRequest, Reply

LONG = "A word and another. " * 200


class Gate:
    """What keeps the model from answering a prompt that says Wait, until it is opened."""

    opened = threading.Event()


def answer(request: ModelRequest) -> Reply:
    """Long where it is asked to be; else the last line of what was asked."""
    own = request.prompt.rpartition("TASK:\n")[2]
    if "key" in own:
        return Reply(text="It is AKIAIOSFODNN7EXAMPLE, " + LONG)
    if "Wait" in own:
        return Reply(text="at last", hold=Gate.opened)
    return Reply(text=LONG if "at length" in own else f"answer to: {own.strip().splitlines()[-1][:60]}")


class Blocking:
    """`AsyncSkep` as if it were `Skep`, so that one test holds for both."""

    def __init__(self, root: Path) -> None:
        self._runner = asyncio.Runner()
        self._skep = AsyncSkep(root)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._skep, name)

        def call(*arguments: Any, **named: Any) -> Any:
            made = method(*arguments, **named)
            if not inspect.isasyncgen(made):
                return self._runner.run(made)

            return self._each(made)

        return call

    def _each(self, made: Any) -> Iterator[Any]:
        async def another() -> Any:
            return await anext(made)

        try:
            while True:
                try:
                    yield self._runner.run(another())
                except StopAsyncIteration:
                    return
        finally:
            self._runner.run(made.aclose())

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._skep.shut())
        self._runner.close()

    def __enter__(self) -> Blocking:
        return self
