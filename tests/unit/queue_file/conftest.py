from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.queue_file.keeping import Keeping, begun


@pytest.fixture
def keeping(tmp_path: Path) -> Iterator[Keeping]:
    with begun(tmp_path) as made:
        yield made
