"""What was refused says why until it is corrected: to `skep validate`, and where it is edited."""

from __future__ import annotations

import json
from typing import Any

from runtime_contract import Limits
from store import editing
from store.queue_file.report import check
from tests.unit.queue_file.keeping import Keeping


def problems(keeping: Keeping) -> dict[str, str]:
    report = check(keeping.home.queue_file.read_bytes(), Limits())
    return {each["path"]: each["rule"] for each in report.problems}


def test_validate_says_of_a_kept_entry_what_it_was_refused_with(keeping: Keeping) -> None:
    keeping.put(
        {"id": "good", "prompt": "x"},
        {"id": "bad-1", "prompt": 5},
        {"id": "good", "prompt": "another"},
        {"id": 7, "prompt": "x"},
        "just text",
    )
    failed = keeping.shown()["failed"]
    assert len(failed) == 4

    found = problems(keeping)

    assert sorted(found.values()) == sorted(each["reason"].partition(": ")[2] for each in failed)
    place = [each["id"] for each in failed].index("bad-1")
    assert "must be a text, got 5" in found[f"failed[{place}].prompt"]


def test_a_kept_entry_that_is_corrected_where_it_stands_is_no_problem_any_more(keeping: Keeping) -> None:
    keeping.put({"id": "bad-1", "prompt": 5})

    def correct(file: dict[str, Any]) -> None:
        file["failed"][0]["raw"] = json.dumps({"id": "bad-1", "prompt": "five"})

    keeping.edit(correct)
    assert problems(keeping) == {}
    keeping.round()
    assert (keeping.status("bad-1"), keeping.doc("bad-1")["prompt"]) == ("pending", "five")


def test_what_was_no_object_is_offered_as_the_prompt_of_a_task(keeping: Keeping) -> None:
    keeping.put("just text", ["a", "list"])

    rows = [row for row in keeping.store.reader.tasks() if row["code"] == "invalid_task"]
    offered = [editing.document(row) for row in rows]

    assert sorted(each["prompt"] for each in offered) == ['["a","list"]', "just text"]
    for each in offered:
        editing.check_edit(each["id"], each, Limits())
