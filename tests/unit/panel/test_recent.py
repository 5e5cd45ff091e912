"""What is kept for a moment."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

from panel.recent import Recent


def test_who_asks_within_a_moment_is_told_the_same_and_nobody_looks_again():
    looks = itertools.count(1)
    recent: Recent[int] = Recent(60.0)

    with ThreadPoolExecutor(8) as threads:
        told = list(threads.map(lambda _: recent.get(lambda: next(looks)), range(50)))

    assert set(told) == {1}


def test_what_is_too_old_is_looked_for_again():
    looks = itertools.count(1)
    recent: Recent[int] = Recent(0.0)

    assert [recent.get(lambda: next(looks)) for _ in range(3)] == [1, 2, 3]


def test_a_look_that_fails_keeps_nothing():
    recent: Recent[int] = Recent(60.0)

    def fail():
        raise OSError

    for _ in range(2):
        try:
            recent.get(fail)
        except OSError:
            continue
        raise AssertionError
    assert recent.get(lambda: 7) == 7
