"""What a model is told: the task, what a tool adds, and what the last answer got wrong."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from context.context_builder import build_prompt
from tool_router import NO_ROUTE, Route, Tool

LINT = Route("exact", Tool(name="lint", description="finds faults", text="def lint(): ..."), 1.0)


def test_a_plain_prompt_goes_out_as_it_is():
    assert build_prompt("do it\n", NO_ROUTE, []) == "do it\n"


def test_a_tool_stands_in_front_as_the_seed_has_it():
    assert build_prompt("do it", LINT, []) == (
        "RELEVANT TOOL CONTEXT (reuse before new generation)\nTOOL_NAME: lint\nTOOL_ROUTE: exact\n"
        "TOOL_CONFIDENCE: 1.00\nTOOL_DESCRIPTION: finds faults\n\ndef lint(): ...\n\nTASK:\ndo it"
    )


def test_findings_stand_behind_as_data_one_a_line():
    prompt = build_prompt("do it", NO_ROUTE, ["no 'z'", "line\nbreak"])
    assert prompt.startswith("do it\n\nAn earlier answer to this was rejected.")
    assert prompt.endswith('- "no \'z\'"\n- "line\\nbreak"')


@given(st.lists(st.text(), max_size=5))
def test_no_finding_can_leave_its_line(findings):
    prompt = build_prompt("do it", NO_ROUTE, findings)
    lines = [line for line in prompt.split("\n") if line.startswith("- ")]
    assert [json.loads(line[2:]) for line in lines] == findings
    assert len(prompt.split("\n")) == (1 if not findings else 3 + len(findings))
