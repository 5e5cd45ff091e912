"""Contexts are read strictly, ids are derived alike everywhere, and endpoints are held to their rule."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings import Settings
from telemetry.endpoint import endpoint_of
from telemetry.names import provider_of
from telemetry.trace_ids import Context, TraceIds

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    "text",
    [f"00-{TRACE}-{SPAN}-01", f" 00-{TRACE}-{SPAN}-00 ", f"cc-{TRACE}-{SPAN}-01-what-comes-later"],
)
def test_a_traceparent_is_read(text: str) -> None:
    assert Context.read(text) == (TRACE, SPAN)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "00",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"cc-{TRACE}-{SPAN}-01-{'x' * 600}",
        f"00-{TRACE}-{SPAN}-01\nx",
    ],
)
def test_what_is_no_traceparent_counts_as_none(text: str | None) -> None:
    assert Context.read(text) is None


@given(st.text())
def test_no_text_is_more_than_two_numbers(text: str) -> None:
    found = Context.read(text)
    assert found is None or Context.read(str(found)) == found


def test_ids_are_derived_and_differ_between_homes() -> None:
    one, same, other = TraceIds("a"), TraceIds("a"), TraceIds("b")

    assert one.attempt("t", 1) == same.attempt("t", 1) != other.attempt("t", 1)
    assert (
        len({one.attempt("t", 1), one.attempt("t", 2), one.command("t", 1), one.task("t"), one.run("t")}) == 5
    )
    assert one.trace("r:a", "r", None) == one.trace("r:b", "r", None) != one.trace("r", None, None)
    assert one.trace("r:a", "r", Context(TRACE, SPAN)) == TRACE


@pytest.mark.parametrize(
    ("setting", "environ", "url", "refused"),
    [
        ("http://127.0.0.1:4318", {}, "http://127.0.0.1:4318/v1/traces", None),
        ("http://[::1]:4318/", {}, "http://[::1]:4318/v1/traces", None),
        ("https://c.example/v1/traces", {}, "https://c.example/v1/traces", None),
        (None, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:1"}, "http://localhost:1/v1/traces", None),
        (None, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://c.example/t"}, "https://c.example/t", None),
        ("https://own.example", {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://c.example/t"},
         "https://own.example/v1/traces", None),
        ("http://c.example", {}, "http://c.example/v1/traces", "for this machine only"),
        (None, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://10.0.0.1"}, "http://10.0.0.1/v1/traces", "only"),
        ("ftp://c.example", {}, "ftp://c.example/v1/traces", "no http:// or https:// address"),
        ("http://[", {}, "http://[/v1/traces", "no http:// or https:// address"),
    ],
)  # fmt: skip
def test_traces_go_to_this_machine_or_by_https(setting, environ, url, refused) -> None:
    found = endpoint_of(Settings(otel_endpoint=setting), environ)

    assert found is not None
    assert found.url == url
    assert (found.refused is None) == (refused is None)
    assert refused is None or refused in str(found.refused)


def test_nothing_is_sent_where_no_address_is_set() -> None:
    assert endpoint_of(Settings(), {"OTEL_EXPORTER_OTLP_ENDPOINT": " "}) is None


@pytest.mark.parametrize(
    ("host", "protocol", "provider"),
    [
        ("api.groq.com", "auto", "groq"),
        ("x.openai.azure.com", "auto", "azure.ai.openai"),
        ("127.0.0.1", "auto", "openai"),
        ("127.0.0.1", "anthropic", "anthropic"),
    ],
)
def test_a_provider_is_known_by_its_host_or_its_protocol(host: str, protocol: str, provider: str) -> None:
    assert provider_of(host, protocol) == provider
