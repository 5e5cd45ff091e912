"""What stands in the way of writing the queue file is told until it is gone, and costs nothing else."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

import host_platform
from store import steering
from tests.unit.queue_file.keeping import Keeping

A = {"id": "a", "prompt": "say hello"}
B = {"id": "b", "prompt": "say more"}


class Exchange:
    """The system's exchange of two files, which may fail."""

    def __init__(self) -> None:
        self.code: int | None = None
        self._really = host_platform.exchange_files

    def __call__(self, first: Path, second: Path) -> None:
        if self.code is not None:
            raise OSError(self.code, os.strerror(self.code), str(first))
        self._really(first, second)


@pytest.fixture
def exchange(monkeypatch: pytest.MonkeyPatch) -> Exchange:
    made = Exchange()
    monkeypatch.setattr(host_platform, "exchange_files", made)
    return made


def changes(keeping: Keeping, by: str) -> None:
    """Something that the file is to show, and time for it."""
    keeping.store.write(lambda tx: steering.cancel(tx, "a", by, "x") if by == "cli" else None)
    for _ in range(3):
        keeping.clock.advance(10)
        keeping.round()


def test_it_is_told_once_what_stands_in_the_way_and_that_it_is_gone(
    keeping: Keeping, exchange: Exchange
) -> None:
    keeping.put(A)
    exchange.code = errno.EBUSY
    changes(keeping, "cli")

    [told] = keeping.events("queue_file.blocked")
    assert told["reason"].startswith("queue.json cannot be written: device or resource busy")
    assert "mount its folder" in told["reason"]
    assert keeping.store.reader.fact("queue_file_blocked") == {"reason": told["reason"]}

    exchange.code = None
    changes(keeping, "nobody")

    assert len(keeping.events("queue_file.ok")) == 1
    assert keeping.store.reader.fact("queue_file_blocked") is None
    assert keeping.entry("a")["status"] == "cancelled"


def test_ours_is_no_save_where_writing_failed_once(keeping: Keeping, exchange: Exchange) -> None:
    keeping.put(A)
    exchange.code = errno.EBUSY
    keeping.store.write(lambda tx: steering.cancel(tx, "a", "cli", "x"))
    keeping.round()
    exchange.code = None
    changes(keeping, "nobody")

    assert keeping.entry("a")["status"] == "cancelled"
    assert len(keeping.events("queue_file.taken_in")) == 1


def test_what_is_saved_meanwhile_is_taken_in(keeping: Keeping, exchange: Exchange) -> None:
    keeping.put(A)
    exchange.code = errno.EROFS
    changes(keeping, "cli")
    keeping.edit(lambda content: content["tasks"].append(B))
    changes(keeping, "nobody")
    keeping.restart()

    assert keeping.statuses() == {"a": "cancelled", "b": "pending"}


def test_one_that_was_replaced_where_files_cannot_be_exchanged_is_written_after_it_failed_often(
    keeping: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeping.put(A)

    def cannot(*paths: Any) -> None:
        raise host_platform.ExchangeUnsupported

    link = os.link

    def is_full(*paths: Any) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(host_platform, "exchange_files", cannot)
    monkeypatch.setattr(os, "link", is_full)
    changes(keeping, "cli")
    changes(keeping, "nobody")
    monkeypatch.setattr(os, "link", link)
    changes(keeping, "nobody")

    assert keeping.entry("a")["status"] == "cancelled"
