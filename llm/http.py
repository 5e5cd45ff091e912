"""HTTP to one model server: an httpx transport, connections that are kept, bounds on everything.

The transport is `llm.pool`, whose sockets obey the call's watch, so that the whole request ends at a cancel
or at the deadline. It is called directly: what `httpx.Client` adds (the environment, redirects, cookies,
authentication) is not wanted here. What goes wrong below HTTP becomes a `ModelError` here.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping
from typing import Final

import httpcore
import httpx

from errors import ModelError, ModelFailed, ModelUnreachable
from llm.endpoint import Endpoint
from llm.failures import Failure, clean, failure_of_answer
from llm.network import ConnectionStale
from llm.pool import LaneTransport
from llm.watch import Watch

#: The most bytes of one answer, unpacked.
ANSWER_BYTES: Final = 64 * 1024 * 1024
#: The most bytes that are read of an error's body.
ERROR_BYTES: Final = 64 * 1024
#: How an answer may be packed, once. What lies packed within it may become a thousand times as large again
#: before anybody sees its size.
_UNPACKED: Final = frozenset({"gzip", "deflate"})
#: What packs a body (the registry of HTTP content codings). Other words, `none` and `utf-8` among them, are
#: sent by servers that pack nothing.
_PACKINGS: Final = _UNPACKED | {"br", "compress", "dcb", "dcz", "x-compress", "x-gzip", "zstd"}
#: What httpcore raises before a request is sent.
_NOT_CONNECTED: Final = (
    httpcore.ConnectError,
    httpcore.ConnectTimeout,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
)
_LOGGER: Final = logging.getLogger(__name__)


class AnswerCut(ModelFailed):
    """The connection broke before the answer's end."""

    code = "model_failed"


class Answer:
    """An HTTP answer whose body has not been read yet."""

    def __init__(self, response: httpx.Response, endpoint: Endpoint) -> None:
        self._response = response
        self._endpoint = endpoint
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers

    @property
    def ok(self) -> bool:
        """Whether the status is in the 200s."""
        return 200 <= self.status < 300

    def pieces(self) -> Iterator[bytes]:
        """The body as it comes.

        Raises:
            AnswerCut: the connection broke.
            ModelFailed: the body is larger than `ANSWER_BYTES` or not packed as it says.
        """
        size = 0
        with _told(self._endpoint, begun=True):
            for piece in self._unpacked():
                size += len(piece)
                if size > ANSWER_BYTES:
                    raise ModelFailed(
                        f"The model server at {self._endpoint.base_url} sent more than "
                        f"{ANSWER_BYTES // 2**20} MiB for one answer; it was dropped."
                    )
                yield piece

    def _unpacked(self) -> Iterator[bytes]:
        """The body, unpacked where a server packs it though it was asked not to."""
        stream = self._response.stream
        words = self._response.headers.get_list("content-encoding", split_commas=True)
        packed = [each for each in map(str.lower, words) if each in _PACKINGS]
        if not packed and isinstance(stream, httpx.SyncByteStream):
            return iter(stream)
        if len(packed) > 1 or not _UNPACKED.issuperset(packed):
            raise ModelFailed(
                f"The model server at {self._endpoint.base_url} packed its answer as "
                f"{clean(', '.join(packed), self._endpoint.api_key, 60)}, and it was asked not to pack it."
            )
        return self._response.iter_bytes()

    def failure(self) -> Failure:
        """What an answer that is not `ok` says."""
        body = b""
        # The status alone says enough where the words break off, or cannot be read.
        with contextlib.suppress(ModelFailed):
            for piece in self.pieces():
                body += piece
                if len(body) >= ERROR_BYTES:
                    break
        return failure_of_answer(self.status, self.headers, body[:ERROR_BYTES], self._endpoint)


class Session:
    """The connections to one endpoint. Safe to share between threads; close it once."""

    def __init__(self, endpoint: Endpoint, headers: Mapping[str, str]) -> None:
        self.endpoint = endpoint
        self._transport = LaneTransport(endpoint)
        self._headers = httpx.Headers(
            {
                "accept": "*/*",
                "accept-encoding": "identity",
                "connection": "keep-alive",
                "user-agent": "skep",
                **headers,
            }
        )
        self._json_headers = httpx.Headers([*self._headers.raw, (b"content-type", b"application/json")])
        self._timeout = httpx.Timeout(None, connect=endpoint.connect_timeout_s).as_dict()
        #: addresses by path, each read once
        self._urls: dict[str, httpx.URL] = {}

    @contextlib.contextmanager
    def request(self, method: str, path: str, watch: Watch, body: bytes | None = None) -> Iterator[Answer]:
        """Send a request and give its answer as soon as the headers are there."""
        url = self._urls.get(path) or self._urls.setdefault(path, httpx.URL(self.endpoint.base_url + path))
        headers = self._headers if body is None else self._json_headers
        request = httpx.Request(
            method, url, content=body, headers=headers, extensions={"timeout": self._timeout}
        )
        with contextlib.closing(self._send(request, watch)) as response:
            yield Answer(response, self.endpoint)

    def _send(self, request: httpx.Request, watch: Watch) -> httpx.Response:
        with _told(self.endpoint, begun=False):
            watch.answered = False
            try:
                return self._transport.handle_request(request)
            except ConnectionStale:
                # The server closed a kept connection just as we wrote to it; a new one will do.
                _LOGGER.debug("model connection was stale, trying again")
                return self._transport.handle_request(request)

    def close(self) -> None:
        """Close every connection."""
        self._transport.close()


@contextlib.contextmanager
def _told(endpoint: Endpoint, *, begun: bool) -> Iterator[None]:
    """Turn httpcore's and httpx's errors into sentences about `endpoint`."""
    try:
        yield
    except _NOT_CONNECTED as error:
        raise ModelUnreachable(_sentence("cannot be reached", endpoint, error)) from error
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
        what = "broke off its answer" if begun else "closed the connection without an answer"
        cut: type[ModelError] = AnswerCut if begun else ModelFailed
        raise cut(_sentence(what, endpoint, error)) from error
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise ModelFailed(_sentence("gave an answer that cannot be read", endpoint, error)) from error


def _sentence(what: str, endpoint: Endpoint, error: Exception) -> str:
    words = clean(str(error.args[0]) if error.args else "", endpoint.api_key) or type(error).__name__
    through = " through the proxy of SKEP_LLM_PROXY" if endpoint.proxy else ""
    end = "" if words.endswith((".", "?", "!")) else "."
    return f"The model server at {endpoint.base_url} {what}{through}: {words}{end}"
