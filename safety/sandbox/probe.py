"""Tries a sandbox: runs a command in it that works, and looks whether what must be denied is denied.

The command is a shell script, for a shell is the one program that is in every sandbox. It tells what it
could do, a line for each thing; `complaint` holds that against what it should.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from safety.sandbox.levels import Level

#: What the script tries to leave beside the workspace.
LEFT: Final = "skep-probe"
#: Arguments: a file in Skep's state, and the daemon's process id.
SCRIPT: Final = r"""
could() { if ( eval "$2" ) >/dev/null 2>&1; then echo "$1 yes"; else echo "$1 no"; fi; }
could "run a program" '/bin/true'
could "write its temporary directory" ': >"$HOME/skep-probe"'
could "read Skep's state" ': <"$1"'
could "write Skep's state" ': >>"$1"'
could "read /etc/shadow" ': </etc/shadow'
could "write the system" ': >/usr/skep-probe'
( : >../skep-probe ) 2>/dev/null
could "write a workspace it may only read" ': >./.skep-probe'
could "make a user namespace" 'unshare --user true'
could "signal the daemon" 'kill -0 "$2"'
while read -r name value rest
do
  case $name in NoNewPrivs:|Seccomp:|CapEff:|CapBnd:) echo "$name $value" ;; esac
done 2>/dev/null </proc/self/status
while read -r name rest
do
  case $name in *:*) echo "interface ${name%%:*}" ;; esac
done 2>/dev/null </proc/net/dev
for name in /proc/[0-9]*
do
  [ -d "$name" ] && echo "process ${name#/proc/}"
done
exit 0
"""

_MUST: Final = ("run a program", "write its temporary directory")
_MUST_NOT: Final = (
    "read Skep's state", "write Skep's state", "read /etc/shadow", "write the system",
    "write a workspace it may only read", "make a user namespace",
)  # fmt: skip
#: bubblewrap's first process, the shell, and a subshell.
_MOST_PROCESSES: Final = 4


def complaint(output: str, level: Level, home: Path) -> str | None:
    """What is wrong with a sandbox of this level, by what its command told and did; none when it holds."""
    if (home / LEFT).exists():
        return "a command in it can write beside the workspace"
    lines = output.splitlines()
    told = dict(line.rpartition(" ")[::2] for line in lines)
    missing = [what for what in _MUST if told.get(what) != "yes"]
    if missing:
        has_begun = any(answer in {"yes", "no"} for answer in told.values())
        said = "" if has_begun or not lines else f" ({lines[0]})"
        return f"a command in it cannot {missing[0]}{said}"
    broken = [what for what in _MUST_NOT if told.get(what) != "no"]
    if level == "landlock" and told.get("signal the daemon") != "no":
        broken.append("signal the daemon")
    if level == "bubblewrap":
        broken += _leaks(told, lines)
    return f"a command in it can {broken[0]}" if broken else None


def _leaks(told: dict[str, str], lines: Iterable[str]) -> list[str]:
    """What a process with namespaces of its own should not see or have."""
    words = [line.split(" ") for line in lines]
    interfaces = {word[1] for word in words if word[0] == "interface"}
    processes = [word for word in words if word[0] == "process"]
    found = []
    if told.get("NoNewPrivs:") != "1":
        found.append("gain privileges")
    if told.get("Seccomp:") != "2":
        found.append("make every system call")
    if any(set(told.get(name, "f")) != {"0"} for name in ("CapEff:", "CapBnd:")):
        found.append("use capabilities")
    if interfaces - {"lo"}:
        found.append("see the network")
    if not 0 < len(processes) <= _MOST_PROCESSES:
        found.append("see other processes")
    return found
