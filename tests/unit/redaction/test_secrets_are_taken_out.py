"""Redaction: known values in every form, known shapes, named secrets; and what is none."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import sys
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon_log import JsonLines
from localhost import problems
from redaction import KNOWN, StreamRedactor, clean, clean_start, clean_value, redact
from redaction.known import is_secret_name

# put together here, so that no scanner takes this file for a leak
SHAPES = {
    "openai-key": "sk-" + "abcDEF0123456789abcDEF0123456789",
    "anthropic-key": "sk-ant-" + "api03-abcDEF0123456789abcDEF",
    "groq-key": "gsk_" + "abcDEF0123456789abcDEF0123",
    "huggingface-token": "hf_" + "abcdefghijABCDEFGHIJabcdef",
    "google-key": "AIza" + "SyA0123456789abcdefghijklmnopqrstuv",
    "github-token": "ghp_" + "abcdefghijABCDEFGHIJ0123456789abcdef",
    "gitlab-token": "glpat-" + "abcdefgh0123456789",
    "slack-token": "xoxb-" + "123456789012-abcdefghijkl",
    "aws-key-id": "AKIA" + "ABCDEFGHIJKLMNOP",
    "stripe-key": "sk_live_" + "abcdefghij0123456789",
    "npm-token": "npm_" + "abcdefghijABCDEFGHIJ0123456789abcdef",
    "pypi-token": "pypi-" + "AgEIcHlwaS5vcmcCJDAwMDAwMDAwMDAwMDAwMDA",
    "sendgrid-key": "SG." + "abcdefghij0123456789.abcdefghij0123456789",
    "twilio-key": "SK" + "0123456789abcdef0123456789abcdef",
    "telegram-token": "123456789:AA" + "abcdefghijABCDEFGHIJ0123456789abc",
    "jwt": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0In0.abcDEF123",
    "execution-token": "skep_" + "abcdefghijABCDEFGHIJ0123456789abcdefghijABCDEFGHIJ0123456789abcd",
    "private-key": "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----",
}


@pytest.mark.parametrize("colour", ["\x1b[31m", "\x1b[38;5;208m", "\x1b[K", "\x9b1m"])
@pytest.mark.parametrize("kind", SHAPES)
def test_a_known_shape_is_seen_right_behind_a_colour(kind: str, colour: str) -> None:
    assert clean(f"{colour}{SHAPES[kind]}\x1b[0m after") == f"{colour}[redacted:{kind}]\x1b[0m after"


@pytest.mark.parametrize("kind", SHAPES)
def test_a_known_shape_is_replaced_by_its_kind(kind: str) -> None:
    found = redact(f"before {SHAPES[kind]} after")

    assert found.text == f"before [redacted:{kind}] after"
    assert found.kinds == {kind: 1}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgres://bob:s3cr3t@db/x", "postgres://bob:[redacted:url-password]@db/x"),
        ("Authorization: Bearer abc123def456ghi", "Authorization: Bearer [redacted:authorization]"),
        ("curl -u admin:tops3cret https://x", "curl -u admin:[redacted:password] https://x"),
        ("DB_PASSWORD=Pa55w0rd!", "DB_PASSWORD=[redacted:password]"),
        ('{"api_key": "abcd1234efgh"}', '{"api_key": "[redacted:key]"}'),
        ("secret: s3cr3tv4lue", "secret: [redacted:secret]"),
        ("the password is hunter2", "the password is [redacted:password]"),
        ("Das Passwort lautet Geheim123.", "Das Passwort lautet [redacted:password]."),
        ("my token is abc123def456", "my token is [redacted:token]"),
        ("x-api-key: 0a1b2c3d4e5f", "x-api-key: [redacted:authorization]"),
        ("AccountKey=" + "abcdefghij" * 4 + "==", "AccountKey=[redacted:azure-key]"),
        (
            "AKIA" + "ABCDEFGHIJKLMNOP and wJalrXUtnFEMIK7MDENGbPxRfiCYzzzzzzzz1234",
            "[redacted:aws-key-id] and [redacted:aws-secret]",
        ),
    ],
)
def test_a_named_secret_is_replaced(text: str, shown: str) -> None:
    assert clean(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "sha1 3f786850e387550fdab836ed7e6dc881de23001b",
        "sha256 " + "ab12" * 16,
        "id 550e8400-e29b-41d4-a716-446655440000",
        "api_key=<your key>",
        "api_key = os.environ['KEY']",
        "password: xxxxxxxx",
        "token=${TOKEN}",
        "def f(password: str, token: str | None = None) -> None: ...",
        "max_tokens: 2048",
        "password must be at least 8 characters",
        "The password is required.",
        "How do I rotate my API keys?",
        "task-based-scheduling-with-many-words",
        "the key is to listen",
        "https://example.com/a/b?q=hello",
        "git@github.com:a/b.git",
        "PASSWORD_RESET_URL=https://x.example/reset",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize("lead", ["", "a", "ab"])
def test_a_known_value_is_found_in_every_form(lead: str) -> None:
    value = "correct-horse+battery/staple"
    KNOWN.learn(value, "environment-secret")

    for form in (
        value,
        quote(value, safe=""),
        value.encode().hex(),
        value.encode().hex().upper(),
        base64.b64encode(f"{lead}{value}tail".encode()).decode(),
        base64.urlsafe_b64encode(f"{lead}{value}".encode()).decode(),
        json.dumps({"x": value}),
    ):
        assert "[redacted:environment-secret]" in clean(f"it is {form} here"), form
    assert value not in clean(f"{lead}{value}")


def test_a_value_that_was_shown_before_it_was_known_to_be_secret_is_shown_no_more() -> None:
    value = "correct-horse-battery"
    assert clean(value) == value

    KNOWN.learn(value, "environment-secret")

    assert clean(value) == "[redacted:environment-secret]"
    assert clean_value({value: [value]}) == {
        "[redacted:environment-secret]": ["[redacted:environment-secret]"]
    }


def test_the_environment_tells_by_names_which_values_are_secret() -> None:
    KNOWN.learn_environment(
        {
            "GROQ_API_KEY": "value-of-the-key",
            "DB_PASSWORD": "value-of-the-password",
            "PATH": "/usr/bin:/value/of/path",
            "MONKEY": "value-of-the-monkey",
            "SSH_AUTH_SOCK": "/run/agent.sock",
            "SHORT_TOKEN": "abc",
        }
    )

    assert clean("value-of-the-key value-of-the-password") == (
        "[redacted:environment-secret] [redacted:environment-secret]"
    )
    assert clean("value-of-the-monkey abc /run/agent.sock") == "value-of-the-monkey abc /run/agent.sock"


def test_names_of_secrets() -> None:
    assert all(map(is_secret_name, ["OPENAI_API_KEY", "token", "db_password", "CLIENT_SECRET", "PGPASSWORD"]))
    assert not any(map(is_secret_name, ["PATH", "HOME", "KEYBOARD", "MONKEY", "LANG", "PWD"]))


@pytest.mark.parametrize("most", [30, 45, 60, 200])
def test_a_secret_on_a_cut_is_taken_out_before_the_cut(most: int) -> None:
    text = f"the answer is found by {SHAPES['openai-key']} and then some"

    assert clean_start(text, most) == clean(text)[:most]


def test_json_keeps_its_form() -> None:
    value = {
        "password": "hunter22",
        "n": 1,
        "list": ["gsk_" + "abcDEF0123456789abcDEF0123", None],
        "ok": True,
    }

    assert clean_value(value) == {
        "password": "[redacted:password]", "n": 1, "list": ["[redacted:groq-key]", None], "ok": True,
    }  # fmt: skip


@given(st.text(max_size=200), st.sampled_from(sorted(SHAPES)))
def test_redacting_twice_is_redacting_once(text: str, kind: str) -> None:
    once = clean(f"{text} {SHAPES[kind]} {text}")

    assert clean(once) == once


@given(st.binary(max_size=300), st.integers(1, 40))
def test_a_stream_without_secrets_comes_out_as_it_went_in(data: bytes, size: int) -> None:
    redactor = StreamRedactor()
    pieces = [redactor.feed(data[place : place + size]) for place in range(0, len(data), size)]
    whole = b"".join([*pieces, redactor.finish()])

    assert whole == clean(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_secret_that_comes_in_pieces_is_still_seen(kind: str, size: int) -> None:
    data = f"one two\nthree {SHAPES[kind]} four\npassword: hunter2\nlast".encode()
    redactor = StreamRedactor()
    pieces = [redactor.feed(data[place : place + size]) for place in range(0, len(data), size)]

    assert b"".join([*pieces, redactor.finish()]).decode() == (
        f"one two\nthree [redacted:{kind}] four\npassword: [redacted:password]\nlast"
    )


ABOUT = "\nVersion: GnuPG v1.4 (GNU/Linux)\nComment: mine\n\n"
LINE = "MIIEpAIBAAKCAQEA7bq" * 3 + "+/=9"


@pytest.mark.parametrize("line_end", ["\n", "\r\n", r"\n"])
@pytest.mark.parametrize(
    ("name", "about"), [("RSA PRIVATE KEY", "\n"), ("PGP PRIVATE KEY BLOCK", ABOUT)], ids=["pem", "pgp"]
)
@pytest.mark.parametrize("is_closed", [True, False])
def test_a_key_far_longer_than_what_is_held_back_is_taken_out_whole(
    name: str, about: str, line_end: str, is_closed: bool
) -> None:
    key = f"-----BEGIN {name}-----{about}" + (LINE + line_end) * 8_000
    end = f"-----END {name}-----\nafter {{}}\n" if is_closed else "{after}\n"
    data = f"before\n{key}{end}last\n".encode()
    redactor = StreamRedactor()
    pieces = [redactor.feed(data[place : place + 4_099]) for place in range(0, len(data), 4_099)]

    shown = b"".join([*pieces, redactor.finish()]).decode()

    after = "\nafter {}" if is_closed else f"{line_end}{{after}}"
    assert shown == f"before\n[redacted:private-key]{after}\nlast\n"


KEY = "-----BEGIN RSA PRIVATE KEY-----\n" + (LINE + "\n") * 20 + "-----END RSA PRIVATE KEY-----\n"


@pytest.mark.parametrize("piece", [4_096, 65_536])
def test_no_key_is_shown_behind_a_line_that_is_longer_than_what_is_held_back(piece: int) -> None:
    for length in range(65_500, 65_540) if piece == 4_096 else range(126_940, 126_980):
        data = (("hello token=abc " * 9_000)[:length] + KEY + "after\n").encode()
        redactor = StreamRedactor()
        pieces = [redactor.feed(data[place : place + piece]) for place in range(0, len(data), piece)]

        shown = b"".join([*pieces, redactor.finish()]).decode()

        assert LINE not in shown
        assert shown.endswith("after\n")


@pytest.mark.parametrize(
    "words",
    [
        "2026-11-29 07:00:00 INFO step 12 of 100: ok\n",
        "and then base64, as a rule; nothing else is in it\n",
        "1,2.5,3\n",
        "a\n",
    ],
)
@pytest.mark.parametrize(
    "begin", ["k.pem:-----BEGIN RSA PRIVATE KEY-----", "-----BEGIN PGP PRIVATE KEY BLOCK-----"]
)
@pytest.mark.parametrize("mark", ["", "\n"])
def test_a_text_that_only_tells_how_a_key_begins_is_shown_whole(words: str, begin: str, mark: str) -> None:
    data = (begin + mark + " \n" + words * 5_000 + "the end\n").encode()
    redactor = StreamRedactor()
    pieces = [redactor.feed(data[place : place + 4_096]) for place in range(0, len(data), 4_096)]

    shown = b"".join([*pieces, redactor.finish()]).decode()

    assert shown.count(words) >= 4_999
    assert shown.endswith(words + "the end\n")


def test_a_stream_is_not_held_back_without_need() -> None:
    redactor = StreamRedactor()

    assert redactor.feed(b"hello") == b"hello"
    assert redactor.feed(b" world sk") == b" world "
    assert redactor.feed(b"y\nnext word") == b"sky\nnext word"
    assert redactor.feed(b" pass") == b" "


def test_what_is_held_back_is_counted_in_bytes() -> None:
    redactor = StreamRedactor()

    assert (redactor.feed(b"one pass"), redactor.held) == (b"one ", 4)
    assert (redactor.feed("wörd".encode()[:2]), redactor.held) == (b"", 6)
    redactor.finish()
    assert redactor.held == 0


def test_the_log_of_the_daemon_has_no_secrets() -> None:
    try:
        raise ValueError("bad key " + SHAPES["groq-key"])
    except ValueError:
        record = logging.LogRecord(
            "x", logging.ERROR, "x.py", 1, "failed with %s", (SHAPES["github-token"],), sys.exc_info()
        )
    line = JsonLines("worker").format(record)

    assert SHAPES["github-token"] not in line
    assert SHAPES["groq-key"] not in line
    assert "[redacted:github-token]" in json.loads(line)["message"]


def test_an_error_that_is_answered_has_no_secrets() -> None:
    answer = problems.respond({"status": 500, "detail": "server said " + SHAPES["openai-key"]})

    assert answer.get_json(force=True)["detail"] == "server said [redacted:openai-key]"


@pytest.mark.parametrize(
    "text",
    [
        "sk-" * 60_000, "eyJ." * 50_000, "-----BEGIN PRIVATE KEY-----" * 8_000, "a://b:" * 30_000,
        "password " * 20_000, "token is " * 20_000, "password for a " * 14_000, "key=" * 50_000,
        "authorization:" * 15_000, "\\" * 200_000, "AKIAABCDEFGHIJKLMNOP " * 8_000, "cookie: " * 20_000,
    ],
    ids=lambda text: text[:12],
)  # fmt: skip
@pytest.mark.timeout(60)
def test_no_text_makes_it_slow(text: str) -> None:
    clean(text)  # the time limit of the test is what is asserted


def test_a_secret_that_is_a_member_s_name_is_taken_out_of_a_value() -> None:
    told = clean_value({"task": [{SHAPES["github-token"]: 1, "api_key": "x"}]})
    assert told == {"task": [{"[redacted:github-token]": 1, "api_key": "x"}]}


@pytest.mark.parametrize("numbered", ["{}:{}", "{:>6}\t{}", "{}) {}", "{:>3} | {}", "{}-{}"])
def test_a_key_whose_lines_are_numbered_and_whose_end_is_missing_is_taken_out(numbered: str) -> None:
    body = [hashlib.sha256(bytes([number])).hexdigest() for number in range(12)]
    lines = ["-----BEGIN OPENSSH PRIVATE KEY-----", *body]
    shown = clean("\n".join(numbered.format(*each) for each in enumerate(lines, 1)))

    assert "[redacted:private-key]" in shown
    assert not [line for line in body if line in shown]


@pytest.mark.parametrize(
    "end", ["<br>", "<BR />", "\\u000a", "\\\\u000A", "\\x0a", "&#10;", "&#xa;", "\v", "\f", "\x85", "\u2028"]
)
def test_a_key_whose_lines_end_in_another_way_and_whose_end_is_missing_is_taken_out(end: str) -> None:
    body = [hashlib.sha256(bytes([number])).hexdigest() for number in range(12)]
    shown = clean(end.join(["-----BEGIN OPENSSH PRIVATE KEY-----", *body, "c2hvcnQ=", "that was all"]))

    assert shown == f"[redacted:private-key]{end}that was all"


def test_numbered_words_behind_the_beginning_of_a_key_are_shown() -> None:
    words = "1: see what the manual says of it\n2: and of a passphrase"

    assert clean(f"-----BEGIN PRIVATE KEY-----\n{words}").endswith(words)
