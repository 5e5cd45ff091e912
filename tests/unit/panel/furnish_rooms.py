"""What a home in the middle of a working day has beside its tasks: identities, tools, logs, a sandbox."""

from __future__ import annotations

import json

from clock import to_rfc3339
from enrichment import new_identity
from enrichment.identity import Identity
from settings import Home
from store import journal, ledger, tool_uses
from store.sqlite_store import SqliteStore
from tests.unit.panel.furnish import Furnisher

_TOOLS = """
[[tool]]
name = "count-lines"
description = "How many lines a file of the workspace has."
argv = ["wc", "-l", "{file}"]
examples = ["how many lines has notes.txt"]
input_schema = { file = "path" }

[[tool]]
name = "release-checklist"
description = "What is done before a release: changelog, tests, tag, announcement."
text = "Changelog, tests, tag, announcement."
"""
_LINES = (
    ("info", "swarm", "listening on http://127.0.0.1:8420 and .swarm/cycle.sock"),
    ("info", "swarm", "commands run in namespaces of their own (bubblewrap), without network"),
    (
        "warning",
        "execution.attempt_runner",
        "the workspace was not kept before its first change: the disk is full",
    ),
    ("error", "execution.cycle", "what came of a task cannot be kept yet: the disk is full"),
)
_QUEUE_FILE = """\
{
  "tasks": [],
  "failed": [
    {"id": "task-3f9a", "raw": "{\\"depends_on\\": [17], \\"prompt\\": \\"x\\"}", "status": "failed"}
  ]
}
"""


def furnish_rooms(store: SqliteStore, home: Home) -> None:
    """Give a furnished home the rest."""
    by = Furnisher(store)
    _identities(by, home)
    _tools(by, home)
    _logs(home, store.clock.now())
    reason = "commands run in namespaces of their own (bubblewrap), without network"
    bounds = "processes and memory of a command are bounded by a cgroup"
    fact = {"ready": True, "level": "bubblewrap", "reason": reason, "bounds": bounds}
    store.set_fact("local_status", fact, "daemon.sandbox")
    home.queue_file.write_text(_QUEUE_FILE, "utf-8")


def _identities(by: Furnisher, home: Home) -> None:
    ada = Identity(
        name="Ada", hat="builder", traits=["careful", "asks once"], preferences=["short sentences"]
    )
    new_identity.add(home.identities, "ada", ada)
    new_identity.add(home.identities, "mira", Identity(hat="reviewer", model="small"))
    for number, (name, became) in enumerate([("ada", "approved"), ("mira", "rejected"), ("ada", "approved")]):
        _conclude(by, f"report-{number}", became, identity=name)
    for number, (name, tokens) in enumerate([("ada", 9), ("mira", 5), ("ada", 8)]):
        _grant(by.store, f"report-{number}", name, tokens)
    by.store.write(
        lambda tx: journal.write(tx, "ada", "Tables read better with units in their heads.", "cli:mo", 10)
    )


def _grant(store: SqliteStore, task: str, identity: str, tokens: int) -> None:
    granted = {
        "task_id": task, "identity_id": identity, "tokens_requested": tokens, "tokens_awarded": tokens,
        "budget_used": 40_000, "max_budget": 100_000, "confidence": 0.95,
        "reason": f"worker_approved_under_budget:{task}",
    }  # fmt: skip
    store.write(lambda tx: ledger.grant(tx, granted))


def _conclude(by: Furnisher, task: str, became: str, *, identity: str = "", tool: str = "") -> None:
    fields = {"identity_id": identity} if identity else {}
    by.start(task, prompt="Write the report of the week.", **fields)
    row = by.store.reader.task(task)
    assert row is not None
    seq, lease = row["seq"], row["lease"]

    def conclude(tx):
        if identity:
            tx.run("note_identity", task=seq, lease=lease, identity=identity)
        if tool:
            tool_uses.note(tx, seq, lease, tool, 410)
        tx.run("end_attempt", task=seq, lease=lease, became=became, findings=None, now=tx.now)

    by.store.write(conclude)


def _tools(by: Furnisher, home: Home) -> None:
    (home.root / "config").mkdir(exist_ok=True)
    (home.root / "config/tools.toml").write_text(_TOOLS, "utf-8")
    for number, became in enumerate(("approved", "approved", "rejected")):
        _conclude(by, f"lines-{number}", became, tool="count-lines")


def _logs(home: Home, now: float) -> None:
    folder = home.state / "logs"
    folder.mkdir(mode=0o700, exist_ok=True)
    for process in ("panel", "swarm", "worker-1"):
        lines = [
            {"ts": to_rfc3339(now - 60 + number), "level": level, "process": process, "logger": logger,
             "message": message}
            for number, (level, logger, message) in enumerate(_LINES)
        ]  # fmt: skip
        text = "".join(f"{json.dumps(line)}\n" for line in lines)
        (folder / f"{process}.jsonl").write_text(text, "utf-8")
