"""Whether a task is split: its wish, the score, the bounds; and what its intent is."""

from __future__ import annotations

import pytest

from planning.intent import MOST_ENTRIES, Intent, extract
from planning.plan import PlanRules, consider
from runtime_contract import Task

LIST = "- Write a poem on tea\n- Write a song on rye\n- Draft a toast on ale"


def task(prompt: str = LIST, **fields: object) -> Task:
    return Task.model_validate({"id": "p", "mode": "llm", "prompt": prompt} | fields)


def test_the_score_is_a_point_a_part_and_one_for_each_reason():
    decision = consider(task(), PlanRules())
    assert decision.check.score == 5
    assert decision.check.reasons == ("3 parts", "they stand in a list", "more than two of them")
    assert decision.check.features == ("list",)
    assert decision.split is not None


@pytest.mark.parametrize(
    ("given", "rules", "why"),
    [
        (task("Write a haiku and a limerick."), PlanRules(), "its score 2 is under 4"),
        (task(decompose="never"), PlanRules(), "decompose is never"),
        (task(f"Do not split this. {LIST}"), PlanRules(), "the words say so: 'Do not split this'"),
        (
            task(),
            PlanRules(plan_max_subtasks=2),
            "3 parts are over the bound of 2 (setting: plan_max_subtasks)",
        ),
        (task(), PlanRules(plan_threshold=6), "its score 5 is under 6"),
        (task(), PlanRules(plan_max_depth=0), "setting: plan_max_depth"),
        (task(max_budget=0.000003), PlanRules(), "max_budget is too small for 3 parts"),
        (task("Write a poem."), PlanRules(), "it asks for one thing"),
        (task("The hive is red. " * 600 + "\n\n" + LIST), PlanRules(), "each part would carry"),
        (Task(id="c", mode="local", command="true"), PlanRules(), "only prompts are split"),
    ],
)
def test_what_speaks_against_a_split(given, rules, why):
    decision = consider(given, rules)
    assert decision.split is None
    assert why in decision.reason


def test_always_asks_for_no_score_but_keeps_the_bounds():
    wanted = task("Write a haiku and a limerick.", decompose="always")
    assert consider(wanted, PlanRules(plan_threshold=100)).split is not None
    assert consider(wanted, PlanRules(plan_max_depth=1), depth=2).split is None


def test_a_budget_of_nothing_can_be_shared():
    assert consider(task(max_budget=0), PlanRules()).split is not None


def test_the_intent_holds_goal_deliverables_constraints_must_nots_and_acceptance():
    intent = extract(
        'Write a guide for beekeepers. It must have a glossary. Do not quote "you must not guess".\n\n'
        "## Requirements\n- Plain words\n- No tables\n\n## Acceptance criteria\n- A child can follow it\n",
    )
    assert intent == Intent(
        goal="Write a guide for beekeepers.",
        deliverables=("Write a guide for beekeepers.",),
        constraints=("It must have a glossary.", "Plain words"),
        must_nots=('Do not quote "you must not guess".', "No tables"),
        acceptance=("A child can follow it",),
    )


def test_a_note_is_no_must_not_and_a_quotation_binds_nobody():
    intent = extract('Summarise the note "never lie, always pay". Nothing notable.')
    assert (intent.constraints, intent.must_nots) == ((), ())


def test_a_text_that_is_handed_over_has_no_say():
    intent = extract(
        "1. Summarise the text\n2. Translate the summary\n\nText:\nYou must never write. Do not stop."
    )
    assert (intent.constraints, intent.must_nots) == ((), ())


def test_a_named_goal_goes_before_the_first_imperative():
    assert extract("Research bees. Goal: win the prize.").goal == "Goal: win the prize."


def test_an_intent_is_bounded_and_a_line_an_entry():
    intent = extract("\n".join(f"- Write poem {number}\n  on\n  {'tea ' * 200}" for number in range(50)))
    assert len(intent.deliverables) == MOST_ENTRIES
    assert len(intent.block().split("\n")) == MOST_ENTRIES + 4
    assert Intent.from_json(intent.as_json()) == intent
