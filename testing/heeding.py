"""Commands that heed signals, though whatever runs the tests may ignore them and hand that on.

A job in the background ignores SIGINT (POSIX shell, 2.11), and what runs under nohup ignores SIGHUP.
"""

from __future__ import annotations

import sys
from typing import Final

#: What stands before a command.
HEEDING: Final = (
    sys.executable,
    "-c",
    "import os, signal, sys\n"
    "for number in (signal.SIGINT, signal.SIGHUP):\n"
    "    signal.signal(number, signal.SIG_DFL)\n"
    "os.execvp(sys.argv[1], sys.argv[1:])",
)
