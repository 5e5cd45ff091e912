"""``python as_another_user.py LEVEL FOLDER``: make every attempt, and tell as JSON what came of it.

Run by a test as another user, since a sandbox is another thing for root.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.safety import attempts, bombs
from tests.safety.jail import Jail
from tests.safety.surroundings import surroundings


def main(level: str, folder: Path) -> dict[str, Any]:
    """What came of it; only the reason where the level does not hold."""
    jail = Jail(folder / "home", level, sandbox_processes=32)
    told: dict[str, Any] = {"ready": jail.standing.ready, "reason": jail.standing.reason}
    try:
        if jail.standing.ready:
            told |= _try_all(jail, folder)
    finally:
        jail.close()
    return told


def _try_all(jail: Jail, folder: Path) -> dict[str, Any]:
    came_of: dict[str, str] = {}
    with surroundings(jail.home, folder) as around:
        for rights in {attempt.rights for attempt in attempts.ALL}:
            some = [attempt for attempt in attempts.ALL if attempt.rights == rights]
            _, printed = jail.python(attempts.program(some), *around.arguments(), rights=rights)
            came_of |= dict(line.partition(": ")[::2] for line in printed.splitlines())
        ended, _ = jail.python(bombs.FORKS, bombs.name_of(folder), limit_s=1.0)
        return {
            "came_of": came_of,
            "untouched": around.is_untouched(),
            "bomb": ended.over,
            "left": bombs.left_of(bombs.name_of(folder)),
        }


if __name__ == "__main__" and len(sys.argv) > 1:
    print(json.dumps(main(sys.argv[1], Path(sys.argv[2]))))
