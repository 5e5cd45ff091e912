"""A process that exports a chained file for ever, until it is killed."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def start_exporting(program: str, root: Path, **environment: str) -> subprocess.Popen[str]:
    """Start `program`, which is told `root` and prints a line once it exports."""
    return subprocess.Popen(
        [sys.executable, "-c", program, str(root)],
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )


def kill_again_and_again(program: str, root: Path, times: int, chance: random.Random) -> None:
    """Let it export for a while of chance, and kill it, so many times."""
    for _ in range(times):
        with start_exporting(program, root) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(chance.random() * 0.3)
            process.kill()
