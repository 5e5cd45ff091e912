"""Sends spans by OTLP, beside everything else: what cannot be sent is dropped, and told once.

The library is the extra ``skep[otel]`` and is imported when there is something to send to. Nothing waits for
the receiver: batches stand in a short row, a dead receiver is tried again ever less often, and the oldest go
when the row is full. The files of the home have them all the same.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from telemetry import names
from telemetry.endpoint import Endpoint
from telemetry.span import Span

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter

logger = logging.getLogger(__name__)

#: Batches that wait, and seconds that one may take with all tries of the library.
MOST_BATCHES: Final = 64
TIMEOUT_S: Final = 5.0
#: Seconds before a receiver that failed is tried again, at first and at most.
PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0
MISSING: Final = "skep[otel] is not installed: pip install 'skep[otel]', or unset the endpoint"


class Sender:
    """Sends to one receiver from a thread of its own."""

    def __init__(self, endpoint: Endpoint, version: str) -> None:
        self._endpoint = endpoint
        self._version = version
        self._waiting: deque[Sequence[Span]] = deque()
        self._changed = threading.Condition()
        self._is_sending = False
        self._stop = threading.Event()
        self._exporter: SpanExporter | None = None
        self._thread = threading.Thread(target=self._run, name="otlp", daemon=True)
        self.sent = 0
        self.dropped = 0
        #: why the last batch could not be sent; none: it was, or there was none
        self.trouble: str | None = endpoint.refused

    def start(self) -> None:
        """Begin to send; where that cannot be, say so once and drop everything."""
        if self.trouble is None:
            try:
                self._exporter = _exporter(self._endpoint.url)
            except ImportError:
                self.trouble = MISSING
        if self._exporter is None:
            logger.warning(
                "traces are not sent to %s: %s", self._endpoint.host or "the endpoint", self.trouble
            )
        else:
            self._thread.start()

    def put(self, spans: Sequence[Span]) -> None:
        """Hand in a batch; returns at once."""
        with self._changed:
            self._waiting.append(spans)
            while len(self._waiting) > (MOST_BATCHES if self._exporter is not None else 0):
                self.dropped += len(self._waiting.popleft())
            self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Wait until all that was handed in has been sent or dropped; whether it has."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._is_sending, seconds)

    def close(self) -> None:
        """Send what can be sent within some seconds, and let the connection go."""
        if self._exporter is None:
            return
        if self.trouble is None:
            self.wait(TIMEOUT_S)
        self._stop.set()
        self._exporter.shutdown()  # ends the library's own waiting between tries
        with self._changed:
            self._changed.notify_all()
        self._thread.join(TIMEOUT_S)

    def state(self) -> dict[str, Any]:
        """How it stands, for people."""
        told = {"host": self._endpoint.host, "sent": self.sent, "dropped": self.dropped}
        return told | {"trouble": self.trouble}

    def _run(self) -> None:
        pause = PAUSE_S
        while not self._stop.is_set():
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._stop.is_set())
                if self._stop.is_set():
                    return
                spans = self._waiting.popleft()
                self._is_sending = True
            is_sent = self._send(spans)
            with self._changed:
                self._is_sending = False
                self._changed.notify_all()
            pause = PAUSE_S if is_sent else min(2 * pause, LONGEST_PAUSE_S)
            if not is_sent:
                self._stop.wait(pause)

    def _send(self, spans: Sequence[Span]) -> bool:
        try:
            trouble = _export(self._exporter, [_readable(span, self._version) for span in spans])
        except Exception as error:  # the library's, whatever it is: nothing here may break off for it
            trouble = f"{type(error).__name__}"
        if trouble is None:
            self.sent += len(spans)
            if self.trouble is not None:
                logger.info("traces are sent to %s again", self._endpoint.host)
        else:
            self.dropped += len(spans)
            if self.trouble is None:
                logger.warning("traces cannot be sent to %s: %s", self._endpoint.host, trouble)
        self.trouble = trouble
        return trouble is None


def _exporter(url: str) -> SpanExporter:
    """The library's exporter, with a session that follows no redirect and no proxy of the environment."""
    import requests  # noqa: PLC0415  what only a home that sends traces needs
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # told here, once
    session = requests.Session()
    session.trust_env = False
    session.max_redirects = 0
    return OTLPSpanExporter(endpoint=url, timeout=TIMEOUT_S, session=session)


def _export(exporter: SpanExporter | None, spans: Sequence[ReadableSpan]) -> str | None:
    """Why a batch was not taken; none: it was."""
    from opentelemetry.sdk.trace.export import SpanExportResult  # noqa: PLC0415

    if exporter is not None and exporter.export(spans) is SpanExportResult.SUCCESS:
        return None
    return "the receiver does not take them"


def _readable(span: Span, version: str) -> ReadableSpan:
    """A span as the library takes it."""
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import ReadableSpan  # noqa: PLC0415
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope  # noqa: PLC0415
    from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags  # noqa: PLC0415

    def context(span_id: str) -> SpanContext:
        flags = TraceFlags(TraceFlags.SAMPLED)
        return SpanContext(int(span.trace_id, 16), int(span_id, 16), is_remote=False, trace_flags=flags)

    return ReadableSpan(
        name=span.name,
        context=context(span.span_id),
        parent=None if span.parent_id is None else context(span.parent_id),
        resource=Resource({names.SERVICE_NAME: "skep", names.SERVICE_VERSION: version}),
        attributes=dict(span.attributes),
        kind=SpanKind.CLIENT if span.kind == "client" else SpanKind.INTERNAL,
        status=Status(StatusCode.UNSET if span.error is None else StatusCode.ERROR),
        start_time=span.start_nanos,
        end_time=span.end_nanos,
        instrumentation_scope=InstrumentationScope(names.SCOPE),
    )
