"""Ids, budgets, and what a subtask takes over."""

from __future__ import annotations

import itertools

from planning.decomposition import decompose
from planning.subtasks import id_candidates, make_subtasks
from runtime_contract import ID_PATTERN, Limits, Task, dollars_to_micros, normalize_task

SPLIT = decompose(
    "Use plain words.\n\n- Write a poem on tea\n- Draft a toast on ale\n- Compare the poem with it"
)


def documents(**fields: object) -> tuple[dict, ...]:
    parent = Task.model_validate({"id": "p", "mode": "llm", "prompt": "x"} | fields)
    return make_subtasks(parent, SPLIT, ["p.1", "p.2", "p.3"], may_split=False).documents


def test_ids_are_the_parents_with_a_number():
    assert next(id_candidates("p", 3)) == ["p.1", "p.2", "p.3"]


def test_ids_that_are_taken_have_others_behind_them():
    assert list(itertools.islice(id_candidates("p", 1), 3)) == [["p.1"], ["p.plan2.1"], ["p.plan3.1"]]


def test_a_long_id_is_cut_and_two_of_them_stay_apart():
    one, other = (next(id_candidates("p" * 126 + end, 12)) for end in ("ab", "cd"))
    assert all(ID_PATTERN.fullmatch(each) for each in one + other)
    assert not set(one) & set(other)
    assert len(one[-1]) == 128


def test_a_part_says_what_is_shared_and_what_is_its_own():
    first, _, last = documents()
    assert first["prompt"] == "Use plain words.\n\nYour part of this, and only this:\nWrite a poem on tea"
    assert last["depends_on"] == ["p.1", "p.2"]
    assert first["decompose"] == "never"


def test_what_is_said_of_the_work_is_taken_over_and_what_is_said_of_the_result_is_not():
    said = {
        "model": "m",
        "tags": ["a"],
        "priority": 3,
        "identity_id": "ada",
        "timeout_s": 9,
        "review": "critic",
        "reward": 5,
    }
    first, *_ = documents(**said, expect={"contains": ["x"]}, not_before=1.0, **{"x-mine": 1})
    assert {name: first.get(name) for name in said} == said
    assert not {"expect", "not_before", "x-mine", "temperature"} & first.keys()


def test_a_person_judges_the_whole_and_not_each_part():
    assert "review" not in documents(review="human")[0]


def test_budgets_are_split_by_weight_and_the_synthesis_keeps_its_share():
    parent = Task(id="p", mode="llm", prompt="x", max_budget=0.1, min_budget=0.05)
    subtasks = make_subtasks(parent, SPLIT, ["p.1", "p.2", "p.3"], may_split=True)
    spent = [dollars_to_micros(each["max_budget"]) for each in subtasks.documents]
    assert spent == [20_000, 20_000, 20_000]
    assert subtasks.synthesis_budget == 40_000
    assert sum(dollars_to_micros(each["min_budget"]) for each in subtasks.documents) <= 50_000
    assert subtasks.documents[0]["decompose"] == "auto"


def test_every_document_keeps_the_contract():
    for document in documents(max_budget=0.01, tags=["a"], parallel_safe=False):
        task, _ = normalize_task(document, Limits())
        assert task.parallel_safe is False
