"""Nothing others wrote reaches a terminal as anything but text."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from commands import terminal
from redaction import clean_value

ROOT = Path(__file__).resolve().parents[3]
HOSTILE = "a\x1b]0;title\x07b\x9b31mc\u202ed\x00e\x7ff\u2066g"


@pytest.mark.parametrize("make_safe", [terminal.clean, terminal.clean_block, terminal.to_json])
def test_control_characters_and_direction_overrides_are_made_visible(make_safe):
    shown = make_safe(HOSTILE)

    assert all(character.isprintable() for character in shown)
    assert "title" in shown


@given(st.text())
def test_a_clean_line_is_one_printable_line(text):
    shown = terminal.clean(text)

    assert not set(shown) & {chr(code) for code in [*range(32), *range(0x7F, 0xA0)]}


@given(st.recursive(st.text() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_safe_json_says_the_same(value):
    assume(clean_value(value) == value)  # a secret is not said
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return
    assert json.loads(terminal.to_json(value)) == value


def test_a_block_keeps_lines_and_tabs_and_drops_carriage_returns():
    assert terminal.clean_block("a\r\n\tb\n") == "a\n\tb\n"


def test_a_long_line_is_cut_where_it_is_seen():
    assert terminal.shorten("x" * 100, 10) == "xxxxxxxxx…"


SECRET = "ghp_" + "a1B2c3D4e5" * 3 + "a1B2c3"


@pytest.mark.parametrize(
    "shown",
    [
        terminal.clean(f"goal: rotate {SECRET} now"),
        terminal.clean_block(f"goal:\n{SECRET}\n"),
        terminal.shorten(f"goal: rotate {SECRET} now", 40),
        terminal.to_json({"goal": [f"rotate {SECRET}"], SECRET: 1}),
    ],
)
def test_no_verb_can_show_a_secret_whatever_it_forgot(shown):
    assert SECRET[:20] not in shown
    assert "[redacted:" in shown


def test_a_secret_in_a_table_is_taken_out(capsys):
    terminal.print_table(["task"], [[f"rotate {SECRET}"]])

    assert SECRET[:20] not in capsys.readouterr().out


def test_a_table_for_a_program_is_aligned_text(capsys):
    terminal.print_table(("id", "status"), [("a", "failed"), ("long-id", "ok\x1b[31m")])

    assert capsys.readouterr().out == "ID       STATUS\na        failed\nlong-id  ok\\x1b[31m\n"


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colour_can_be_switched_off(environ, wanted):
    assert terminal.wants_colour(environ) is wanted


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_stream_that_was_closed_before_the_start_leads_nowhere(tmp_path, closed):
    line = f'"{sys.executable}" -m skep --home "{tmp_path}" init {closed}'
    assert subprocess.run(line, shell=True, cwd=ROOT, check=False).returncode == 0
    assert (tmp_path / "queue.json").exists()
