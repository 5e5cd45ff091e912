"""``python -m tests.safety.holds_a_command LEVEL FOLDER NAME``: be a daemon that a test can kill.

Starts a command with processes that hide, tells that it runs, and follows it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from safety.sandbox import Command
from tests.safety.jail import PYTHON, Jail

HIDES = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
print("running", flush=True)
time.sleep(600)
"""


def main(level: str, folder: Path, name: str) -> None:
    """Run until killed."""
    jail = Jail(folder, level)
    if not jail.standing.ready:
        print(jail.standing.reason, flush=True)
        return
    for _ in range(4):
        jail.shell("true")  # so that some wait to be used
    followed = jail.sandbox.launch(Command(argv=(PYTHON, "-I", "-S", "-c", HIDES, name), limit_s=600.0))
    followed.follow(lambda data: print(data.decode(), end="", flush=True))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
