"""A damaged database: what was earned, paid and written after the backup comes back from the history."""

from __future__ import annotations

import pytest

from store import journal, ledger, recording
from tests.unit.store_recovery.worked_home import WorkedHome


@pytest.fixture
def worked(tmp_path, clock):
    home = WorkedHome(tmp_path / "home", clock).open()
    yield home
    if home.store is not None:
        home.close()


def approve(worked: WorkedHome, task: str, tokens: int = 9) -> None:
    worked.add(task, prompt="x", identity_id="ada", max_budget=1)
    (claim,) = worked.claim(task)
    grant = {
        "task_id": task, "identity_id": "ada", "tokens_requested": tokens, "tokens_awarded": tokens,
        "budget_used": 10, "max_budget": 1_000_000, "confidence": 0.9, "reason": "under",
    }  # fmt: skip

    def conclude(tx):
        tx.all("to_review", seq=claim.seq, result=None)
        row = tx.one("get_task", id=task)
        recording.approve(tx, row, "critics", grant, review_confidence=0.9, cost_micros=10)

    worked.opened.write(conclude)


def write(worked: WorkedHome, words: str) -> None:
    worked.opened.write(lambda tx: journal.write(tx, "ada", words, "me", 4))


def books(worked: WorkedHome) -> list[list[tuple]]:
    reader = worked.opened.reader
    kept = ("identity_id", "kind", "subject", "tokens", "earned", "balance")
    entries = reader.all("newest_entries", identity=None, limit=99)
    journals = reader.all("journal_entries", identity=None, limit=99)
    return [
        [tuple(row[name] for name in kept) for row in entries],
        [tuple(dict(row).values()) for row in journals],
    ]


@pytest.mark.parametrize("backup_when", ["never", "first", "between", "last"])
def test_the_books_are_as_they_were(worked: WorkedHome, backup_when: str) -> None:
    worked.do("before")
    if backup_when == "first":
        worked.back_up()
    approve(worked, "a")
    write(worked, "one")
    if backup_when == "between":
        worked.back_up()
    approve(worked, "b")
    write(worked, "two")
    write(worked, "three")
    if backup_when == "last":
        worked.back_up()
    before = books(worked)
    worked.show()
    worked.close()
    worked.overwrite(0, bytes(100))
    assert worked.recover() is not None
    worked.open()
    assert books(worked) == before
    assert ledger.purse_of(worked.opened.reader, "ada") == ledger.Purse("ada", earned=18, balance=6)


def test_a_payment_whose_tokens_are_lost_with_the_log_leaves_no_balance_below_zero(
    worked: WorkedHome,
) -> None:
    approve(worked, "a")
    write(worked, "one")
    worked.show()
    worked.close()
    lines = worked.home.log_file.read_text("utf-8").splitlines(keepends=True)
    kept = [line for line in lines if '"task.approved"' not in line]
    worked.home.log_file.write_text("".join(kept), "utf-8")
    worked.overwrite(0, bytes(100))
    assert worked.recover() is not None
    worked.open()
    assert ledger.purses(worked.opened.reader) == []
