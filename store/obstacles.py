"""What stands in the way of the home: kept as a fact while it does, told in the history when that changes."""

from __future__ import annotations

from store.transaction import Transaction, dump


def note(tx: Transaction, fact: str, reason: str | None, came: str, went: str) -> None:
    """Keep what stands in the way, or (none) that nothing does; an event tells when that changes."""
    was_there = tx.meta(fact) is not None
    if reason is not None and not was_there:
        tx.set_meta(fact, dump({"reason": reason}))
        tx.emit(came, reason=reason)
    elif reason is None and was_there:
        tx.run("delete_meta", key=fact)
        tx.emit(went)
