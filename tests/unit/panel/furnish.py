"""Homes with tasks in every state, made through the store's own methods as the daemon would."""

from __future__ import annotations

import sqlite3
import time

import host_platform
from outcome import Outcome, Verdict
from road import agreement
from safety.work import Approved, Rights
from settings import Home, Settings
from store import agreements, recording
from store.claims import Claimant
from store.records import Claim, Intake, Question, RefusedTask
from store.sqlite_store import SqliteStore
from store.transaction import Transaction
from testing.clock import FakeClock
from testing.tasks import new_task

HOSTILE = '<script>document.title="owned"</script>'
REVERSED = "safe\u202etxt.exe"


def row_of(tx: Transaction, task_id: str) -> sqlite3.Row:
    """The row of a task that is there."""
    row = tx.one("get_task", id=task_id)
    assert row is not None
    return row


class Furnisher:
    """Brings tasks to where a test or a picture needs them."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self._who = Claimant("worker-1", host_platform.this_process(), 3600.0)

    def add(self, *ids: str, **fields) -> None:
        """Enter tasks."""
        self.store.submit(Intake(new=[new_task(id=name, **fields) for name in ids]), "queue_file")

    def refuse(self, task_id: str, reason: str, raw: str) -> None:
        """Enter a task that broke the contract."""
        refused = RefusedTask(task_id, reason, "tasks[0]", raw)
        self.store.submit(Intake(refused=[refused]), "queue_file")

    def start(self, task_id: str, **fields) -> Claim:
        """A task that runs."""
        if self.store.reader.task(task_id) is None:
            self.add(task_id, **({"priority": 1000} | fields))
        (claim,) = self.store.claim(self._who, 1)
        assert claim.id == task_id, claim.id
        return claim

    def review(self, task_id: str, result: str = "", **fields) -> Claim:
        """A task whose attempt ran and is being judged."""
        return self.bring(self.start(task_id, **fields), result)

    def bring(self, claim: Claim, result: str = "") -> Claim:
        """A result for a task that runs; it is being judged."""
        now = self.store.clock.now()
        outcome = Outcome(
            status="completed",
            task_id=claim.id,
            lease=claim.ref.lease,
            mode=claim.task.mode,
            result=result,
            started_at=now - 3,
            ended_at=now,
        )
        self.store.write(lambda tx: recording.record_outcome(tx, outcome))
        verdict = Verdict(decision="HELD", confidence=0.6)
        self.store.write(lambda tx: recording.begin_review(tx, claim.ref, outcome, verdict, {}))
        return claim

    def ask(self, task_id: str, question: str, result: str = "", **fields) -> str | None:
        """A task that waits for a person's review; the decision's id."""
        self.review(task_id, result, **fields)
        asked = Question("review", question, ("approve", "reject"), {"result": result})
        return self.store.write(lambda tx: recording.hold(tx, row_of(tx, task_id), asked))

    def ask_leave(self, task_id: str, argv: tuple[str, ...], **fields) -> None:
        """A command that a person must agree to before it runs."""
        claim = self.start(task_id, **fields)
        rights = Rights(network=True, environment_keys=("AGENT_KEY",), needs_person=True)
        approved = Approved.command(argv, {"PATH": "/opt:/usr/bin"}, rights=rights)
        self.store.write(lambda tx: agreements.hold(tx, claim.ref, agreement.question(claim, approved)))

    def interrupt(self, task_id: str, **fields) -> None:
        """A running command that was cut off, and about which a person is asked."""
        self.start(task_id, **fields)
        self.store.write(
            lambda tx: recording.interrupted(tx, row_of(tx, task_id), "unsafe", 3, "swarm was killed")
        )

    def approve(self, task_id: str, result: str = "", **fields) -> None:
        """A task that is done."""
        self.review(task_id, result, **fields)
        self.store.write(lambda tx: recording.approve(tx, row_of(tx, task_id), "critics"))

    def fail(self, task_id: str, reason: str, **fields) -> None:
        """A task that failed."""
        self.review(task_id, **fields)
        self.store.write(lambda tx: recording.fail(tx, row_of(tx, task_id), "exit_code", reason))

    def block(self, task_id: str, reason: str, **fields) -> None:
        """A task that the safety gateway refused."""
        claim = self.start(task_id, **fields)
        self.store.write(lambda tx: recording.block(tx, claim.ref, reason, {}))

    def requeue(self, task_id: str, reason: str, wait_s: float, **fields) -> None:
        """A task that is tried again later."""
        self.start(task_id, **fields)
        self.store.write(
            lambda tx: recording.requeue(
                tx, row_of(tx, task_id), reason, not_before=tx.now + wait_s, waiting_for=reason
            )
        )


def furnish(store: SqliteStore) -> None:
    """A home in the middle of a working day."""
    by = Furnisher(store)
    by.approve("fetch-changelog", "Saved 214 entries to changelog/2026.json", command="cat changelog.txt")
    by.approve(
        "summarise-releases",
        "Three themes: faster cold start, fewer retries on 429, a new export. Full text in the output.",
        prompt="Summarise the releases of this quarter in five sentences, for people who read no changelogs.",
    )
    by.fail(
        "count-lines",
        "exit code 2: ls: cannot access 'srcs': No such file or directory",
        command="ls -l srcs",
    )
    by.block(
        "clean-home",
        "programs: 'rm' is not allowed; allowed are cat, echo, git, ls, pwd, sleep",
        command="rm -rf .",
    )
    by.add("old-idea", prompt="Think about renaming everything.")
    store.cancel("old-idea", "cli")
    by.refuse(
        "task-3f9a", "tasks[7].depends_on[0]: must be string, got 17", '{"depends_on": [17], "prompt": "x"}'
    )
    by.ask(
        "announce-release",
        "Is this good enough to send?",
        "Skep 0.1 is out: drop tasks into a file and watch them go.",
        prompt="Write the announcement of the release, two paragraphs, no superlatives.",
        review="human",
    )
    by.interrupt("tag-release", command="git status", effect="unsafe")
    by.requeue(
        "ask-groq",
        "the model endpoint asks to come back later (429)",
        95,
        prompt="Classify the open issues by area.",
    )
    by.start(
        "translate-docs",
        prompt="Translate docs/queue.md to Portuguese; keep code blocks as they are.",
        tags=["docs"],
    )
    by.start("review-diff", prompt="Review the diff of the branch `export` as a sceptical maintainer.")
    by.add(
        "publish-docs", command="git log", depends_on=["translate-docs", "announce-release", "check-links"]
    )
    by.add("nightly-report", prompt="Write the nightly report.", every="0 3 * * *")
    by.add(
        "after-lunch", prompt="Draft the answer to the feedback of this week.", not_before=time.time() + 5000
    )
    for number in range(1, 5):
        by.add(
            f"classify-{number:02}", prompt=f"Classify ticket {4000 + number} by product area and urgency."
        )
    by.add("strange-name", prompt=f"{HOSTILE} and {REVERSED} and \x1b[31mred\x1b[0m")


def furnish_a_day(home: Home) -> None:
    """What ended in the day before now, more by day than by night: something for the charts to draw."""
    clock = FakeClock(time.time() - 24 * 3600)
    with SqliteStore(home, Settings(), clock) as store:
        by = Furnisher(store)
        for hour in range(24):
            for number in range(1 + 5 * (5 < hour < 20)):
                seconds = 2.0 + (hour * 7 + number * 13) % 40
                _end_after(by, clock, f"ticket-{hour:02}{number}", seconds, fails=(hour + number) % 9 == 8)
                clock.advance(3600 / 7 - seconds)
            clock.advance(max(0.0, time.time() - (23 - hour) * 3600 - clock.now()))


def _end_after(by: Furnisher, clock: FakeClock, task_id: str, seconds: float, *, fails: bool) -> None:
    claim = by.start(task_id, prompt=f"Classify {task_id} by product area and urgency.")
    clock.advance(seconds)
    by.bring(claim, "billing, urgent")
    if fails:
        by.store.write(
            lambda tx: recording.fail(tx, row_of(tx, task_id), "expectation", "the answer names no area")
        )
    else:
        by.store.write(lambda tx: recording.approve(tx, row_of(tx, task_id), "critics"))
