"""The search for cycles is left out while much is made, and made again whatever happens."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from collecting import no_collecting


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    was_on = gc.isenabled()
    yield
    if was_on:
        gc.enable()
    else:
        gc.disable()


def test_it_is_left_out_meanwhile_and_made_again_afterwards() -> None:
    gc.enable()
    with no_collecting():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_is_made_again_after_an_error() -> None:
    gc.enable()
    with pytest.raises(ValueError, match="it broke"), no_collecting():
        raise ValueError("it broke")
    assert gc.isenabled()


def test_two_at_once_leave_it_as_it_was() -> None:
    for was_on in (True, False):
        (gc.enable if was_on else gc.disable)()
        with no_collecting(), no_collecting():
            assert not gc.isenabled()
        assert gc.isenabled() is was_on
