"""What became of the tasks that tools were found for, counted in the transactions that conclude them.

The name of the tool is put down with the start of an attempt or with its conclusion; whatever the attempt
then becomes counts once for that tool, by a trigger (migration 0006). So nothing is written for a task that
no tool was found for.
"""

from __future__ import annotations

from store.reading import Reader
from store.transaction import Transaction


def note(tx: Transaction, task: int, lease: int, tool: str, saved_tokens: int) -> None:
    """An attempt was routed to a tool, which saved so many tokens."""
    tx.run("note_tool", task=task, lease=lease, tool=tool, saved_tokens=saved_tokens)


def note_start(tx: Transaction, task: int, lease: int, tool: str, effect: str) -> None:
    """The command of a tool begins in place of a model; `effect` is what its interruption means."""
    tx.run("note_tool_start", task=task, lease=lease, tool=tool, effect=effect)


def uses(reader: Reader) -> dict[str, tuple[int, int, int, int]]:
    """For each tool: attempts, results that were approved, results that were rejected, tokens saved."""
    return {
        row["tool"]: (row["hits"], row["approvals"], row["rejections"], row["saved_tokens"])
        for row in reader.all("tool_uses")
    }
