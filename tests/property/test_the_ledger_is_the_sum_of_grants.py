"""The ledger is the sum of what was granted and paid, whatever fails and whoever is killed in between.

First any order of approvals, payments and steps that break off, on one store. Then several processes that
earn and spend the tokens of the same few identities over one home; they are killed at random and started
again. In the end the books are held against each other, and against the tasks and entries that were bought.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import random
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import host_platform
from attempts import AttemptPolicy
from enrichment.roster import Roster
from errors import InvalidRequest, NotFound, TooFewTokens, TransitionNotAllowed
from road.free_time import FreeTime
from road.judging import Judge
from settings import Home, Settings
from store import database, journal, ledger, recording
from store.claims import Claimant
from store.records import Intake
from store.sqlite_store import SqliteStore
from store.transaction import Transaction
from testing.clock import FakeClock
from testing.tasks import new_task
from tests.conformance.store_suite import outcome_of
from tool_router import NO_ROUTE

WHO = ("ada", "bob", "cy")
JOURNAL_COST = 7
SETTINGS = Settings(free_time=True, free_time_cost=9, free_time_per_day=1000)


class BrokeOff(Exception):
    """The step ended here; its transaction is taken back."""


class Book:
    """A home whose identities earn and spend."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self._who = Claimant("worker-test", host_platform.this_process(), 30.0)
        self._judge = Judge(
            lambda ref, work: store.write(work), lambda ref: b"", store.home.workspace, AttemptPolicy()
        )
        store.home.identities.mkdir(exist_ok=True)
        for name in WHO:
            (store.home.identities / f"{name}.toml").write_text('free_time = ["Look out of the window."]')
        self._free_time = FreeTime(store, Roster(store.home.identities), SETTINGS)

    def earn(self, task_id: str, identity: str, share: float, review: str, breaks: int) -> None:
        """A task comes in, runs for a share of its budget, and is judged; twice, as after a crash."""
        fields = {"id": task_id, "prompt": "x", "identity_id": identity, "max_budget": 0.1, "review": review}
        self.store.submit(Intake(new=[new_task(**fields)]), "test")
        for claim in self.store.claim(self._who, 5):
            outcome = outcome_of(claim, output="an answer", cost_micros=round(100_000 * share))
            with contextlib.suppress(BrokeOff):
                if breaks:
                    self._broken(lambda claim=claim, outcome=outcome: self._conclude(claim, outcome), breaks)
            self._conclude(claim, outcome)
            self._conclude(claim, outcome)

    def _conclude(self, claim: Any, outcome: Any) -> None:
        self._judge.conclude(claim, outcome, NO_ROUTE, random.Random(1))

    def answer(self, task_id: str, breaks: int) -> None:
        """A person says yes, twice."""
        with contextlib.suppress(BrokeOff, TransitionNotAllowed, NotFound):
            if breaks:
                self._broken(lambda: self.store.approve(task_id, "me"), breaks)
        for _ in range(2):
            with contextlib.suppress(TransitionNotAllowed, NotFound):
                self.store.approve(task_id, "me")

    def write(self, identity: str, words: str, breaks: int) -> None:
        """An entry for the journal."""

        def write(tx: Transaction) -> None:
            journal.write(tx, identity, words, "me", JOURNAL_COST)
            if breaks:
                raise BrokeOff

        with contextlib.suppress(BrokeOff, TooFewTokens):
            self.store.write(write)

    def rescue(self) -> None:
        """What killed processes left goes back to the queue."""
        for gone in self.store.find_abandoned():

            def again(tx: Transaction, task_id: str = gone.row["id"]) -> None:
                row = tx.one("get_task", id=task_id)
                if row is not None and row["state"] == "running":
                    recording.interrupted(tx, row, "idempotent", 100, "its process is gone")

            self.store.write(again)

    def rest(self, breaks: int) -> None:
        """Free time, where somebody can pay."""
        with contextlib.suppress(BrokeOff):
            if breaks:
                self._broken(self._free_time.look, breaks)
        self._free_time.look()

    def _broken(self, step: Any, at: int) -> None:
        """Do a step whose `at`-th transaction breaks off at its end; those before it are durable."""
        writer, whole = self.store.writer, self.store.writer.run
        left = at

        def run(work: Any, *more: Any) -> Any:
            nonlocal left
            left -= 1

            def broken(tx: Transaction) -> None:
                work(tx)
                tx.write_out()
                raise BrokeOff

            return whole(work if left else broken, *more)

        writer.run = run  # type: ignore[method-assign,assignment]
        try:
            step()
        finally:
            writer.run = whole  # type: ignore[method-assign]


def check_the_books(path: Path) -> None:
    """Every sum is right, nothing is paid twice, and whatever was paid for is there."""
    with contextlib.closing(database.open_reader(path)) as connection:

        def rows(query: str) -> list[tuple[Any, ...]]:
            return [tuple(row) for row in connection.execute(query)]

        granted = dict(rows("SELECT identity_id, sum(tokens_awarded) FROM reward_grant GROUP BY identity_id"))
        earned = dict(rows("SELECT identity_id, sum(tokens) FROM reward_entry WHERE tokens > 0 GROUP BY 1"))
        assert earned == granted
        for identity, seq_total in rows("SELECT identity_id, sum(tokens) FROM reward_entry GROUP BY 1"):
            last = rows(
                "SELECT earned, balance FROM reward_entry WHERE identity_id = "
                f"'{identity}' ORDER BY seq DESC LIMIT 1"
            )[0]
            assert last == (earned[identity], seq_total)
            assert seq_total >= 0
        approved = rows("SELECT id FROM task WHERE state = 'approved' AND source = 'test' ORDER BY id")
        paid = rows("SELECT DISTINCT task_id FROM reward_grant ORDER BY task_id")
        assert {*paid} <= {*approved}, "nothing is paid for what is not approved"
        told = rows(
            "SELECT task_id, count(*) FROM event WHERE json_extract(data, '$.phase5_reward_applied') = 1 "
            "GROUP BY task_id ORDER BY task_id"
        )
        assert told == [(task, 1) for (task,) in paid], "each grant is told once, with the approval"
        silent = rows(
            "SELECT task_id FROM event WHERE event = 'task.approved' "
            "AND json_extract(data, '$.phase5_reward_reason') IS NULL"
        )
        assert silent == [], "an approval says what it granted, or why nothing"
        bought = rows("SELECT subject FROM reward_entry WHERE kind = 'free_time' ORDER BY subject")
        assert bought == rows("SELECT id FROM task WHERE source = 'free_time' ORDER BY id")
        entries = rows("SELECT subject FROM reward_entry WHERE kind = 'journal' ORDER BY subject")
        written = "SELECT cast(number AS TEXT) FROM journal WHERE written_by = 'me' ORDER BY 1"
        assert entries == rows(written)
        spent = rows("SELECT count(*) FROM event WHERE event = 'reward.spent'")
        assert spent == [(len(bought) + len(entries),)]


#: Which transaction of a step breaks off; 0: none.
BREAKS = st.sampled_from([0, 0, 1, 2])
STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("earn"),
            st.integers(0, 9),
            st.sampled_from(WHO),
            st.floats(0, 1.2),
            st.sampled_from(["auto", "critic", "human", "none"]),
            BREAKS,
        ),
        st.tuples(st.just("answer"), st.integers(0, 9), BREAKS),
        st.tuples(st.just("write"), st.sampled_from(WHO), st.sampled_from("abcdef"), BREAKS),
        st.tuples(st.just("rest"), BREAKS),
    ),
    max_size=30,
)


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_any_order_of_steps_that_may_break_off_keeps_the_books(steps: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        home.workspace.mkdir()
        with SqliteStore(home, SETTINGS, FakeClock()) as store:
            book = Book(store)
            for kind, *given_ in steps:
                if kind in {"earn", "answer"}:
                    given_[0] = f"t{given_[0]}"
                getattr(book, kind)(*given_)
            check_the_books(home.database)


def test_the_ledger_cannot_be_changed_or_go_below_zero(store) -> None:
    book = Book(store)
    book.earn("t", "ada", 0.0, "auto", 0)
    assert ledger.purse_of(store.reader, "ada").balance == 10
    with contextlib.closing(sqlite3.connect(store.home.database)) as connection:
        for change in ("UPDATE reward_entry SET tokens = 99", "DELETE FROM reward_entry"):
            with pytest.raises(sqlite3.IntegrityError, match="only grows"):
                connection.execute(change)
    with pytest.raises(TooFewTokens, match="has 10 tokens and needs 11"):
        store.write(lambda tx: ledger.pay(tx, "ada", ledger.JOURNAL, "1", 11))
    store.write(lambda tx: ledger.pay(tx, "ada", ledger.JOURNAL, "1", 4))
    with pytest.raises(InvalidRequest, match="has paid for journal 1 before"):
        store.write(lambda tx: ledger.pay(tx, "ada", ledger.JOURNAL, "1", 4))
    assert ledger.purse_of(store.reader, "ada") == ledger.Purse("ada", earned=10, balance=6)


# -- processes that are killed -------------------------------------------------------------------------------

PROCESSES, KILLS, TASKS = 3, 9, 15


def live(root: Path, seed: int) -> None:
    """Earn, answer, write and rest until killed, or until everything is done."""
    chance = random.Random(seed)
    with SqliteStore(Home(root), SETTINGS) as store:
        book = Book(store)
        for number in range(TASKS):
            book.rescue()
            identity = chance.choice(WHO)
            review = chance.choice(["auto", "critic", "human", "none"])
            # ids are shared between the processes, so that they meet
            book.earn(f"t{seed % 2}-{number}", identity, chance.uniform(0, 1.1), review, 0)
            book.answer(f"t{chance.randrange(2)}-{chance.randrange(TASKS)}", 0)
            book.write(chance.choice(WHO), f"words {chance.randrange(40)}", 0)
            book.rest(False)


@pytest.mark.timeout(240)
def test_processes_that_are_killed_at_random_keep_the_books(tmp_path: Path) -> None:
    chance = random.Random(20261128)
    context = multiprocessing.get_context("spawn")
    with SqliteStore(Home(tmp_path), SETTINGS):
        pass
    (tmp_path / "workspace").mkdir()
    running = [context.Process(target=live, args=(tmp_path, seed)) for seed in range(PROCESSES)]
    for process in running:
        process.start()
    for kill in range(KILLS):
        process = running[kill % PROCESSES]
        process.join(chance.uniform(0.6, 1.4))
        process.kill()
        process.join()
        running[kill % PROCESSES] = context.Process(target=live, args=(tmp_path, 10 + kill))
        running[kill % PROCESSES].start()
    for process in running:
        process.join()
        assert process.exitcode == 0
    check_the_books(Home(tmp_path).database)
    with contextlib.closing(database.open_reader(Home(tmp_path).database)) as connection:
        kinds = {row[0] for row in connection.execute("SELECT DISTINCT kind FROM reward_entry")}
    assert kinds == {"grant", "journal", "free_time"}, "all of it took place"
