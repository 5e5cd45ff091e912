"""Whether what is told to programs that watch gets to where it is told."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec

from doctor.examined import Examined
from doctor.findings import Finding, ok, warn
from sentences import ended
from telemetry.endpoint import endpoint_of
from telemetry.follower import read_state
from telemetry.sender import MISSING


def check_traces(examined: Examined) -> Iterator[Finding]:
    """Whether spans are written, and sent where they are to be."""
    settings, state = examined.settings, read_state(examined.home)
    if settings.traces == "off":
        yield ok("traces", 'No traces are written (traces = "off").')
    elif state.get("trouble"):
        told = ended(f"Traces cannot be written: {state['trouble']}")
        yield warn("traces", told, "Look at the rights and the disk of .swarm/traces; tasks go on without.")
    else:
        yield ok("traces", "Spans are written to .swarm/traces/spans.jsonl by the panel's process.")
    endpoint = endpoint_of(settings, os.environ)
    if endpoint is None:
        return
    sent = state.get("otlp") or {}
    trouble = endpoint.refused or _missing() or sent.get("trouble")
    if trouble:
        told = ended(f"Traces are not sent to {endpoint.host or 'the endpoint'}: {trouble}")
        yield warn("otlp", told, "Correct otel_endpoint, or start the receiver; tasks go on without.")
    else:
        texts = "with" if settings.otel_prompts else "without"
        yield ok(
            "otlp", f"Traces are sent to {endpoint.host}, {texts} prompts: {sent.get('sent', 0):,} so far."
        )


def _missing() -> str | None:
    """Why nothing can be sent for want of the library."""
    try:
        there = find_spec("opentelemetry.exporter.otlp.proto.http")
    except ModuleNotFoundError:  # not even what it stands in
        there = None
    return None if there else MISSING
