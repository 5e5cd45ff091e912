"""The search for cycles is left out while much is made, and made again whatever happens."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from collecting import no_collecting

HERE = Path(__file__).resolve().parents[3]


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


def test_a_settled_process_still_finds_the_cycles_it_makes() -> None:
    program = """if True:
        import gc, weakref
        from collecting import YOUNG, settle

        settle()
        aside = gc.get_freeze_count()
        settle()  # once is enough
        assert 0 < aside == gc.get_freeze_count()

        class Loop:
            pass

        def make():
            loop = Loop()
            loop.itself = loop
            return weakref.ref(loop)

        lost = make()
        kept = [[] for _ in range(2 * YOUNG)]
        assert lost() is None
        print("found")
    """
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=HERE, capture_output=True, text=True, check=False
    )

    assert (answer.stdout, answer.stderr) == ("found\n", "")
