"""``docs/tools.md`` names every key, shows tools that can be read, and repeats today's numbers."""

from __future__ import annotations

import re
from pathlib import Path

from settings import Settings
from tool_router import ToolRouter
from toolbox import files, standing
from toolbox.confidence import FOUND
from toolbox.filling import MOST_VALUE_CHARS
from toolbox.tool import Tool

HOME = Path(__file__).resolve().parents[2]
PAGE = (HOME / "docs/tools.md").read_text("utf-8")


def test_every_key_of_a_tool_has_a_row_and_a_line_in_the_shipped_file():
    rows = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))
    shipped = (HOME / "config/tools.toml").read_text("utf-8").partition("[[tool]]")[0]
    told = set(re.findall(r"^# (\w+) {2,}", shipped, re.MULTILINE))
    assert rows == told == set(Tool.model_fields)


def test_the_example_of_the_page_does_what_the_page_says(tmp_path):
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    path = tmp_path / "tools.toml"
    path.write_text(example, "utf-8")
    router = ToolRouter(files.read_file(path, "the example"))
    found = router.route("please count the lines of docs/notes.md")
    assert (found.outcome, found.command.argv) == ("run", ("wc", "-l", "docs/notes.md"))
    assert router.route("what is left to do before our release?").outcome == "context"


def test_the_numbers_of_the_page_are_today_s():
    assert f"stays under {FOUND:g}" in PAGE
    assert f"`tool_run_confidence`\n({Settings().tool_run_confidence:g})" in PAGE
    assert f"A value may have {MOST_VALUE_CHARS} characters" in PAGE
    assert f"(approvals + {standing.CREDIT})" in PAGE
