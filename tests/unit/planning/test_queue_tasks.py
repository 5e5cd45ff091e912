"""Tasks that files and goals ask for: what counts as work, in what order, and under what ids."""

from __future__ import annotations

import pytest

from planning.checklists import read_file
from planning.plan import PlanRules
from planning.proposal import Proposal
from planning.queue_tasks import MOST_TASKS, read_goal, read_project


def read(path: str, text: str) -> list[tuple[str, tuple[int, ...]]]:
    items = read_file(path, text)
    place = {item.number: at for at, item in enumerate(items)}
    return [(item.text, tuple(sorted(place[each] for each in item.after))) for item in items]


def test_open_boxes_are_work_and_what_is_nested_comes_first():
    text = """# To do
- [ ] Release it
  - [ ] Write the notes
        for everyone
  - [x] Tag the old one
- [x] Sleep
1. [ ] Then announce it
"""
    assert read("README.md", text) == [
        ("Write the notes\nfor everyone", ()),
        ("Release it", (0,)),
        ("Then announce it", (1,)),
    ]


def test_a_plan_without_boxes_is_read_by_its_lists_but_for_notes_and_what_is_done():
    text = "## Steps\n1. Research bees\n2. Plan a talk\n## Notes\n- be nice\n## Done\n- Slept\n"
    assert read("docs/PLAN.md", text) == [("Research bees", ()), ("Plan a talk", (0,))]
    assert read("docs/bees.md", text) == []


def test_code_in_a_fence_is_no_list():
    assert read("TODO.md", "```\n- [ ] rm -rf /\n```\n- [ ] Be kind\n") == [("Be kind", ())]


@pytest.mark.parametrize("state", ["status: closed", "**State**: done", "- status = resolved"])
def test_an_issue_is_one_task_unless_it_is_closed(state):
    assert read("issues/7.md", "---\nstatus: open\n---\n# Login fails\n\nAlways.\n") == [
        ("Login fails\n\nAlways.", ())
    ]
    assert read("issues/8.md", f"# Old\n{state}\n") == []


@pytest.mark.parametrize(
    "line",
    ["x = 1  # TODO: rename this thing", "// FIXME(ann): rename this thing", "/* TODO rename this thing */"],
)
def test_a_comment_that_says_todo_is_a_task(line):
    assert read("src/a.py", f"import os\n{line}\n") == [("rename this thing", ())]


def test_the_same_files_give_the_same_ids_and_two_alike_items_two():
    files = [("TODO.md", "- [ ] Be kind\n- [ ] Be kind\n")]
    project = read_project("my project/", files, None)
    ids = [each["id"] for each in project.documents]
    assert ids == [each["id"] for each in read_project("my project/", files, None).documents]
    assert ids[0].startswith("my-project-")
    assert ids[1] == f"{ids[0]}.2"
    assert project.documents[0]["prompt"] == "Be kind\n\n(From TODO.md, line 1.)"


def test_a_budget_is_shared_and_what_is_too_much_is_told():
    text = "".join(f"- [ ] Do thing {number}\n" for number in range(MOST_TASKS + 5))
    project = read_project("p", [("TODO.md", text)], 1.0)
    assert (len(project.documents), project.left_out) == (MOST_TASKS, 5)
    assert sum(round(each["max_budget"] * 1_000_000) for each in project.documents) == 1_000_000


def test_a_goal_becomes_its_parts_or_one_task():
    documents = read_goal("Research bees, then write a poem from it.", 0.5, PlanRules())
    assert [each["prompt"] for each in documents] == ["Research bees", "Write a poem from it"]
    assert documents[1]["depends_on"] == [documents[0]["id"]]
    assert [each["prompt"] for each in read_goal("Write a poem.", None, PlanRules())] == ["Write a poem."]


def test_a_goal_takes_the_parts_of_a_proposal():
    parts = [{"text": "Research bees", "after": []}, {"text": "Write a poem from it", "after": [1]}]
    goal = "Research bees, then write a poem from it"
    documents = read_goal(goal, None, PlanRules(), Proposal.model_validate({"parts": parts}))
    assert documents[0]["prompt"] == f"{goal}\n\nYour part of this, and only this:\nResearch bees"
