"""A prompt that names a tool, as a whole word, gets its text; any other gets none."""

from __future__ import annotations

from pathlib import Path

import pytest

from errors import InvalidSetting
from tool_router import NO_ROUTE, Tool, ToolRouter

TOOLS = [
    Tool(name="read_json", description="reads JSON", text="def read_json(): ..."),
    Tool(name="read_json-safe", description="reads it safely"),
    Tool(name="Lint", description="finds faults", text="lint it"),
]


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("use read_json here", "read_json"),
        ("Read_JSON!", "read_json"),
        ("(read_json)", "read_json"),
        ("read_json", "read_json"),
        ("read_json.", "read_json"),
        ("use read_json-safe here", "read_json-safe"),
        ("LINT the file", "Lint"),
        ("first lint, then read_json", "Lint"),
        ("read_jsons", None),
        ("pre_read_json", None),
        ("read_json-", None),
        ("-lint", None),
        ("linting", None),
        ("élint", None),
        ("read json", None),
        ("", None),
    ],
)
def test_only_a_whole_word_names_a_tool(prompt, name):
    route = ToolRouter(TOOLS).route(prompt)
    if name is None:
        assert route.route != "exact"  # its words may still ask for one
    else:
        told = route.receipt()
        assert (told["tool_route"], told["tool_name"], told["tool_confidence"]) == ("exact", name, 1.0)
        assert told["tool_reason"] == "the prompt names it"


def test_without_tools_nothing_is_found(tmp_path):
    assert ToolRouter([]).route("lint") is NO_ROUTE
    assert ToolRouter.of_home(tmp_path).route("lint") is NO_ROUTE


def write(root: Path, text: str) -> Path:
    (root / "config").mkdir()
    (root / "config/tools.toml").write_text(text, "utf-8")
    return root


def test_the_tools_of_a_home_are_read(tmp_path):
    write(tmp_path, '[[tool]]\nname = "lint"\ndescription = "finds faults"\ntext = "x"\n')
    assert ToolRouter.of_home(tmp_path).route("lint it").receipt()["tool_name"] == "lint"


def test_a_file_in_which_everything_is_a_comment_has_no_tools(tmp_path):
    assert ToolRouter.of_home(write(tmp_path, "# [[tool]]\n")).route("lint") is NO_ROUTE


@pytest.mark.parametrize(
    "text",
    [
        "[[tools]]\nname = 'lint'\ndescription = 'x'\n",
        "[[tool]]\nname = 'a'\ndescription = 'x'\n",
        "[[tool]]\nname = 'lint'\n",
        "[[tool]]\nname = 'lint'\ndescription = 'x'\ncode = 'x'\n",
        "[[tool]]\nname = 'lint'\ndescription = 'x'\n[[tool]]\nname = 'LINT'\ndescription = 'y'\n",
        "[[tool]]\nname = 'lint'\ndescription = 'x'\nargv = ['{program}', 'y']\n",
        "[[tool]]\nname = 'lint'\ndescription = 'x'\ninput_schema = { type = 5 }\n",
        "tool = 5\n",
        "tool = 'x'\n",
        "[[tool]\n",
    ],
)
def test_a_wrong_tools_file_is_told_and_not_passed_over(tmp_path, text):
    with pytest.raises(InvalidSetting, match=r"config/tools\.toml"):
        ToolRouter.of_home(write(tmp_path, text))
