"""A jail of each level that the machine has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.safety.jail import LEVELS, Jail

MakeJail = Callable[..., Jail]


@pytest.fixture(params=LEVELS)
def level(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def make_jail(tmp_path: Path, level: str) -> Iterator[MakeJail]:
    """Makes a jail with further settings."""
    with ExitStack() as made:

        def make(**settings: Any) -> Jail:
            jail = Jail(tmp_path / "home", level, **settings)
            made.callback(jail.close)
            jail.require()
            return jail

        yield make


@pytest.fixture
def jail(make_jail: MakeJail) -> Jail:
    return make_jail()
