"""Where in a profile's command the prompt may stand: as data for its program, never as what runs.

Shells and interpreters may be the program of a profile only as the runner of a fixed script or module that
stands before the prompt: ``python3 /opt/agent.py --ask {prompt}``. What comes after the script is the
script's own. Programs that read a program from an argument in more ways than one can list (awk, editors,
databases), or whose work is to run another program, are no program of a profile.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from safety.profiles import PROMPT

#: Programs that run a script, or what an argument says.
_INTERPRETERS: Final = re.compile(
    r"(a|ba|da|fi|k|z|c|tc|r|mk|ya|rba|pow|pw|el)?sh|nu|x?onsh|i?python[0-9.w-]*|pypy[0-9.]*|perl[0-9.]*(-.*)?"
    r"|[jm]?ruby[0-9.]*|node(js)?|deno|bun|tsx|ts-node|php[0-9.-]*|lua(jit)?[0-9.]*|tclsh[0-9.]*|wish[0-9.]*"
    r"|osascript|rscript|julia|guile[0-9.]*|java|dotnet|elixir|erl|raku|swift|groovy|scala|clojure|clj|bb",
    re.ASCII | re.IGNORECASE,
)
#: Programs that find a program in their arguments in many ways, or run another.
_NEVER: Final = re.compile(
    r"(original-)?[gmn]?awk|sed|ed|ex|r?g?n?vim?(diff)?|emacs(client)?|nano|expect|bc|dc|m4|gdb|lldb|r|octave|sqlite3?"
    r"|psql|mysql|mariadb|mongosh?|redis-cli|git|hg|svn|tar|rsync|g?cc|[gc]\+\+|clang|ld(-.*)?|npx|pnpx|bunx|uvx|pipx"
    r"|npm|pnpm|yarn|cargo|go|docker|podman|nerdctl|kubectl|tmux|screen|busybox|toybox|bwrap|firejail|chroot|chrt"
    r"|dbus-run-session|dbus-launch|doas|env|eval|find|fd(find)?|flock|ionice|linux(32|64)|make|nice|nohup|nsenter"
    r"|parallel|prlimit|runuser|script|setarch|setpriv|setsid|ssh|sshpass|start-stop-daemon|stdbuf|strace|ltrace"
    r"|su|sudo|pkexec|systemd-run|taskset|time|timeout|trap|unshare|watch|xargs|x86_64|xvfb-run|caffeinate",
    re.ASCII | re.IGNORECASE,
)
#: Options without a value that may stand before a script; every other one may take what follows for code.
_BEFORE_A_SCRIPT: Final = frozenset({"-u", "-B", "-E", "-I", "-s", "-S", "--", "run", "-W"})
_MODULE: Final = "-m"


def complaint(argv: Sequence[str]) -> str | None:
    """What is wrong with where the prompt stands in a command, or none."""
    program, *arguments = argv
    places = [at for at, word in enumerate(arguments) if PROMPT in word]
    if len(places) != 1 or arguments[places[0]].count(PROMPT) != 1 or PROMPT in program:
        return f"must hold {PROMPT} once, in an argument after the program"
    for name in _names(program):
        if _NEVER.fullmatch(name):
            told = "which can run what an argument says; name the program that does the work"
            return f"begins with {name}, {told}"
        if _INTERPRETERS.fullmatch(name) and not _has_script(arguments[: places[0]]):
            return (
                f"may give the prompt to {name} as code; a script by its full path, or -m and a module, must "
                "come right after it, and the prompt after that"
            )
    return None


def _names(program: str) -> tuple[str, str]:
    """The names of a program: as it is written, and as what it leads to."""
    found = Path(program).expanduser() if "/" in program else Path(shutil.which(program) or program)
    return Path(program).name, found.resolve().name


def _has_script(before: Sequence[str]) -> bool:
    """Whether a fixed script or module is named before the prompt, with nothing before it that takes code."""
    for at, word in enumerate(before):
        if word == _MODULE:
            return at + 1 < len(before)
        if word not in _BEFORE_A_SCRIPT:
            return word.startswith(("/", "~/"))
    return False
