"""Homes with tasks in every state, made through the store's own methods as the daemon would."""

from __future__ import annotations

import itertools
import sqlite3
import time
from collections.abc import Sequence

import host_platform
from clock import local_day
from outcome import Outcome, Usage, Verdict
from road import agreement
from safety.work import Approved, Rights
from settings import Home, Settings
from store import agreements, budgets, rates, recording
from store.budgets import Account, BudgetLimits, Reservation
from store.claims import Claimant
from store.outputs import OutputSink
from store.planning import NewPlan, enter_plan
from store.records import Claim, Intake, NewTask, Question, RefusedTask, digest_of_ask
from store.sqlite_store import SqliteStore
from store.transaction import Transaction
from testing.clock import FakeClock
from testing.tasks import new_task

HOSTILE = '<script>document.title="owned"</script>'
REVERSED = "safe\u202etxt.exe"
_NOT_ROUTED = {"tool_route": "none", "tool_name": None, "tool_confidence": 0.0}


def row_of(tx: Transaction, task_id: str) -> sqlite3.Row:
    """The row of a task that is there."""
    row = tx.one("get_task", id=task_id)
    assert row is not None
    return row


def worker_with_room(store: SqliteStore) -> Claimant:
    """The first worker that has room, for none claims more than its pace."""
    held = {row["worker_id"]: row["count"] for row in store.reader.all("held_by_workers")}
    names = (f"worker-{number}" for number in itertools.count(1))
    name = next(each for each in names if held.get(each, 0) < store.settings.concurrency)
    return Claimant(name, host_platform.this_process(), 3600.0)


class Furnisher:
    """Brings tasks to where a test or a picture needs them."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store

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
        (claim,) = self.store.claim(worker_with_room(self.store), 1)
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
        claim = self.review(task_id, result, **fields)
        payload = {"asked": digest_of_ask(claim.task), "result": result}
        asked = Question("review", question, ("approve", "reject"), payload)
        return self.store.write(lambda tx: recording.hold(tx, row_of(tx, task_id), asked))

    def ask_about(self, task_id: str, output: bytes, **fields) -> str | None:
        """A task whose stored output waits for a person's review; the decision's id."""
        claim = self.review(task_id, output[:200].decode(errors="replace"), **fields)
        sink = OutputSink(self.store.home.outputs, f"{claim.seq}-{claim.ref.lease}", len(output))
        sink.write(output)
        kept = sink.close()
        payload = {"attempt": claim.attempt, "output_ref": kept.ref, "output": kept.head}
        asked = Question("review", f"Is {task_id} good?", ("approve", "reject"), payload)
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

    def write_live(self, claim: Claim) -> OutputSink:
        """The output of a running attempt, to be written and closed as swarm does."""
        return OutputSink(self.store.home.outputs, f"{claim.seq}-{claim.ref.lease}", 16 * 1024 * 1024)

    def end(self, claim: Claim, sink: OutputSink, verdict: Verdict, route=None, **more) -> None:
        """End an attempt with what was written, and begin to judge it."""
        stored, now = sink.close(), self.store.clock.now()
        outcome = Outcome(
            status="completed",
            task_id=claim.id,
            lease=claim.ref.lease,
            mode=claim.task.mode,
            result=stored.head.partition("\n")[0],
            output=stored.head,
            output_ref=stored.ref,
            output_bytes=stored.bytes,
            started_at=now - 4.2,
            ended_at=now,
            **more,
        )
        self.store.write(lambda tx: recording.record_outcome(tx, outcome))
        self.store.write(
            lambda tx: recording.begin_review(tx, claim.ref, outcome, verdict, route or _NOT_ROUTED)
        )

    def reject(self, claim: Claim, issues: list[str]) -> None:
        """The critics send a judged result back."""
        self.store.write(
            lambda tx: recording.requeue(
                tx,
                row_of(tx, claim.id),
                f"rejected: {'; '.join(issues)}",
                feedback=issues,
                rejected=True,
                became="rejected",
            )
        )

    def answer_twice(self, task_id: str, first: str, second: str, **fields) -> None:
        """A task whose first answer was rejected and whose second waits for a person."""
        usage = Usage(prompt_tokens=412, completion_tokens=96, source="server")
        paid = {"model": "llama3.2", "usage": usage, "cost_micros": 1830, "reserved_micros": 9000}
        for text, verdict in (
            (first, Verdict(decision="REJECT", confidence=0.9, issues=["it is not two paragraphs"])),
            (second, Verdict(decision="APPROVE", confidence=0.8, suggestions=["name the date"])),
        ):
            claim = self.start(task_id, **fields)
            sink = self.write_live(claim)
            sink.write(text.encode())
            self.end(claim, sink, verdict, **paid)
            if verdict.decision == "REJECT":
                self.reject(claim, verdict.issues)
        asked = Question("review", f"Is the result of {task_id} good?", ("approve", "reject"), {})
        self.store.write(lambda tx: recording.hold(tx, row_of(tx, task_id), asked))

    def split(self, task_id: str, parts: list[str], **fields) -> list[str]:
        """A task that was split into parts, each after the one before; their ids."""
        claim = self.start(task_id, **fields)
        ids = [f"{task_id}.{number}" for number in range(1, len(parts) + 1)]

        def make(given: Sequence[str]) -> list[NewTask]:
            before = [[], *([each] for each in given[:-1])]
            return [
                new_task(id=each, prompt=words, depends_on=after)
                for each, words, after in zip(given, parts, before, strict=True)
            ]

        intent = {"goal": "a report the board can read", "must_nots": ["Do not name customers."]}
        plan = NewPlan(make, iter([ids]), intent, 6, ["several parts"], "it asks for several things")
        self.store.write(lambda tx: enter_plan(tx, claim, plan, self.store.limits))
        return ids


def furnish_pages_of_tasks(by: Furnisher) -> None:
    """Tasks whose own pages have much to show."""
    by.answer_twice(
        "write-notes",
        "Skep 0.1 is out.\nIt works through a queue.\nGet it while it is hot!\n",
        "Skep 0.1 is out.\nIt works through a queue of tasks, safely and within budget.\n\nNothing is lost "
        "when the power goes.\n",
        prompt="Write the release notes, two paragraphs, no superlatives.",
        review="human",
        max_attempts=3,
    )
    by.split(
        "board-report",
        ["Collect the figures of the quarter.", "Write the report from them.", "Check it for names."],
        prompt="Collect the figures, write the report, check it for names. Do not name customers.",
    )
    claim = by.start("run-tests", command="git log --stat")
    sink = by.write_live(claim)
    sink.write("".join(f"\x1b[32mok\x1b[0m test {number} of 400\n" for number in range(1, 240)).encode())


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


def furnish_run(store: SqliteStore, run: str = "release-0.2") -> None:
    """A run whose tasks wait for each other, half of it done."""
    by = Furnisher(store)
    for number in range(1, 4):
        by.approve(f"collect-{number}", "Collected.", prompt="Collect what changed.", run_id=run)
    by.approve(
        "sort-changes",
        "Sorted.",
        prompt="Sort it.",
        run_id=run,
        depends_on=[f"collect-{n}" for n in (1, 2, 3)],
    )
    by.start("draft-notes", prompt="Write the notes.", run_id=run, depends_on=["sort-changes"])
    by.ask(
        "write-summary", "Is it short enough?", "Three lines.", prompt="Sum up.", run_id=run,
        depends_on=["sort-changes"], review="human",
    )  # fmt: skip
    for language in ("de", "fr", "pt"):
        by.add(f"translate-{language}", prompt="Translate.", run_id=run, depends_on=["draft-notes"])
    by.add("check-links-0.2", command="git status", run_id=run, depends_on=["draft-notes", "write-summary"])
    by.add(
        "publish-0.2", command="git log", run_id=run,
        depends_on=["translate-de", "translate-fr", "translate-pt", "check-links-0.2", "collect-1"],
    )  # fmt: skip
    by.add("announce-0.2", prompt="Announce it.", run_id=run, depends_on=["publish-0.2", "write-summary"])


def weave(store: SqliteStore, count: int, width: int = 12, run: str | None = None) -> None:
    """So many tasks in layers, each waiting for two of the layer before."""
    tasks = []
    for number in range(count):
        layer, place = divmod(number, width)
        before = [(layer - 1) * width + (place + step) % width for step in (0, 3)] if layer else []
        waits = [f"w-{each:05}" for each in before]
        tasks.append(new_task(id=f"w-{number:05}", depends_on=waits, **({"run_id": run} if run else {})))
    store.submit(Intake(new=tasks), "queue_file")


def furnish_money(store: SqliteStore) -> None:
    """Limits, prices and rates, a month of spending, and a call under way."""
    dollar = 1_000_000
    limits = BudgetLimits(day=5 * dollar, total=100 * dollar, models={"gpt-4o": 3 * dollar})
    rates_set = rates.RateLimits({"gpt-4o": 60}, {"gpt-4o": 90_000})
    me, now = str(host_platform.this_process()), store.clock.now()
    store.write(lambda tx: budgets.keep_limits(tx, limits))
    store.write(lambda tx: tx.set_meta(rates.RATE_LIMITS, rates_set.as_json()))
    store.write(lambda tx: rates.take(tx, rates_set, "gpt-4o", 31_000))
    status = {"ready": True, "model": "gpt-4o", "endpoint": "https://api.openai.com/v1", "reason": "found"}
    store.set_fact("model_status", status, "daemon.model", model="gpt-4o")
    price = {"price": '["2.5", "10", "0", []]', "source": "genai-prices 0.0.66: openai, gpt-4o"}
    known = {"context_window": 128_000, "max_output": 16_384, "now": now - 7200}
    store.write(lambda tx: tx.run("put_price", model="gpt-4o", **price, **known))
    by = Furnisher(store)
    by.add(
        "paid-1", prompt="x", priority=-100, tags=["docs", "nightly"], run_id="release-0.2", identity_id="ada"
    )
    by.add("paid-2", prompt="x", priority=-100, tags=["triage"])
    for number in range(20):
        day = local_day(now - number * 86_400)
        model = "gpt-4o" if number % 3 else "claude-sonnet"
        task = "paid-1" if number % 2 else "paid-2"
        accounts = [Account("run", "release-0.2")] if number % 2 else []
        accounts += [Account("model", model, day), Account("day", "", day), Account("total")]
        wanted = Reservation(f"call-{number}", task, 1, model, me, accounts, 2 * dollar)
        _spend(store, wanted, None if number == 0 else 90_000 + 61_000 * (number % 7))
    store.set_limit("total", 80 * dollar, "cli:ana", "the card is charged on the first")


def _spend(store: SqliteStore, wanted: Reservation, micros: int | None) -> None:
    """A call that came to so much, in micro-dollars, or (none) is still under way."""
    store.write(lambda tx: budgets.reserve(tx, wanted))
    if micros is not None:
        store.write(lambda tx: budgets.book(tx, wanted.id, micros))


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
