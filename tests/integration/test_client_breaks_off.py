"""The client package where its caller breaks off: no run is left behind that nobody waits for."""

from __future__ import annotations

import asyncio
import threading

import httpx
import pytest
from skep_client import AsyncSkep, Skep

from testing.model_server import ModelRequest, ModelServer, Reply
from tests.integration.client_rig import Gate
from tests.integration.swarm_rig import eventually
from tests.integration.worker_rig import WorkerRig

SETTINGS = {"max_attempts": 1}


def answer(_: ModelRequest) -> Reply:
    return Reply(text="at last", hold=Gate.opened)


def test_who_stops_reading_aborts_the_run(working: WorkerRig, gate: threading.Event) -> None:
    with Skep(working.home.root) as skep:
        run = skep.start([{"id": "a", "prompt": "Wait"}])
        reading = skep.follow(run.id)
        assert next(reading).event == "run.started"
        reading.close()
        gate.set()
        assert skep.wait(run.id, 30).state == "aborted"


class BreakingOff(httpx.HTTPTransport):
    """Breaks off as Ctrl-C does once the start of a run was sent, before its answer is heard."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = super().handle_request(request)
        if request.method == "POST" and request.url.path.endswith("/runs"):
            raise KeyboardInterrupt
        return answer


class CancelledAtTheStart(httpx.AsyncHTTPTransport):
    """Is cancelled once the start of a run was sent, before its answer is heard."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        if request.method == "POST" and request.url.path.endswith("/runs"):
            raise asyncio.CancelledError
        return answer


def test_a_start_that_is_broken_off_leaves_no_run_that_goes_on(
    working: WorkerRig, gate: threading.Event
) -> None:
    with Skep(working.home.root) as skep:
        known = {run.id for run in skep.list()}

    async def cancelled() -> None:
        async with AsyncSkep(working.home.root, transport=CancelledAtTheStart()) as skep:
            with pytest.raises(asyncio.CancelledError):
                await skep.ask("Wait")

    with Skep(working.home.root, transport=BreakingOff()) as skep, pytest.raises(KeyboardInterrupt):
        skep.ask("Wait")
    asyncio.run(cancelled())
    gate.set()
    with Skep(working.home.root) as skep:
        made = [run.id for run in skep.list() if run.id not in known]
        assert [skep.wait(each, 30).state for each in made] == ["aborted", "aborted"]


def test_a_question_that_is_cancelled_aborts_its_run(
    working: WorkerRig, models: ModelServer, gate: threading.Event
) -> None:
    before = len(models.requests)

    async def give_up() -> None:
        async with AsyncSkep(working.home.root) as skep:
            asked = asyncio.ensure_future(skep.ask("Wait"))
            await asyncio.to_thread(eventually, lambda: len(models.requests) > before, "the model is asked")
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked

    asyncio.run(give_up())
    gate.set()
    with Skep(working.home.root) as skep:
        assert skep.wait(next(iter(skep.list())).id, 30).state == "aborted"
