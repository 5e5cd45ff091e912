"""What else is read from words: leads that put in order, lists behind colons, texts with a subject."""

from __future__ import annotations

import pytest

from planning.decomposition import decompose
from planning.plan import PlanRules, consider
from runtime_contract import Task


def parts(ask: str) -> list[tuple[str, tuple[int, ...]]]:
    return [(part.text, part.after) for part in decompose(ask).parts]


def edges(ask: str) -> list[tuple[int, ...]]:
    return [after for _, after in parts(ask)]


@pytest.mark.parametrize(
    ("ask", "found"),
    [
        (
            "Write the report. Before that, research the topic. After that, translate the report.",
            [("Research the topic", ()), ("Write the report", (0,)), ("Translate the report", (1,))],
        ),
        (
            "Before you write the report, research the topic and draft an outline.",
            [("Research the topic", ()), ("Draft an outline", (0,)), ("Write the report", (1,))],
        ),
        (
            "After researching the market, write a plan and a pitch.",
            [("Research the market", ()), ("Write a plan", (0,)), ("Write a pitch", (0,))],
        ),
        (
            "Collect the data. Once you have the data, analyse it. When you are done, write a report.",
            [
                ("Collect the data", ()),
                ("Once you have the data, analyse it", (0,)),
                ("When you are done, write a report", (1,)),
            ],
        ),
        (
            "First list ten names, second pick one, third design a logo.",
            [("List ten names", ()), ("Pick one", (0,)), ("Design a logo", (1,))],
        ),
    ],
)
def test_words_before_an_imperative_put_it_in_its_place(ask, found):
    assert parts(ask) == found


@pytest.mark.parametrize(
    "ask",
    [
        "Write three things: a slogan, a poem and a page.",
        "I need the following:\n- A slogan\n- A poem\n- A page",
        "Produce these documents:\n\n1. A slogan\n2. A poem\n3. A page",
        "Deliverables:\n- A slogan\n- A poem\n- A page",
        "Draft three emails: one to Ann, one to Bob and one to Eve.",
        "Write a note for each of our three shops: Bern, Basel and Chur.",
        "Summarise each of the following songs: Bern, Basel and Chur.",
        "Translate the note into French, German and Dutch.",
        "Write a blurb for the novel, a blurb for the film, and a poem about both of us.",
    ],
)
def test_what_a_colon_or_a_verb_lists_is_a_part_each(ask):
    assert edges(ask)[:2] == [(), ()]
    assert len(edges(ask)) == 3


def test_one_text_in_turn_after_another():
    assert parts("Write a plot outline, then the opening scene, then a letter.") == [
        ("Write a plot outline", ()),
        ("Write the opening scene", (0,)),
        ("Write a letter", (1,)),
    ]


def test_a_role_at_the_head_of_a_sentence_holds_for_all_that_it_asks_for():
    split = decompose("As a lawyer, review the contract, list the risks, and draft a reply.")
    assert split.shared == "As a lawyer,"
    assert [part.text for part in split.parts] == ["Review the contract", "List the risks", "Draft a reply"]


def test_an_undertaking_and_its_steps_behind_a_colon():
    split = decompose("Help me plan a wedding: find a venue, write a guest list, and design the cards.")
    assert split.shared == "Help me plan a wedding:"
    assert len(split.parts) == 3
    assert edges("Do the following in order: collect facts, write a song, translate the song.") == [
        (),
        (0,),
        (1,),
    ]


@pytest.mark.parametrize(
    ("ask", "after"),
    [
        # the last of what was looked up and put in form
        ("Collect the bugs, group them by part, and write a status report.", (1,)),
        ("Evaluate the offers, choose one, and write a letter.", (1,)),
        # what stands in between is about something else
        ("Research the microphones, write a script for a show, and create a poster.", ()),
        # "from it" twice is from one and the same
        ("Research tea. Write a poem from it. Write a song from it.", (0,)),
        # the same thing done twice is done beside itself
        ("Find the oldest tree in Peru. Find the oldest tree in Spain. Compare both.", (0, 1)),
        ("Plan the lessons for May. Plan the lessons for June. Create a test on both.", (0, 1)),
        ("Find three podcasts. Compare them. Write a review of the best one.", (1,)),
        ("Investigate the leak. Then fix it. Also write a leaflet.", ()),
    ],
)
def test_what_the_third_part_needs(ask, after):
    assert edges(ask)[2] == after


def test_a_relative_clause_in_the_third_person_ends_before_an_imperative():
    ask = "Write a function that reverses a list, write a test for it, and write documentation for both."
    assert edges(ask) == [(), (0,), (0, 1)]


def test_a_sentence_may_end_with_a_letter_for_a_name_and_a_name_may_have_one():
    assert edges("Research X. Write Y from it.") == [(), (0,)]
    assert decompose("Write a song about J. Smith and a poem about J. Jones.").parts


@pytest.mark.parametrize(
    "ask",
    [
        "Write a story about a boy with a dog, a girl with a cat, and a man with a plan.",
        "Write a script which collects data, analyses results, and writes reports.",
        "Describe tools that collect data, analyse results, and write reports.",
        "Explain why teams write tests, create documentation, and propose designs.",
        "Write an essay:\n- Discuss the causes\n- Compare the effects\n- Conclude with a thought",
        "When the user logs in, create a session, and when they log out, delete it.",
        "Write a story about dawn, then darkness, and finally a new day.",
        "Make it short, give it a title, and provide examples.",
        "Answer in three sentences, use simple words, and avoid jargon: what is DNA?",
    ],
)
def test_this_too_stays_whole(ask):
    assert decompose(ask).parts == ()


def test_research_and_the_text_made_of_it_are_worth_splitting_and_two_short_things_are_not():
    def score(ask: str) -> int:
        return consider(Task(id="p", mode="llm", prompt=ask), PlanRules()).check.score

    assert score("Research the market, then write a plan.") == 4
    assert score("Write a poem on tea, then title it.") < 4
    assert score("Write a haiku and a limerick.") == 2
    assert score("Write a haiku, a limerick and a sonnet.") == 4
