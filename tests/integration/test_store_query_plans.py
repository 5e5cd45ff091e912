"""What is asked all the time uses its own partial index, and costs the same however many tasks wait."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from settings import Home, Settings
from store import database, sql
from store.claims import Claimant
from store.records import Intake
from store.sqlite_store import SqliteStore
from testing.clock import FakeClock
from testing.tasks import new_task
from tests.conformance.store_suite import approve
from tests.conformance.store_suite import status as state

#: Query, the values it is explained with, the index it must use.
HOT = [
    ("open_decision_of_no_task", "decision_task"),
    ("claim", "task_ready"),
    ("ready_heads", "task_ready"),
    ("any_ready", "task_ready"),
    ("due", "task_delayed"),
    ("next_due", "task_delayed"),
    ("some_delayed", "task_delayed"),
    ("running_lanes", "task_state"),
    ("running", "task_state"),
    ("running_to_cancel", "task_state"),
    ("get_task", "sqlite_autoindex_task_1"),
    ("held", "sqlite_autoindex_task_1"),
    ("renew_lease", "sqlite_autoindex_task_1"),
    ("release_children", "edge_parent"),
    ("children_of", "edge_parent"),
    ("open_occurrence", "sqlite_autoindex_task_1"),
    ("open_decisions", "decision_waiting"),
    ("next_decision_deadline", "decision_deadline"),
    ("decisions_past_deadline", "decision_deadline"),
    ("refused_tasks", "task_refused"),
    ("places_recurring", "task_schedule"),
    ("recurring_of", "sqlite_autoindex_task_1"),
    ("count_refused", "task_refused"),
    ("events_of", "event_task"),
    ("events_before", "event_task"),
    ("newest_attempts", "PRIMARY KEY"),
    ("some_children_of", "edge_parent"),
    ("newest_ended", "task_state"),
    ("ends_after", "INTEGER PRIMARY KEY"),
    ("reset_after", "INTEGER PRIMARY KEY"),
    ("held_by", "task_held"),
    ("held_limits", "task_held"),
    ("held_tasks", "task_held"),
    ("count_held", "task_held"),
    ("held_by_themselves", "task_held"),
    ("promised", "task_promised"),
    ("reserving_owners", "spend_reserved"),
    ("reserved_by", "spend_reserved"),
    ("spent_since", "spend_time"),
    ("open_budget_decisions", "decision_open"),
    ("balance", "PRIMARY KEY"),
    ("subtasks_of", "task_plan_parent"),
    ("insert_plan_edges", "task_plan_parent"),
    ("last_entry_of", "reward_entry_identity"),
    ("last_entry", "reward_entry"),
    ("entry_about", "sqlite_autoindex_reward_entry_1"),
    ("free_time_of_day", "reward_entry_free_time"),
    ("free_time_of", "sqlite_autoindex_reward_entry_1"),
    ("held_by_identities", "task_held"),
    ("any_unrested", "task_free_time"),
    ("identity_statistics", "attempt_identity"),
    ("get_run", "sqlite_autoindex_run_1"),
    ("run_tasks_ended", "sqlite_autoindex_run_1"),
    ("run_finished", "INTEGER PRIMARY KEY"),
    ("run_task_of", "INTEGER PRIMARY KEY"),
    ("needs_of", "INTEGER PRIMARY KEY"),
    ("run_unstarted", "sqlite_autoindex_run_task_1"),
    ("run_running", "sqlite_autoindex_run_task_1"),
    ("run_incomplete", "sqlite_autoindex_run_task_1"),
    ("run_known_tasks", "sqlite_autoindex_run_task_1"),
    ("run_taken_ids", "sqlite_autoindex_task_1"),
    ("task_left_of_run", "sqlite_autoindex_task_1"),
    ("task_budget", "sqlite_autoindex_task_1"),
    ("runs_overdue", "run_deadline"),
    ("next_run_deadline", "run_deadline"),
    ("run_events_after", "INTEGER PRIMARY KEY"),
    ("find_runs", "INTEGER PRIMARY KEY"),
    ("run_forks", "INTEGER PRIMARY KEY"),
    ("run_tasks_page", "sqlite_autoindex_run_task_1"),
    ("run_task_named", "sqlite_autoindex_run_task_1"),
    ("run_task_names", "sqlite_autoindex_run_task_1"),
    ("run_used_by", "PRIMARY KEY"),
    ("run_words_of", "sqlite_autoindex_task_1"),
    ("open_decisions_of_run", "decision_open"),
    ("journal_like", "sqlite_autoindex_journal_1"),
    ("log_back", "INTEGER PRIMARY KEY"),
    ("log_on", "INTEGER PRIMARY KEY"),
    ("log_back_of", "event_task"),
    ("log_on_of", "event_task"),
    ("log_reach_back_of", "event_task"),
    ("log_reach_on_of", "event_task"),
    ("event_at_or_after", "INTEGER PRIMARY KEY"),
    ("blocked_tasks", "task_state"),
    ("refusals", "INTEGER PRIMARY KEY"),
    ("ledger_page", "INTEGER PRIMARY KEY"),
    ("ledger_page_of", "reward_entry_identity"),
    ("journal_page", "INTEGER PRIMARY KEY"),
    ("journal_page_of", "journal_identity"),
    ("deeds", "PRIMARY KEY"),
    ("schedules", "task_schedule"),
    ("last_occurrences", "sqlite_autoindex_task_1"),
    ("delayed_tasks", "task_delayed"),
    ("tasks_of_run", "task_run"),
    ("spent_by_day", "PRIMARY KEY"),
    ("spent_in_all", "PRIMARY KEY"),
    ("count_open_decisions", "decision_open"),
    ("count_asked_since", "decision_open"),
    ("open_decisions_after", "decision_waiting"),
    ("open_decisions_alone", "decision_open"),
    ("answered_before", "decision_answered"),
    ("ends_since", "PRIMARY KEY"),
    ("ends_between", "PRIMARY KEY"),
    ("newest_ended_since", "task_state"),
    ("held_by_workers", "task_state"),
]


class Everything(dict):
    """Any value for any name of a query."""

    def __missing__(self, key: str) -> int:
        return 1


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory):
    path = tmp_path_factory.mktemp("plans") / "state.db"
    opened = database.open_writer(path)
    database.migrate(opened, path)
    yield opened
    opened.close()


@pytest.mark.parametrize(("query", "index"), HOT)
def test_a_hot_query_uses_its_index_and_never_reads_a_whole_table(
    connection: sqlite3.Connection, query, index
):
    rows = connection.execute(f"EXPLAIN QUERY PLAN {sql.queries()[query]}", Everything()).fetchall()
    plan = [row["detail"] for row in rows]
    assert any(index in step for step in plan), plan
    for step in plan:
        # A scan of rows that the query itself has made (lanes, used), one of a partial index in its order,
        # and one of a list that was given, read no table.
        allowed = step in {"SCAN lanes", "SCAN used", "SCAN CONSTANT ROW"}
        allowed = allowed or f"USING COVERING INDEX {index}" in step
        allowed = allowed or step.startswith("SCAN json_each VIRTUAL TABLE")
        assert not step.startswith("SCAN") or allowed or f"USING INDEX {index}" in step, plan
        assert "TEMP B-TREE FOR ORDER BY" not in step, plan


def test_every_query_can_be_prepared(connection):
    for text in sql.queries().values():
        connection.execute(f"EXPLAIN {text}", [1] * text.count("?") or Everything())


def test_a_query_for_many_rows_is_the_same_with_more_values(connection):
    for name in ("insert_attempt", "insert_event", "insert_new_task", "mark_dirty"):
        one = sql.queries()[name]
        assert sql.for_rows(name, 1) == one.rstrip(";")
        three = sql.for_rows(name, 3)
        assert three.count("?") == 3 * one.count("?")
        connection.execute(f"EXPLAIN {three}", [1] * three.count("?"))


def test_every_query_is_named_once_and_has_a_line_of_purpose():
    assert sum(text.count(" --\n") for text in sql.texts()) == len(sql.queries())
    assert all(body.startswith("-- ") for body in sql.queries().values())


def steps(store: SqliteStore, work) -> int:
    """Virtual machine instructions of SQLite, in twenties, that `work` costs the writing connection."""
    counted = 0

    def count() -> int:
        nonlocal counted
        counted += 1
        return 0

    connection = store.writer._connection
    connection.set_progress_handler(count, 20)
    try:
        work()
    finally:
        connection.set_progress_handler(None, 0)
    return counted


#: More tasks like those that stand there, faster than they could be handed in one by one.
MORE = """
INSERT INTO task (seq, id, state, lane, priority, not_before, doc, source, created)
WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < :count)
SELECT 1000 + n, 'more' || n, CASE WHEN n % 20 THEN 'ready' ELSE 'delayed' END, 'local',
       CASE WHEN n % 20 THEN n % 10 ELSE 99 END, :later, doc, source, created
FROM number, task WHERE task.id = 't0'
"""


def cost_of_a_claim_and_an_end(root: Path, more: int, who: Claimant) -> tuple[int, int]:
    clock = FakeClock()
    with SqliteStore(Home(root), Settings(), clock) as store:
        tasks = [new_task(id=f"t{number}", priority=number % 10) for number in range(100)]
        # Future-dated tasks of the highest priority stand in nobody's way.
        tasks += [new_task(id="later", priority=99, not_before=clock.now() + 99)]
        tasks += [new_task(id="child", depends_on=["t9"])]
        store.submit(Intake(new=tasks), "test")
        if more:
            later = clock.now() + 99
            store.write(lambda tx: tx.connection.execute(MORE, {"count": more, "later": later}))
        claims: list = []
        claiming = steps(store, lambda: claims.extend(store.claim(who, 5)))
        assert [claim.id for claim in claims] == ["t9", "t19", "t29", "t39", "t49"]
        ending = steps(store, lambda: approve(store, claims[0]))
        assert state(store, "child") == "ready"
        return claiming, ending


def test_a_claim_and_an_end_cost_the_same_at_100_and_at_100_000_waiting_tasks(tmp_path, who):
    few = cost_of_a_claim_and_an_end(tmp_path / "few", 0, who)
    many = cost_of_a_claim_and_an_end(tmp_path / "many", 105_000, who)
    assert all(count > 10 for count in few)
    assert all(more <= 2 * less for less, more in zip(few, many, strict=True)), (few, many)
