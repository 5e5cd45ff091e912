"""A slot is filled exactly or not at all, by whole words, and the schema has the last word."""

from __future__ import annotations

import pytest

from toolbox.filling import fill
from toolbox.tool import Tool

FILE = {"properties": {"file": {"type": "string", "pattern": r"^[\w-]+\.txt$"}}, "required": ["file"]}
COUNT = Tool(
    name="count-lines",
    description="Counts lines.",
    examples=["count the lines of {file}", "how many lines has {file}?"],
    argv=["wc", "-l", "{file}"],
    input_schema=FILE,
)
RENAME = Tool(
    name="rename", description="Renames.", examples=["rename {old} to {new}"], argv=["mv", "{old}", "{new}"]
)
HEAD = Tool(
    name="head",
    description="Prints the first lines.",
    examples=["first {count} lines of {file}"],
    argv=["head", "-n", "{count}", "{file}"],
    input_schema={
        "properties": {
            "count": {"type": "integer", "minimum": 1, "maximum": 50, "default": 10},
            "file": {"type": "string", "pattern": r"^\w+\.txt$"},
        }
    },
)


@pytest.mark.parametrize(
    ("tool", "request_text", "argv"),
    [
        (COUNT, "count the lines of notes.txt", ("wc", "-l", "notes.txt")),
        (COUNT, "Please, could you count  the lines\nof notes.txt?", ("wc", "-l", "notes.txt")),
        (COUNT, "How many lines has notes.txt", ("wc", "-l", "notes.txt")),
        # no example says it, but only one word can be the file
        (COUNT, "notes.txt: its number of lines, please", ("wc", "-l", "notes.txt")),
        (COUNT, "I wonder how long `notes.txt` is.", ("wc", "-l", "notes.txt")),
        (RENAME, 'rename "old name.md" to new.md', ("mv", "old name.md", "new.md")),
        (RENAME, "rename a.md to $(id)", ("mv", "a.md", "$(id)")),
        (HEAD, "first 3 lines of log.txt", ("head", "-n", "3", "log.txt")),
        (HEAD, "show the beginning of log.txt", ("head", "-n", "10", "log.txt")),
    ],
)
def test_a_command_is_filled_word_by_word(tool, request_text, argv):
    assert fill(tool, request_text).argv == argv


@pytest.mark.parametrize(
    ("tool", "request_text", "reason"),
    [
        (COUNT, "count the lines", "does not say file"),
        (COUNT, "compare a.txt with b.txt", "does not say file"),
        (COUNT, "count the lines of notes.pdf", "input_schema does not allow it"),
        (COUNT, "count the lines of ../x.txt", "input_schema does not allow it"),
        (COUNT, "count the lines of notes.txt and more.txt", "does not say file"),
        (RENAME, "rename --target-directory=/ to x", "not begin with -"),
        (RENAME, "rename a to ''", "does not say"),
        (RENAME, "rename things", "does not say new, old"),
        (HEAD, "first 500 lines of log.txt", "input_schema does not allow it"),
        (COUNT, "count the lines of notes.txt" + " " * 3000 + "x", "over 2,000 characters"),
    ],
)
def test_what_is_not_certain_runs_nothing_and_says_why(tool, request_text, reason):
    filled = fill(tool, request_text)
    assert not filled.is_ready
    assert reason in filled.reason


def test_the_whole_request_and_the_tools_own_text_are_slots_too():
    snippet = Tool(
        name="snippet", description="x", argv=["python3", "-c", "{text}", "{prompt}"], text="print(1)"
    )
    assert fill(snippet, "do {it}").argv == ("python3", "-c", "print(1)", "do {it}")
    assert not fill(snippet, "-c import os").is_ready


def test_only_whole_words_are_slots():
    tool = Tool(name="awk", description="x", argv=["awk", "{print $1}", "a{b}c"])
    assert fill(tool, "anything").argv == ("awk", "{print $1}", "a{b}c")


def test_slots_that_nothing_parts_are_not_guessed_at():
    tool = RENAME.model_copy(update={"examples": ["rename {old}-{new}"]})
    assert not fill(tool, "rename a-b-c").is_ready


def test_a_profile_is_given_the_request_where_its_schema_allows_it():
    tool = Tool(
        name="agent",
        description="x",
        profile="agent",
        input_schema={"properties": {"prompt": {"maxLength": 10}}},
    )
    assert fill(tool, "short").profile == "agent"
    assert not fill(tool, "much longer than that").is_ready


def test_a_schema_that_is_no_good_or_refers_elsewhere_runs_nothing():
    for schema in ({"$ref": "http://127.0.0.1:1/x"}, {"properties": {"file": {"pattern": "("}}}):
        assert not fill(
            COUNT.model_copy(update={"input_schema": schema}), "count the lines of a.txt"
        ).is_ready


def test_a_tool_without_a_command_has_nothing_to_run():
    assert not fill(Tool(name="text", description="x", text="y"), "anything").is_ready
    assert not fill(COUNT.model_copy(update={"kind": "context"}), "count the lines of a.txt").is_ready
