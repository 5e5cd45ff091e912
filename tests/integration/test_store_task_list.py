"""Tasks as people look for them: filters, orders and words, page by page, over a real store."""

from __future__ import annotations

import itertools
import json
import random
import sqlite3

import pytest

from errors import InvalidRequest
from runtime_contract import Limits, Status
from settings import Home, Settings
from store import sql, task_list
from store.lanes import ConcurrencyLimits
from store.queue_file.apply import Rules, edit_task
from store.records import Intake
from store.sqlite_store import SqliteStore
from store.task_filter import MODES, ORDERS, Filter, cursor_of, natural_order, place_of, start_of
from store.task_list import TaskList
from store.task_search import TaskSearch, query_of
from testing.clock import FakeClock
from testing.tasks import new_task
from tests.unit.panel.furnish import Furnisher


@pytest.fixture
def store(tmp_path):
    with SqliteStore(Home(tmp_path), Settings(), FakeClock()) as store:
        yield store


@pytest.fixture
def tasks(store):
    return TaskList(store.reader, TaskSearch(store.reader))


@pytest.fixture
def by(store):
    return Furnisher(store)


def ids(page):
    return [row["id"] for row in page.rows]


def all_pages(tasks, wanted, order, limit=3):
    """Every id, page by page, each page asked for as an address would."""
    found, after = [], start_of(order)
    for _ in range(1000):
        page = tasks.page(wanted, order, limit, after)
        assert len(page.rows) <= limit
        found += ids(page)
        if page.next is None:
            return found
        after = place_of(order, cursor_of(order, page.next))
    raise AssertionError("the pages do not end")


def a_mixed_home(store, by):
    chance = random.Random(7)
    for number in range(40):
        local = {"command": "git status"} if number % 3 else {"prompt": f"tell of bee number {number}"}
        tags = chance.sample(["docs", "mail", "gpu"], number % 3)
        by.add(f"t{number:02}", **local, tags=tags, priority=chance.choice([0, 0, 5, -5]))
        store.clock.advance(1)
    for number in (3, 8, 30):
        store.cancel(f"t{number:02}", "cli")
        store.clock.advance(1)
    by.fail("f1", "exit code 1", tags=["docs"])
    store.clock.advance(1)
    by.approve("a1", "fine", prompt="bees", tags=["docs"])

    def spend(tx):
        for number in (1, 2, 5, 9):
            tx.run("reserve", scope="task", named=f"t{number:02}", day="", micros=1)
            tx.run(
                "book",
                scope="task",
                named=f"t{number:02}",
                day="",
                reserved=1,
                booked=number % 4,
                unsettled=0,
            )

    store.write(spend)


def expected(store, wanted, order):
    """The same without any index: every task looked at, and sorted."""
    rows = store.reader.all("list_tasks", after=0, states=None, limit=10_000)
    spent = {
        row["id"]: (store.reader.one("balance", scope="task", named=row["id"], day="") or {"spent": 0})[
            "spent"
        ]
        for row in rows
    }
    states = wanted.states(order)
    found = [
        row
        for row in rows
        if (states is None or row["state"] in states)
        and (wanted.mode is None or row["lane"].startswith(wanted.mode))
        and (wanted.source is None or row["source"] == wanted.source)
        and (wanted.tag is None or wanted.tag in json.loads(row["doc"]).get("tags", []))
    ]
    keys = {
        "newest": lambda row: -row["seq"],
        "oldest": lambda row: row["seq"],
        "priority": lambda row: (-row["priority"], row["seq"]),
        "ended": lambda row: (-row["finished"], -row["seq"]),
    }
    if order == "cost":
        found = [row for row in found if spent[row["id"]]]
        return sorted((row["id"] for row in found), key=lambda name: (spent[name], name), reverse=True)
    return [row["id"] for row in sorted(found, key=keys[order])]


FILTERS = [
    Filter(statuses=statuses, mode=mode, source=source, tag=tag)
    for statuses, mode, source, tag in itertools.product(
        [(), (Status.PENDING,), (Status.FAILED, Status.CANCELLED)],
        [None, *MODES],
        [None, "queue_file"],
        [None, "docs"],
    )
]


@pytest.mark.parametrize("few", [0, 2_000], ids=["by the order's index", "a few, sorted"])
def test_every_filter_in_every_order_shows_each_task_once(store, by, tasks, monkeypatch, few):
    monkeypatch.setattr(task_list, "FEW", few)
    a_mixed_home(store, by)

    for wanted in FILTERS:
        for order in ORDERS:
            assert all_pages(tasks, wanted, order) == expected(store, wanted, order), (wanted, order)


def test_a_page_that_would_take_long_is_short_and_says_where_to_go_on(by, tasks, monkeypatch):
    monkeypatch.setattr(task_list, "MOST_LOOKED_AT", 10)
    monkeypatch.setattr(task_list, "_CHUNKS", (4, 6))
    by.add(*[f"t{number:02}" for number in range(30)], command="git status", priority=2)
    by.add("old", command="git status", tags=["rare"])
    wanted = Filter(tag="rare", mode="local")
    monkeypatch.setattr(task_list, "FEW", 0)

    first = tasks.page(wanted, "priority", 5)

    assert (ids(first), first.is_short) == ([], True)
    assert all_pages(tasks, wanted, "priority") == ["old"]


def test_what_has_ended_is_looked_at_by_its_end(store, by, tasks):
    by.add("a", "b", "c")
    for name in ("b", "c", "a"):
        store.cancel(name, "cli")
        store.clock.advance(1)

    order = natural_order((Status.CANCELLED,))

    assert ids(tasks.page(Filter(statuses=(Status.CANCELLED,)), order, 5)) == ["a", "c", "b"]
    assert natural_order(()) == natural_order((Status.PENDING, Status.FAILED)) == "newest"


def test_only_what_was_there_at_a_moment_is_meant(store, by, tasks):
    by.add("old")
    as_of = store.clock.now()
    store.clock.advance(1)
    by.add("new")

    assert ids(tasks.page(Filter(as_of=as_of), "oldest", 5)) == ["old"]


def test_what_fits_is_tallied_by_state_up_to_a_bound(store, by, tasks, monkeypatch):
    monkeypatch.setattr(task_list, "_CHUNKS", (4,))
    by.add(*[f"t{number:02}" for number in range(10)], tags=["docs"])
    by.add("other")
    store.cancel("t03", "cli")

    assert tasks.tally(Filter(tag="docs"), 100) == ({"ready": 9, "cancelled": 1}, True)
    counts, is_all = tasks.tally(Filter(tag="docs"), 8)
    assert (counts.total(), is_all) == (8, False)


def test_counts_by_state_are_kept_until_somebody_writes(store, by):
    by.add("a")
    assert store.reader.state_counts() == {"ready": 1}
    store.reader.state_counts()["ready"] = 99
    assert store.reader.state_counts() == {"ready": 1}
    by.add("b")
    assert store.reader.state_counts() == {"ready": 2}


@pytest.mark.parametrize(
    ("order", "cursor"),
    [
        ("newest", "x"),
        ("newest", "1~2"),
        ("ended", "1"),
        ("ended", "nan~1"),
        ("ended", "inf~1"),
        ("priority", "1"),
        ("cost", "1"),
        ("cost", "~"),
        ("newest", "9" * 40),
        ("oldest", "1_0"),
    ],
)
def test_a_place_that_no_page_said_is_refused(order, cursor):
    with pytest.raises(InvalidRequest, match="after must be"):
        place_of(order, cursor)


def edit(store, task_id, **fields):
    rules = Rules(Limits(), ConcurrencyLimits())
    row = store.reader.task(task_id)
    doc = {**json.loads(row["doc"]), **fields}
    store.write(lambda tx: edit_task(tx, task_id, row["version"], doc, "cli", rules))


def test_tags_follow_an_edit(store, by, tasks):
    by.add("a", tags=["docs", "docs", "mail"])
    by.add("b")
    edit(store, "a", tags=["mail", "gpu"])
    edit(store, "b", tags=["docs"])

    assert [ids(tasks.page(Filter(tag=tag), "newest", 5)) for tag in ("docs", "mail", "gpu")] == [
        ["b"],
        ["a"],
        ["a"],
    ]


def test_a_refused_entry_that_speaks_of_tags_has_none(store, by, tasks):
    by.refuse("bad", "tasks[0].tags: must be a list", '{"tags": {"a": 1}}')

    assert ids(tasks.page(Filter(), "newest", 5)) == ["bad"]
    assert store.reader.all("some_tags") == []


# -- words ------------------------------------------------------------------------------------


def found_by(tasks, words, order="newest", **more):
    tasks.search.catch_up()
    return ids(tasks.page(Filter(words=words, **more), order, 10))


def test_tasks_are_found_by_the_beginnings_of_their_words(by, tasks):
    by.add("report-7", prompt="Summarise the CHANGELOG, naïvely.")
    by.add("other", command="git status", tags=["nightly"], model="tiny-1")
    by.refuse("task-1", "tasks[0]: bad", '{"prompt": "xylophone"}')

    assert found_by(tasks, "change summ") == ["report-7"]
    assert found_by(tasks, "NAIVELY") == ["report-7"]
    assert found_by(tasks, "report-7") == ["report-7"]
    assert found_by(tasks, "night") == ["other"]
    assert found_by(tasks, "tiny") == ["other"]
    assert found_by(tasks, "xylo") == ["task-1"]
    assert found_by(tasks, "summ xylo") == []
    assert found_by(tasks, "git", mode="llm") == []


def test_an_edited_task_is_found_by_its_new_words_alone(store, by, tasks):
    by.add("a", prompt="about wasps")
    assert found_by(tasks, "wasps") == ["a"]

    edit(store, "a", prompt="about hornets")

    assert found_by(tasks, "wasps") == []
    assert found_by(tasks, "hornets") == ["a"]
    edit(store, "a", prompt="about wasps")
    assert found_by(tasks, "wasps") == ["a"]


def test_what_is_found_comes_in_pages_in_both_orders(by, tasks):
    by.add(*[f"t{number:02}" for number in range(20)], prompt="bees")
    tasks.search.catch_up()
    wanted = Filter(words="bees")

    assert all_pages(tasks, wanted, "oldest") == [f"t{number:02}" for number in range(20)]
    assert all_pages(tasks, wanted, "newest") == [f"t{number:02}" for number in reversed(range(20))]


@pytest.mark.parametrize(
    "words", ['"', "AND", "a*b", "NEAR(x y)", "col:x", "-", "((", "\x00", "' OR 1=1", "^"]
)
def test_words_are_words_and_no_query_language(by, tasks, words):
    by.add("a", prompt="plain")

    assert found_by(tasks, words) == []


def test_many_words_are_cut():
    assert query_of("word " * 500).count("word") == 12


def test_the_first_search_reads_in_steps_and_says_how_far_it_is(by, tasks, monkeypatch):
    from store import task_search

    monkeypatch.setattr(task_search, "_PATIENCE_S", 0)
    monkeypatch.setattr(task_search, "_CHUNK", 4)
    by.add(*[f"t{number}" for number in range(10)], prompt="bees")

    assert [tasks.search.catch_up() for _ in range(3)] == [(4, 10), (8, 10), (10, 10)]


# -- at size ----------------------------------------------------------------------------------

MORE = """
INSERT INTO task (seq, id, state, lane, priority, doc, source, created, finished)
WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < :count)
SELECT 1000 + n, 'more' || n, CASE n % 10 WHEN 0 THEN 'failed' WHEN 1 THEN 'ready' ELSE 'approved' END,
       CASE n % 3 WHEN 0 THEN 'local' ELSE 'llm' END, n % 4,
       json_object('prompt', 'bees', 'tags', json_array(CASE n % 5 WHEN 0 THEN 'docs' ELSE 'mail' END)),
       CASE n % 7 WHEN 0 THEN 'cli' ELSE 'queue_file' END, n, CASE WHEN n % 10 <> 1 THEN n END
FROM number
"""


def steps(reader, work) -> int:
    """Virtual machine instructions of SQLite, in hundreds, that `work` costs."""
    counted = 0

    def count() -> int:
        nonlocal counted
        counted += 1
        return 0

    reader.connection.set_progress_handler(count, 100)
    try:
        work()
    finally:
        reader.connection.set_progress_handler(None, 0)
    return counted


def cost_of_pages(root, count):
    with SqliteStore(Home(root), Settings(), FakeClock()) as store:
        store.write(lambda tx: tx.connection.execute(MORE, {"count": count}))
        tasks = TaskList(store.reader, TaskSearch(store.reader))
        return {
            (wanted, order): steps(store.reader, lambda w=wanted, o=order: tasks.page(w, o, 50))
            for wanted in FILTERS
            for order in ORDERS
        }


def test_a_page_costs_no_more_among_60_000_tasks_than_what_is_looked_at_at_most(tmp_path):
    costs = cost_of_pages(tmp_path / "many", 60_000)

    # A step more or less a task: what looks at each of the most that are looked at, with every filter.
    most = 60 * task_list.MOST_LOOKED_AT // 100 * 2
    assert max(costs.values()) < most, max(costs, key=lambda each: costs[each])


PLANS = [
    ("places_newest", "INTEGER PRIMARY KEY"),
    ("places_oldest", "INTEGER PRIMARY KEY"),
    ("places_in_states_newest", "COVERING INDEX task_state"),
    ("places_in_states_oldest", "COVERING INDEX task_state"),
    ("places_of_source_newest", "COVERING INDEX task_source"),
    ("places_of_source_oldest", "COVERING INDEX task_source"),
    ("places_of_mode_newest", "INDEX task_mode"),
    ("places_of_mode_oldest", "INDEX task_mode"),
    ("places_of_tag_newest", "PRIMARY KEY (tag=? AND task<?)"),
    ("places_of_tag_oldest", "PRIMARY KEY (tag=? AND task>?)"),
    ("places_ended", "COVERING INDEX task_state (state=? AND finished<?)"),
    ("places_by_priority", "INDEX task_priority"),
    ("places_by_cost", "COVERING INDEX budget_cost"),
    ("count_in_states", "COVERING INDEX task_state"),
    ("count_of_source", "COVERING INDEX task_source"),
    ("count_of_mode", "INDEX task_mode"),
    ("count_of_tag", "PRIMARY KEY (tag=?)"),
    ("fitting", "INTEGER PRIMARY KEY"),
    ("tasks_at", "INTEGER PRIMARY KEY"),
    ("sources", "COVERING INDEX task_source"),
    ("some_tags", "PRIMARY KEY"),
    ("words_of_new", "INTEGER PRIMARY KEY"),
    ("edited_tasks", "COVERING INDEX task_edited"),
]


class Anything(dict):
    def __missing__(self, key):
        return 1


@pytest.mark.parametrize(("query", "index"), PLANS)
def test_what_is_looked_for_is_read_from_an_index(store, query, index):
    rows = store.reader.connection.execute(
        f"EXPLAIN QUERY PLAN {sql.queries()[query]}", Anything()
    ).fetchall()
    plan = [row["detail"] for row in rows]

    assert any(index in step for step in plan), plan
    assert not any(step.startswith(("SCAN task", "SCAN budget")) for step in plan), plan


def test_claiming_and_ending_a_task_write_none_of_the_indexes_of_lists(store, by):
    """Opcodes of what is written: none of the new trees is opened for writing (sqlite.org/opcode.html)."""
    connection = store.writer._connection
    trees = {
        row["rootpage"]: row["name"]
        for row in connection.execute("SELECT name, rootpage FROM sqlite_master WHERE rootpage > 0")
    }
    listing = {"task_source", "task_mode", "task_priority", "task_edited", "task_tag"}
    for query in ("claim", "to_review", "review_held", "end_task", "to_queue", "set_state", "renew_lease"):
        opened = {
            trees[row["p2"]]
            for row in connection.execute(f"EXPLAIN {sql.queries()[query]}", Anything())
            if row["opcode"] == "OpenWrite"
        }
        assert opened
        assert not opened & listing, query


def test_lists_are_made_for_tasks_that_were_there_before(tmp_path):
    path = tmp_path / "old.db"
    connection = sqlite3.connect(path, isolation_level=None)
    steps_of = sql.migrations()
    for number, script in steps_of:
        if number < 10:
            connection.executescript(script)
    doc = json.dumps({"prompt": "x", "tags": ["docs", "docs"]})
    connection.execute(
        "INSERT INTO task (id, state, lane, priority, doc, source, created) "
        "VALUES ('a', 'ready', 'llm', 0, ?, 'cli', 1)",
        (doc,),
    )
    connection.executescript(next(script for number, script in steps_of if number == 10))

    assert connection.execute("SELECT tag, task FROM task_tag").fetchall() == [("docs", 1)]
    connection.close()


def test_tasks_entered_together_have_their_tags(store, tasks):
    store.submit(Intake(new=[new_task(id=f"t{n}", tags=["docs"]) for n in range(100)]), "cli")

    assert len(tasks.page(Filter(tag="docs"), "oldest", 200).rows) == 100
