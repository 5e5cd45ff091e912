"""A decision is written in the transaction it guards, or not at all."""

from __future__ import annotations

import json

import pytest

from store.sqlite_store import SqliteStore
from store.transaction import Transaction


def test_a_decision_is_kept_with_what_it_binds_to(store: SqliteStore) -> None:
    store.write(
        lambda tx: tx.audit(
            "execution", "allowed", actor="swarm", task_id="a", lease=1, digest="ab", level="L3", absent=None
        )
    )

    (row,) = store.reader.all("audit_after", after=0, limit=10)
    assert (row["event"], row["decision"], row["actor"], row["digest"]) == (
        "execution", "allowed", "swarm", "ab",
    )  # fmt: skip
    assert json.loads(row["data"]) == {"level": "L3"}


def test_a_decision_goes_with_the_transaction_that_breaks(store: SqliteStore) -> None:
    def breaks(tx: Transaction) -> None:
        tx.audit("execution", "allowed", actor="swarm")
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError):
        store.write(breaks)

    assert store.reader.all("audit_after", after=0, limit=10) == []


@pytest.mark.parametrize(("event", "decision"), [("unheard-of", "allowed"), ("execution", "maybe")])
def test_an_undeclared_record_is_refused(store: SqliteStore, event: str, decision: str) -> None:
    with pytest.raises(ValueError, match="undeclared"):
        store.write(lambda tx: tx.audit(event, decision, actor="swarm"))
