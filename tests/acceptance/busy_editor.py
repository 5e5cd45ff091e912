"""A program that keeps adding tasks to a queue file it read a moment ago, saving the way editors do.

``python -m tests.acceptance.busy_editor QUEUE_FILE COUNT``
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path


def read(path: Path) -> dict:
    """The file as it parses; an editor opens it again when it does not."""
    while True:
        try:
            return json.loads(path.read_text("utf-8"))
        except (ValueError, FileNotFoundError):
            time.sleep(0.005)


def save(path: Path, text: str, how: int) -> None:
    """Rename over, write in place, or back up first."""
    if how == 0:
        fresh = path.with_name("queue.json.new")
        fresh.write_text(text, "utf-8")
        fresh.replace(path)
    elif how == 1:
        with path.open("r+", encoding="utf-8") as handle:
            handle.seek(0)
            handle.write(text)
            handle.truncate()
            handle.flush()
            os.fsync(handle.fileno())
    else:
        backup = path.with_name("queue.json~saved")
        path.replace(backup)
        path.write_text(text, "utf-8")
        backup.unlink(missing_ok=True)


def main(path: Path, count: int) -> None:
    """Add `count` tasks, one save each."""
    for number in range(count):
        queue = read(path)
        queue["tasks"].append({"id": f"edited-{number}", "command": "true"})
        time.sleep(0.05)  # a person looks at it; the daemon writes meanwhile
        save(path, json.dumps(queue, indent=1), number % 3)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
