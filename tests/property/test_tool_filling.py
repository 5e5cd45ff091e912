"""Whatever a request says, a tool's command keeps its shape, and its values keep to the schema."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st

from tool_router import ToolRouter
from toolbox.filling import fill
from toolbox.tool import Tool

PATTERN = r"^[a-z0-9_]+\.txt$"
TOOL = Tool(
    name="count-lines",
    description="Counts the lines of a text file.",
    examples=["count the lines of {file}", "copy {file} as {name}"],
    argv=["wc", "-l", "{file}"],
    input_schema={"properties": {"file": {"type": "string", "pattern": PATTERN}}, "required": ["file"]},
)
FREE = TOOL.model_copy(update={"input_schema": {}})
WORDS = st.lists(
    st.one_of(
        st.sampled_from(
            ["count", "the", "lines", "of", "a.txt", "b.txt", "-rf", "--x=y", '"', "'", "`", "..", ""]
        ),
        st.text(max_size=12),
    ),
    max_size=12,
).map(" ".join)


@given(WORDS)
@example("count the lines of -l.txt")
@example("count the lines of '--files0-from=a.txt'")
@example('count the lines of "a.txt b.txt"')
@example("count the lines of a.txt\n; rm -rf /")
def test_a_command_keeps_its_shape(request_text):
    for tool in (TOOL, FREE):
        argv = fill(tool, request_text).argv
        if argv:
            assert argv[:2] == ("wc", "-l")
            assert len(argv) == 3
            assert argv[2]
            assert not argv[2].startswith("-")
            assert argv[2] in request_text
            assert tool is FREE or re.search(PATTERN, argv[2])


ROUTER = ToolRouter([TOOL])


@given(st.text(max_size=200) | WORDS)
def test_every_text_is_answered_and_always_the_same(text):
    found = ROUTER.route(text)
    assert 0 <= found.confidence <= 1
    assert (found.name is None) == (found.outcome == "none")
    assert ROUTER.route(text).receipt() == found.receipt()
