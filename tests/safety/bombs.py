"""Programs that use everything up, and how to see that nothing of them is left."""

from __future__ import annotations

import os
from pathlib import Path

#: Forks for ever in two ways, one of which leaves no parent to kill; its argument names the processes.
FORKS = """
import os, sys, time
while True:
    try:
        if os.fork() == 0:
            os.setsid()
            if os.fork():
                os._exit(0)
    except OSError:
        time.sleep(0.001)
"""

MEMORY = """
held = []
while True:
    held.append(bytearray(b"x") * (16 * 1024 * 1024))
"""

#: The same in processes, each of which stays within its own limit.
MEMORY_OF_MANY = """
import os, time
for _ in range(16):
    if os.fork() == 0:
        held = bytearray(b"x") * (48 * 1024 * 1024)
        time.sleep(1)
        os._exit(0)
for _ in range(16):
    print(os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
"""

#: Writes files into the directory that its argument names until it cannot.
FILES = """
import os, sys
block = os.urandom(1024 * 1024)
number = 0
while True:
    with open(f"{sys.argv[1]}/fill-{number}", "wb") as file:
        for _ in range(8):
            file.write(block)
    number += 1
"""

#: The same, and nothing can be seen of it: each file is unlinked while it is open.
UNLINKED_FILES = """
import os, sys
block = os.urandom(1024 * 1024)
held = []
while True:
    held.append(open(f"{sys.argv[1]}/fill", "wb"))
    os.unlink(f"{sys.argv[1]}/fill")
    for _ in range(8):
        held[-1].write(block)
    held[-1].flush()
"""


def name_of(folder: Path) -> str:
    """A word for the command line of processes, by which they are found."""
    return f"bomb-{folder.name}-{os.getpid()}"


def left_of(name: str) -> list[int]:
    """Living processes with the word in their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            is_it = entry.name.isdigit() and name.encode() in (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if is_it:
            found.append(int(entry.name))
    return found
