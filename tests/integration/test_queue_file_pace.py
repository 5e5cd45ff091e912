"""When the queue file is written: soon after a change, not in the middle of many, seldom where it is dear."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime_contract import Limits, normalize_task
from store.queue_file import swap
from store.records import Intake, NewTask
from tests.unit.queue_file.keeping import Keeping


def _submit(keeping: Keeping, task_id: str) -> None:
    new = NewTask(*normalize_task({"id": task_id, "prompt": "x"}, Limits()))
    keeping.store.submit(Intake(new=[new]), "cli")


def test_a_busy_store_is_shown_at_intervals_and_a_quiet_one_soon(keeping: Keeping) -> None:
    written = 0
    for number in range(40):
        _submit(keeping, f"t{number}")
        keeping.clock.advance(0.1)
        written += keeping.keeper.project_if_due()
    assert 2 <= written <= 5

    keeping.clock.advance(2)
    keeping.keeper.project_if_due()
    assert len(keeping.shown()["tasks"]) == 40


def test_a_file_that_is_dear_to_write_is_written_more_seldom(
    keeping: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = swap.create

    def take_a_second(new: Path, old: Path) -> int:
        keeping.clock.advance(1)
        return create(new, old)

    monkeypatch.setattr(swap, "create", take_a_second)
    _submit(keeping, "slow")
    keeping.clock.advance(5)
    assert keeping.keeper.project_if_due() is False, "the change is noted"
    keeping.clock.advance(5)
    assert keeping.keeper.project_if_due()

    _submit(keeping, "later")
    assert not keeping.keeper.project_if_due()
    keeping.clock.advance(19)
    assert not keeping.keeper.project_if_due(), "a second was spent: twenty are waited for"
    keeping.clock.advance(1.1)
    assert keeping.keeper.project_if_due()
