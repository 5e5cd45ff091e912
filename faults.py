"""Named points at which a test may pull the plug.

``SKEP_FAULT=NAME`` kills the process with SIGKILL the first time it passes that point; ``NAME:3`` the third
time. ``NAME:1@FILE`` does so once in the life of FILE, which is made just before, so that the restarted
process goes on. Without the variable a point costs one look at a dictionary.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Final

#: Every point, with what has been done and what has not when the plug is pulled there.
FAULT_POINTS: Final[dict[str, str]] = {
    "ingest.before_commit": "the queue file is read, nothing of it is in the store",
    "ingest.committed": "its tasks are in the store, the file does not show it yet",
    "claim.before_commit": "a task is chosen, the claim is not durable",
    "claim.committed": "the claim is durable, nothing has been sent",
    "plan.proposed": "a model was asked for a plan and is paid, the worker has no answer",
    "plan.before_commit": "a task is split, nothing of it is durable",
    "plan.committed": "its subtasks are in the queue, and it waits for them",
    "cycle.sent": "the worker is about to send /cycle",
    "cycle.before_start": "swarm has the call and has not recorded its start",
    "cycle.started": "the start is durable, nothing runs yet",
    "cycle.running": "the command or model call is running",
    "cycle.ended": "it has ended, the outcome is not durable",
    "cycle.recorded": "the outcome is durable, the worker does not know",
    "check.sent": "the attempt has its outcome, and the worker is about to have it checked",
    "review.began": "the worker has the outcome and begins to judge it",
    "review.before_commit": "the worker has the outcome and the verdict, neither is durable",
    "review.committed": "the task has its end, dependants are released",
    "checkpoint.written": "the workspace is committed, the store does not know of it",
    "rollback.written": "a file that is brought back lies beside its place, not yet renamed into it",
    "reward.before_commit": "an identity pays for something, neither that nor the payment is durable",
    "reward.committed": "both are durable",
    "project.written": "the next queue.json is written beside the old one",
    "project.exchanged": "the two are exchanged, what came out has not been looked at",
    "export.written": "lines of the log or the audit are written, not yet flushed to disk",
}

_passed: dict[str, int] = {}


def fault_point(name: str) -> None:
    """Die here if ``SKEP_FAULT`` says so."""
    wanted = os.environ.get("SKEP_FAULT")
    if wanted and wanted.partition(":")[0] == name:
        _count(name, wanted)


def _count(name: str, wanted: str) -> None:
    rest, _, marker = wanted.partition(":")[2].partition("@")
    _passed[name] = _passed.get(name, 0) + 1
    if _passed[name] < int(rest or 1):
        return
    if marker:
        try:
            Path(marker).touch(exist_ok=False)
        except FileExistsError:
            return
    os.kill(os.getpid(), signal.SIGKILL)
