"""Which tool a request finds, and that it finds none where it asks for something else."""

from __future__ import annotations

import pytest

from benchmarks.tool_routing import accuracy
from tool_router import SAID, ToolRouter
from toolbox.confidence import FOUND, confidences
from toolbox.index import Index
from toolbox.nearness import Nearness
from toolbox.tool import Tool

TOOLS = [
    Tool(name="csv-to-json", description="Converts a CSV file into JSON.", keywords=["tabular"]),
    Tool(name="backup", description="Makes a backup of the customer database.", examples=["save the db"]),
    Tool(name="image-resize", description="Resizes pictures to given dimensions."),
    Tool(name="translate", description="Translates a text into another language."),
    Tool(name="weather", description="Tells the weather of a city for the next days."),
]
ROUTER = ToolRouter(TOOLS)


@pytest.mark.parametrize(
    ("request_text", "name"),
    [
        ("convert sales.csv into json", "csv-to-json"),
        ("CSV -> JSON, please", "csv-to-json"),
        ("back up the database of our customers", "backup"),
        ("please resizze these pictures", "image-resize"),
        ("scaling photos to other dimensions", "image-resize"),
        ("I need a translation of this text", "translate"),
        ("weather of the next days in Oslo", "weather"),
        # what shares only common words, or is about something else
        ("what is the capital of Mongolia", None),
        ("please give me the file", None),
        ("convert this XML file into YAML", None),
        ("write a novel about a lighthouse", None),
        ("", None),
        ("???", None),
        ("a " * 50_000, None),
    ],
)
def test_a_request_finds_its_tool_or_none(request_text, name):
    assert ROUTER.route(request_text).name == name


def test_a_tool_for_one_format_is_none_for_another():
    assert ROUTER.route("convert sales.csv into json").confidence > 0.8
    assert ROUTER.route("convert sales.csv into xml").name is None


@pytest.mark.parametrize(
    ("request_text", "is_named"),
    [
        ("translate this", True),
        ("please use weather here", True),
        ("the `weather` of it", True),
        ("write a poem about the weather", False),
        ("with csv-to-json, if you can", True),
        ("my-csv-to-json", False),
    ],
)
def test_a_plain_word_names_a_tool_only_where_it_is_meant_as_a_name(request_text, is_named):
    assert (ROUTER.route(request_text).route == "exact") is is_named


@pytest.mark.parametrize(
    ("request_text", "outcome"),
    [
        ("print-book", "run"),
        ("please use print-book", "run"),
        ("Say it with print-book.", "run"),
        ("explain what print-book does", "context"),
        ("This page says: to see it all, print-book is of no use", "context"),
    ],
)
def test_a_tool_that_is_only_spoken_of_does_not_run(request_text, outcome):
    tool = Tool(name="print-book", description="Prints it.", argv=["cat", "book.txt"])
    assert ToolRouter([tool]).route(request_text).outcome == outcome


def test_who_says_an_example_word_by_word_has_asked_for_its_tool():
    counts = Tool(name="count-lines", description="Counts lines.", examples=["how many lines has {file}"])
    found = ToolRouter([counts, *TOOLS]).route("Could you please tell: how many lines has notes.txt?")
    said = ToolRouter([counts, *TOOLS]).route("How many lines has notes.txt?")
    assert (said.name, said.confidence) == ("count-lines", 0.99)
    assert found.confidence < said.confidence


def test_the_same_request_is_answered_the_same():
    again = ToolRouter(TOOLS)
    for text in ("convert sales.csv into json", "save the db", "what rains"):
        assert again.route(text).receipt() == ROUTER.route(text).receipt()


def test_a_sqlite_that_cannot_search_finds_what_is_named_and_says_so_else(monkeypatch):
    monkeypatch.setattr("store.full_text._TOKENS", "no-such-tokenizer")
    router = ToolRouter(TOOLS)
    assert router.route("use csv-to-json").name == "csv-to-json"
    found = router.route("convert sales.csv into json")
    assert found.name is None
    assert "FTS5" in found.reason


def test_candidates_come_best_first_with_what_they_share():
    found = ROUTER.route("convert sales.csv into json").candidates
    assert found[0].name == "csv-to-json"
    assert {"csv", "json"} <= set(found[0].shared)
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)


def test_confidence_is_a_probability():
    index = Index(TOOLS)
    for text in ("csv json", "csv", "convert csv json file database backup image weather"):
        assert all(0 <= each <= 1 for each in confidences(index.fits(text)))


def test_words_that_are_written_almost_alike_are_near():
    near = Nearness(["translat", "resiz", "databas"])
    assert near.to("translatt")[0][0] == "translat"
    assert near.to("databass")[0][0] == "databas"
    assert near.to("lighthous") == ()
    assert near.to("db") == ()


def test_the_set_is_as_large_as_is_said_and_a_third_of_it_is_for_no_tool():
    requests = accuracy.read_requests()
    names = {tool.name for tool in accuracy.read_tools()}
    nones = sum(each.tool is None for each in requests)
    assert len(names) >= 40
    assert len(requests) >= 200
    assert nones * 3 >= len(requests)
    assert {each.tool for each in requests} - {None} == names
    assert len({each.text for each in requests}) == len({each.id for each in requests}) == len(requests)


def test_what_nobody_tuned_on_is_answered_as_well_as_the_page_says():
    router = ToolRouter(accuracy.read_tools())
    found = accuracy.measure(
        accuracy.answer(router, [each for each in accuracy.read_requests() if each.half == "held_out"])
    )
    assert found.share >= 0.85
    assert found.false_matches <= 7
    assert found.ranked_first / found.for_a_tool >= 0.9


def test_under_a_half_nothing_counts_as_found():
    for each in accuracy.answer(ToolRouter(accuracy.read_tools()), accuracy.read_requests()[:60]):
        assert (each.tool is None) == (each.confidence < FOUND)


def test_no_candidate_is_surer_than_one_before_it_and_the_first_is_as_sure_as_it_was():
    tools = accuracy.read_tools()
    router, index = ToolRouter(tools), Index(tools)
    several = 0
    for request in accuracy.read_requests():
        route = router.route(request.text)
        sure = [each.confidence for each in route.candidates]
        assert sure == sorted(sure, reverse=True), request.text
        if len(sure) > 1 and sure[0] < SAID:
            several += 1
            fits = index.fits(request.text)
            known = dict(zip([tools[fit.number].name for fit in fits], confidences(fits), strict=True))
            assert sure[0] == known[route.candidates[0].name]
    assert several > 200
