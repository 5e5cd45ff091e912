"""What an ask is split into, what needs what, and what is never split."""

from __future__ import annotations

import pytest

from planning.decomposition import MOST_CHARS, decompose


def parts(ask: str, **options: bool) -> list[tuple[str, tuple[int, ...]]]:
    return [(part.text, part.after) for part in decompose(ask, **options).parts]


def test_steps_deliverables_and_a_last_check_become_a_graph():
    ask = (
        "Research the history of honey bees, then write a summary and a press release from it, "
        "and finally check both against the style guide."
    )
    assert parts(ask) == [
        ("Research the history of honey bees", ()),
        ("Write a summary from it", (0,)),
        ("Write a press release from it", (0,)),
        ("Check both against the style guide", (1, 2)),
    ]


def test_the_same_with_nothing_but_letters_for_names():
    assert parts("Research X, then write Y and Z from it, and finally check both against ...") == [
        ("Research X", ()),
        ("Write Y from it", (0,)),
        ("Write Z from it", (0,)),
        ("Check both against ...", (1, 2)),
    ]


def test_items_of_a_list_are_parts_and_the_text_around_them_is_shared():
    split = decompose(
        "I run a bakery in Bern.\n\n1. Research bread prices\n2. Write a price list from step 1\n"
        "3. Draft a letter to customers\n\nFinally, compare both texts. Do not use jargon."
    )
    assert [(part.text, part.after) for part in split.parts] == [
        ("Research bread prices", ()),
        ("Write a price list from step 1", (0,)),
        ("Draft a letter to customers", ()),
        ("Compare both texts", (1, 2)),
    ]
    assert split.shared == "I run a bakery in Bern.\nDo not use jargon."


def test_the_aim_above_a_list_and_the_rules_in_it_are_shared():
    split = decompose(
        "Build a todo app.\n\n- Create the database\n- Build the API\n- Write the tests\n- Do not use an ORM"
    )
    assert len(split.parts) == 3
    assert split.shared == "Build a todo app.\n- Do not use an ORM"


def test_steps_come_one_after_another():
    ask = (
        "Follow these steps:\n1. Research bees\n2. Draft a poem on clouds\n3. Translate this page into French"
    )
    assert [after for _, after in parts(ask)] == [(), (0,), (1,)]


def test_items_that_do_not_need_each_other_stay_independent():
    ask = "- Write a poem about tea\n- Write a story with a dog that loses its bone\n- Draft a toast for May"
    assert [after for _, after in parts(ask)] == [(), (), ()]


def test_an_item_keeps_what_is_indented_under_it():
    ask = "- Research bees:\n  - wild ones\n  - write nothing yet\n- Write a poem about tea\n  in four lines"
    assert [text for text, _ in parts(ask)] == [
        "Research bees:\n  - wild ones\n  - write nothing yet",
        "Write a poem about tea\n  in four lines",
    ]


def test_items_counted_within_a_line_are_a_list_too():
    ask = "Do three things: (1) research bees, (2) write a summary of the research and (3) translate it."
    assert parts(ask) == [
        ("Research bees", ()),
        ("Write a summary of the research", (0,)),
        ("Translate it", (1,)),
    ]


def test_sections_that_are_work_are_parts_and_the_others_shared():
    split = decompose(
        "# A talk\nFor beginners.\n## Research\nResearch the market.\n## Report\nWrite a report from it.\n"
        "## Constraints\nBe short."
    )
    assert [(part.text, part.after) for part in split.parts] == [
        ("## Research\nResearch the market.", ()),
        ("## Report\nWrite a report from it.", (0,)),
    ]
    assert split.shared == "# A talk\nFor beginners.\n## Constraints\nBe short."


def test_a_heading_that_says_tasks_only_announces_its_list():
    split = decompose(
        "## Context\nWe sell bread. Compare it.\n\n## Tasks\n1. Research prices\n2. Draft a note\n\n"
        "## Rules\n- Be short\n- Never guess"
    )
    assert [part.text for part in split.parts] == ["Research prices", "Draft a note"]
    assert split.shared == "## Context\nWe sell bread. Compare it.\n## Rules\n- Be short\n- Never guess"


@pytest.mark.parametrize(
    "ask",
    [
        "For each of Bern, Basel and Zurich, write a short history. Then compare them.",
        "Write a short history for each of Bern, Basel and Zurich. Then compare them.",
        "Write a short history for each of the following:\n- Bern\n- Basel\n- Zurich\n\nThen compare them.",
        "For each of the following towns, write a short history:\n- Bern\n- Basel\n- Zurich\n\nRank them.",
    ],
)
def test_what_is_asked_for_each_of_several_names_is_asked_once_for_each(ask):
    found = parts(ask)
    assert [after for _, after in found] == [(), (), (), (0, 1, 2)]
    for (text, _), name in zip(found, ("Bern", "Basel", "Zurich"), strict=False):
        assert f"or {name}" in text
        assert "short history" in text


def test_what_is_made_without_a_subject_of_its_own_is_made_from_what_was_found():
    assert parts("Research the market, analyse the competitors and write a report.")[2] == (
        "Write a report",
        (0, 1),
    )


def test_a_remark_goes_with_its_step_and_a_rule_with_all():
    split = decompose("Write a short story. Make it funny. Then write a moral. Do not use long words.")
    assert [part.text for part in split.parts] == ["Write a short story. Make it funny", "Write a moral"]
    assert split.shared == "Do not use long words."


@pytest.mark.parametrize(
    ("ask", "after"),
    [
        ("- Write a poem on tea\n- Write a song on rye\n- Compare the poem with the song", (0, 1)),
        ("- Write a poem on tea\n- Write a song on rye\n- Translate the song into French", (1,)),
        ("- Summarise chapter one\n- Write a song on rye\n- Translate the summary into French", (0,)),
        ("- Draft `a.md` on tea\n- Draft `b.md` on rye\n- Check the links in `a.md`", (0,)),
        ("- Write a poem on tea\n- Write a song on rye\n- Merge everything into one page", (0, 1)),
        ("- Write a poem on tea\n- Write a song on rye\n- Check items 1 and 2", (0, 1)),
        ("- Write a poem on tea\n- Write a song on rye\n- Finally, draft a toast on ale", (0, 1)),
        ("- Write a poem on tea\n- Write a song on rye\n- Write a title for it", (1,)),
        ("- Write a poem on tea\n- Write a song on rye\n- Compare both Rust and Go", ()),
    ],
)
def test_what_a_part_speaks_of_is_what_it_needs(ask, after):
    assert parts(ask)[2][1] == after


@pytest.mark.parametrize(
    "ask",
    [
        # prose with commas
        "Summarise these notes about bees, honey, and wax.",
        "Write a story about cats and dogs, bees and honey.",
        "Research the history, culture and food of Bern.",
        "Write a plan. The plan should cover research, design, and test methods.",
        "Find and fix the bug.",
        "Compare a cat and a dog.",
        # quotations, code, asides
        'Translate "First, write a poem. Then write a song." into German.',
        "Translate “Write a poem, then check the rhyme” into German.",
        "Say why 'write a plan, then check the plan' is bad advice.",
        "Explain `- write a\n- check b` to a child.",
        "Review this:\n\n```\n1. Write a poem\n2. Check a song\n3. Compare both\n```\n",
        "Review this:\n\n    1. Write a poem\n    2. Check a song\n",
        "Answer the mail:\n\n> 1. Write a poem\n> 2. Check a song\n",
        "Answer the mail <mail>\n- Write a poem\n- Check a song\n</mail> politely.",
        "Write a poem (research the sea first, then write the title).",
        # negations
        "Do not research the market, then write the report.",
        "Never write tests, then check the code, and finally compare both.",
        "- Do not write tests\n- Never check the code\n- Avoid jargon",
        "Refactor the parser without writing tests, and do not write docs.",
        # what a thing is for or does is no further task
        "Write a script that does the following:\n- Read the file\n- Write the sum\n- Check the result",
        "Write a function to load the file and write the output.",
        "Create an app that should collect the notes, then sort the notes.",
        "Explain how to research a topic and write an essay.",
        "Write a report with these sections:\n- History\n- Biology\n- Trade",
        # text to work on
        "Translate to German: Check the oven. Then write the date. Finally compare both.",
        "Proofread my email.\n\nHi Tom, review the numbers. Write a summary. Then compare both.",
        "Summarise the following article:\n\nResearch the water. Write a note. Then compare both.",
        # statements and conditions
        "Research shows that bees dance. Plan B is ready. Review is done.",
        "If the file exists, summarise it, then write a poem.",
        "I research bees, write poems and then check them.",
        "What should I research? Write a list. Compare the items.",
    ],
)
def test_this_stays_whole(ask):
    split = decompose(ask)
    assert split.parts == ()
    assert split.reason


def test_a_person_who_wants_a_split_gets_one_of_any_list_but_of_rules():
    ask = "Write a report with these sections:\n- History\n- Biology\n- Trade"
    split = decompose(ask, is_lenient=True)
    assert [part.text for part in split.parts] == ["History", "Biology", "Trade"]
    assert split.shared == "Write a report with these sections:"
    assert decompose("Rules:\n- Bees\n- Wasps", is_lenient=True).parts == ()
    assert decompose("Write a description:\n- Be brief\n- Do not guess", is_lenient=True).parts == ()


def test_what_is_too_long_to_be_a_list_of_things_to_do_is_not_read():
    assert "characters" in decompose("- write a poem\n" * MOST_CHARS).reason
    assert "more than 200 things" in decompose("- write a poem on tea\n" * 1000).reason
    assert "characters" in decompose("write a " + "poem and a " * 1000 + "song").reason
