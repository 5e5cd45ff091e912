"""Sends requests and awaits their answers: finds the address, keeps connections, tries again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import httpx

from skep_client import calls
from skep_client.address import Address, Place
from skep_client.calls import Call
from skep_client.errors import NotAuthenticated, SkepClientError
from skep_client.finding import Finding
from skep_client.retrying import Retries, Trial

Told = TypeVar("Told")


class AsyncSender:
    """What one client sends, for one event loop.

    Parameters:
        place: knows the address.
        timeout_s: seconds that one request may take.
        retries: how patiently a request is sent again.
        transport: takes the place of the network, for tests.
    """

    def __init__(
        self, place: Place, timeout_s: float, retries: Retries, transport: httpx.AsyncBaseTransport | None
    ) -> None:
        self._retries = retries
        #: for what is tried again elsewhere: only the start of the daemon is waited for
        self.at_once = replace(retries, most=1)
        self._finding = Finding(place)
        self._timeout_s = timeout_s
        self._transport = transport
        self._clients: dict[Path | None, httpx.AsyncClient] = {}

    async def shut(self) -> None:
        """Close the connections."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.aclose()

    async def lines(self, call: Call[None], read_s: float, retries: Retries) -> AsyncGenerator[str, None]:
        """The lines of a stream, which counts as broken after `read_s` seconds of silence."""
        timeout = httpx.Timeout(self._timeout_s, read=read_s)
        answer = await self._send(call, timeout, retries, stream=True)
        try:
            async for line in answer.aiter_lines():
                yield line
        except httpx.HTTPError as error:
            raise calls.trouble_of(error) from error
        finally:
            await answer.aclose()

    async def do(self, call: Call[Told]) -> Told:
        """Send a request, again where it may be; what it is answered with."""
        return call.read(await self._send(call, httpx.Timeout(self._timeout_s), self._retries, stream=False))

    async def _send(
        self, call: Call[Told], timeout: httpx.Timeout, retries: Retries, *, stream: bool
    ) -> httpx.Response:
        trial = Trial(retries, time.monotonic())
        while True:
            try:
                address = self._finding.address()
                try:
                    return await self._once(call, address, timeout, stream=stream)
                except NotAuthenticated:
                    if not self._finding.has_moved(address):
                        raise
            except SkepClientError as error:  # noqa: PERF203  the loop is for it
                self._finding.forget()
                await asyncio.sleep(trial.wait_after(error, time.monotonic()))

    async def _once(
        self, call: Call[Told], address: Address, timeout: httpx.Timeout, *, stream: bool
    ) -> httpx.Response:
        client = self._client(address)
        try:
            answer = await client.send(call.to(address, client, timeout), stream=stream)
            if not answer.is_success:
                await answer.aread()
                await answer.aclose()
                raise calls.refusal_of(answer)
        except httpx.HTTPError as error:
            raise calls.trouble_of(error) from error
        return answer

    def _client(self, address: Address) -> httpx.AsyncClient:
        client = self._clients.get(address.socket)
        if client is None:
            uds = None if address.socket is None else str(address.socket)
            transport = self._transport or httpx.AsyncHTTPTransport(uds=uds, trust_env=False)
            client = self._clients[address.socket] = httpx.AsyncClient(transport=transport, trust_env=False)
        return client
