"""Where spans are sent, and whether they may be: what goes to another machine leaves this one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from llm.endpoint import is_loopback
from settings import Settings

#: The standard's own variables: the base address, and the whole address of traces.
BASE_VARIABLE: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
TRACES_VARIABLE: Final = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
PATH: Final = "/v1/traces"


class Endpoint(NamedTuple):
    """An address that spans are to be sent to."""

    #: with the path of traces; may hold a password
    url: str
    #: as people are told it
    host: str
    #: why nothing is sent there; none: it is
    refused: str | None


def endpoint_of(settings: Settings, environ: Mapping[str, str]) -> Endpoint | None:
    """The address by the settings, else by the standard's variables; none where nothing is to be sent."""
    whole = environ.get(TRACES_VARIABLE, "").strip()
    if settings.otel_endpoint is None and whole:
        return _checked(whole)
    base = (settings.otel_endpoint or environ.get(BASE_VARIABLE, "")).strip().rstrip("/")
    if not base:
        return None
    return _checked(base if base.endswith(PATH) else f"{base}{PATH}")


def _checked(url: str) -> Endpoint:
    try:
        parts = urlsplit(url)
        host, scheme, _ = parts.hostname or "", parts.scheme, parts.port
    except ValueError:
        host = scheme = ""
    if scheme not in {"http", "https"} or not host:
        return Endpoint(url, host, "it is no http:// or https:// address")
    if scheme == "http" and not is_loopback(host):
        return Endpoint(
            url, host, "http:// is for this machine only, as it shows traces to the network; use https://"
        )
    return Endpoint(url, host, None)
