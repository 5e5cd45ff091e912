"""Runs that are finished, that fail and that go on, made through the store's own methods."""

from __future__ import annotations

import functools
import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import host_platform
from clock import local_day
from limits import Limits
from outcome import Outcome, Usage, Verdict
from road.run_prompts import Given, RunPrompts
from runs.entering import House, forked, new_run
from runs.originals import original_of
from runs.request import read_fork, read_start
from settings import Home, Settings
from store import budgets, claims, recording, run_steering, runs
from store.budgets import Account, Reservation
from store.claims import Claimant
from store.lanes import Gate
from store.outputs import OutputSink, read_output
from store.records import Claim, Question
from store.sqlite_store import SqliteStore
from testing.clock import FakeClock
from testing.durable_runs import EveryModel
from tests.unit.panel.furnish import worker_with_room

QUESTION = "Should a small team keep its services in one repository?"
ANSWERS = {
    "for": "One repository keeps a change in one place: a rename is one commit, one review, one build.",
    "against": "Builds slow down for everyone, and a careless owner of the root breaks the work of all.",
    "experience": "Teams below thirty people report few troubles; above, they report work on tooling.",
    "verdict": "Keep one repository until builds hurt. The strongest point for it is one commit a change.",
}


class RunFurnisher:
    """Does the work of runs by hand, with answers, tokens and money."""

    def __init__(self, store: SqliteStore, home: Home, clock: FakeClock | None = None) -> None:
        self.store = store
        self._home = home
        self._clock = clock
        self._house = House(Limits(), EveryModel(), home.policies_file)
        self._prompts = RunPrompts(store, functools.partial(read_output, home.outputs))
        self._calls = 0

    def start(self, *, called: str | None = None, **request: Any) -> str:
        """Start a run; its id. `called`: its name as it could be once, whatever stands in it."""
        made = new_run(read_start(request), self._house)
        if called is not None:
            made = replace(made, name=called, request={**made.request, "name": called})
        return str(self.store.write(lambda tx: runs.start(tx, made, "cli:ana", self.store.limits))["id"])

    def fork(self, run: str, **request: Any) -> str:
        """Start a fork; its id."""
        row = self.store.reader.one("get_run", id=run)
        assert row is not None
        made = forked(original_of(self.store.reader, row), read_fork(request), self._house)
        return str(self.store.write(lambda tx: runs.start(tx, made, "panel", self.store.limits))["id"])

    def claim(self) -> list[Claim]:
        """Everything that may start begins."""
        found = []
        while rows := self._claim_one(worker_with_room(self.store)):
            claim = Claim.from_row(rows[0])
            given = self._prompts.given(claim, "0" * 16)
            if given is not None:
                self._note(claim, given)
                self._reserve(claim)
                found.append(claim)
        return found

    def _claim_one(self, who: Claimant) -> list[sqlite3.Row]:
        return self.store.write(lambda tx: claims.claim(tx, who, 1, Gate(), self.store.limits))

    def _note(self, claim: Claim, given: Given) -> None:
        if given.ledger:
            self.store.write(lambda tx: run_steering.note_told(tx, claim.seq, given.ledger))

    def _reserve(self, claim: Claim) -> None:
        self._calls += 1
        run, model, day = claim.id.partition(":")[0], "gpt-4o", local_day(self.store.clock.now())
        accounts = [Account("task", claim.id), Account("run", run), Account("model", model, day)]
        accounts += [Account("day", "", day), Account("total")]
        owner = str(host_platform.this_process())
        wanted = Reservation(f"{claim.id}/{claim.ref.lease}", claim.id, 1, model, owner, accounts, 20_000)
        self.store.write(lambda tx: budgets.reserve(tx, wanted))

    def end(self, claim: Claim, text: str, micros: int = 4_300, seconds: float = 3.0) -> None:
        """A task answers and is approved."""
        self._bring(claim, text, micros, seconds)
        self.store.write(lambda tx: recording.approve(tx, self._row(tx, claim), "critics"))

    def fail(self, claim: Claim, reason: str, seconds: float = 3.0) -> None:
        """A task answers, and is judged to have failed."""
        self._bring(claim, "", 1_900, seconds)
        self.store.write(lambda tx: recording.fail(tx, self._row(tx, claim), "expectation", reason))

    def ask(self, claim: Claim, text: str) -> None:
        """A task answers, and a person is asked about it."""
        self._bring(claim, text, 4_300, 3.0)
        asks = Question("review", f"Is the answer of {claim.id} good?", ("approve", "reject"), {})
        self.store.write(lambda tx: recording.hold(tx, self._row(tx, claim), asks))

    @staticmethod
    def _row(tx: Any, claim: Claim) -> Any:
        return tx.one("get_task", id=claim.id)

    def _bring(self, claim: Claim, text: str, micros: int, seconds: float) -> None:
        if self._clock is not None:
            self._clock.advance(seconds)
        call = f"{claim.id}/{claim.ref.lease}"
        self.store.write(lambda tx: budgets.book(tx, call, micros))
        sink = OutputSink(self._home.outputs, f"{claim.seq}-{claim.ref.lease}", 1024 * 1024)
        sink.write(text.encode())
        stored, now = sink.close(), self.store.clock.now()
        outcome = Outcome(
            status="completed", task_id=claim.id, lease=claim.ref.lease, mode="llm", model="gpt-4o",
            result=text[:200], output=stored.head, output_ref=stored.ref, output_bytes=stored.bytes,
            usage=Usage(prompt_tokens=310 + len(text), completion_tokens=90, source="server"),
            cost_micros=micros, started_at=now - seconds, ended_at=now,
        )  # fmt: skip
        self.store.write(lambda tx: recording.record_outcome(tx, outcome))
        verdict = Verdict(decision="APPROVE", confidence=0.9)
        self.store.write(lambda tx: recording.begin_review(tx, claim.ref, outcome, verdict, {}))

    def go(self, work: Callable[[str], str], fails: str | None = None) -> None:
        """Work until nothing is left that may start; the task `fails` fails."""
        while found := self.claim():
            for number, claim in enumerate(found):
                name = claim.id.partition(":")[2]
                if name == fails:
                    self.fail(claim, "the answer is no JSON: line 1, column 1")
                elif self._is_to_stop(claim):
                    self._stop(claim)
                else:
                    self.end(claim, work(name), 3_100 + 700 * (number % 4), 4.0 + 3 * (number % 3))

    def _is_to_stop(self, claim: Claim) -> bool:
        row = self.store.reader.task(claim.id)
        return row is not None and bool(row["cancel_requested"])

    def _stop(self, claim: Claim) -> None:
        self.store.write(lambda tx: recording.cancel_running(tx, claim.ref, "its run"))


def compare_request(**more: Any) -> dict[str, Any]:
    """Three answers and a verdict on them."""
    tasks: list[dict[str, Any]] = [
        {"id": name, "prompt": f"{words}: {QUESTION}", "max_tokens": 400, "model": "gpt-4o"}
        for name, words in (("for", "Argue for it"), ("against", "Argue against it"), ("experience", "Say"))
    ]
    tasks.append({
        "id": "verdict", "deps": ["for", "against", "experience"], "model": "gpt-4o", "max_tokens": 400,
        "prompt": "Weigh the answers. The case for it: {{deps.for.output}}",
        "context": {"max_tokens": 60, "strategy": "keep_last_n", "keep_last_n": 1},
    })  # fmt: skip
    policy = {"max_parallelism": 3, "budget_limit": {"amount": 0.05}, "run_timeout_ms": 1_800_000}
    return {"name": "compare", "policy": policy, "memory": {"tone": "plain"}, "tasks": tasks} | more


def furnish_runs(store: SqliteStore, home: Home) -> None:
    """A run that completed, its fork, one that failed, and one that goes on and asks."""
    clock = FakeClock(time.time() - 900)
    with SqliteStore(home, Settings(), clock) as past:
        by = RunFurnisher(past, home, clock)
        by.start(**compare_request(id="compare-08ffd993"))
        by.go(ANSWERS.__getitem__)
        clock.advance(60)
        by.fork(
            "compare-08ffd993",
            task="verdict",
            id="compare-5c1e77a0",
            prompt="Weigh the answers, in one line.",
        )
        by.go(lambda name: "Keep one repository, and look again when a build takes ten minutes.")
        clock.advance(90)
        invoices = [f"invoice-{number}" for number in range(1, 7)]
        by.start(
            id="extract-invoices-b3",
            name="extract invoices",
            policy={"max_parallelism": 4, "budget_limit": {"amount": 0.2}},
            tasks=[
                {"id": "read", "prompt": "List the invoices."},
                *({"id": name, "prompt": f"Give {name} as JSON.", "deps": ["read"]} for name in invoices),
                {"id": "sum", "prompt": "Add them up.", "deps": invoices},
            ],
        )
        by.go(lambda name: f'{{"task": "{name}", "total": 118.40, "currency": "EUR"}}', fails="invoice-4")
        clock.advance(max(0.0, time.time() - 100 - clock.now()))
        furnish_running(by)


def furnish_running(by: RunFurnisher) -> None:
    """A run in the middle of its work, about which a person is asked."""
    parts = [f"module-{number:02}" for number in range(1, 9)]
    by.start(
        id="report-on-a-repository-41c9",
        name="report on a repository",
        memory={"audience": "its maintainers"},
        policy={"max_parallelism": 3, "budget_limit": {"amount": 0.12}, "run_timeout_ms": 3_600_000},
        tasks=[
            {"id": "outline", "prompt": "Say what the program is for."},
            *({"id": name, "prompt": f"Summarise {name}.", "deps": ["outline"]} for name in parts),
            *({"id": f"{name}-review", "prompt": "Is it true?", "deps": [name]} for name in parts),
            {"id": "report", "prompt": "Write the report.", "deps": [f"{name}-review" for name in parts]},
            {"id": "contents", "prompt": "Check the table of contents.", "deps": ["report"]},
        ],
    )
    for claim in by.claim():
        by.end(claim, "It works through a queue of tasks, within a budget.", seconds=9.0)
    for _ in range(2):
        for claim in by.claim():
            if claim.id.endswith("-review"):
                by.ask(claim, "It is true but for the second sentence.")
            else:
                by.end(
                    claim,
                    f"{claim.id.partition(':')[2]} parses its input and tells what is wrong with it.",
                    seconds=7.0,
                )
    by.claim()
