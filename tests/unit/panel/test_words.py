from __future__ import annotations

import pytest

from panel.words import count_of, last_line, one_line, plain, with_code


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, näh 蜂 🐝", "plain text, näh 蜂 🐝"),
        ("safe\u202etxt.exe", "safe⟨U+202E⟩txt.exe"),
        ("a\u2066b\u2069", "a⟨U+2066⟩b⟨U+2069⟩"),
        ("\x1b[31mred", "␛[31mred"),
        ("nul\x00", "nul␀"),
        ("c1\x9b", "c1⟨U+009B⟩"),
        ("zero\u200bwidth", "zero⟨U+200B⟩width"),
        ("tag\U000e0041", "tag⟨U+E0041⟩"),
        ("half\ud800", "half⟨U+D800⟩"),
        ("👩\u200d🚀 \u0645\u06cc\u200c\u062e", "👩\u200d🚀 \u0645\u06cc\u200c\u062e"),
        ("❤\ufe0f\u200d🔥", "❤\ufe0f\u200d🔥"),
        ("a\ufe0f\ufe0f \u200d\u200c", "a\ufe0f⟨U+FE0F⟩ ⟨U+200D⟩⟨U+200C⟩"),
        ("\ufe0f\u180bx\U000e0100", "⟨U+FE0F⟩⟨U+180B⟩x⟨U+E0100⟩"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
    ],
)
def test_nothing_is_hidden_and_nothing_turns_the_line_around(text, shown):
    assert plain(text) == shown


def test_a_long_text_is_cut_and_says_so():
    assert one_line("word " * 1000, 20) == "word word word word  …"
    assert one_line("short\n text") == "short text"
    assert len(one_line("x" * 10_000_000)) < 300


def test_the_last_line_is_the_last_that_says_something():
    assert last_line("Traceback\n  File x\nValueError: no\n\n") == "ValueError: no"
    assert last_line("") == ""


def test_one_is_not_many():
    assert [count_of(1, "task"), count_of(1200, "task")] == ["1 task", "1,200 tasks"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("`skep up` starts it; `ls`", "<code>skep up</code> starts it; <code>ls</code>"),
        ("`<b>` & \u202e", "<code>&lt;b&gt;</code> &amp; ⟨U+202E⟩"),
        ("`ls` or `skep ro …", "<code>ls</code> or `skep ro …"),
        ("none", "none"),
        ("", ""),
    ],
)
def test_what_stands_between_backticks_is_code_and_nothing_else_is_markup(text, shown):
    assert with_code(text) == shown
