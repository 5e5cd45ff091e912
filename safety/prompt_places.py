"""Where in a profile's command the prompt may stand: as data for its program, never as what runs.

What programs read as code is known by their manuals: sh(1p) ``-c`` (also in a cluster such as ``-lc``),
perl(1), ruby(1) and node(1) ``-e``, php(1) ``-r``, and awk(1) and sed(1), whose first argument is a program.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from safety.profiles import PROMPT

#: Programs that run what an argument says.
_READS_CODE: Final = re.compile(
    r"(a|ba|da|fi|k|z|c|tc|r|mk|ya)?sh|python[0-9.]*|pypy[0-9.]*|perl[0-9.]*|ruby[0-9.]*|node(js)?|deno|bun"
    r"|php[0-9.]*|lua(jit)?[0-9.]*|[gmn]?awk|sed|tclsh|wish|expect|osascript|rscript|r|julia|guile|sqlite3"
    r"|psql|mysql|gdb|vim?|ed|ex|bc|eval|git",
    re.ASCII | re.IGNORECASE,
)
#: Programs whose work is to run another one.
_RUNS_OTHERS: Final = re.compile(
    r"busybox|bwrap|chroot|doas|env|find|flock|ionice|make|nice|nohup|nsenter|parallel|script|setpriv|setsid"
    r"|ssh|stdbuf|su|sudo|systemd-run|time|timeout|toybox|unshare|watch|xargs",
    re.ASCII,
)
_CODE_OPTION: Final = re.compile(
    r"-[A-Za-z]*[ceErx]|--(eval|command|expression|exec|print|run|code)", re.ASCII
)


def complaint(argv: Sequence[str]) -> str | None:
    """What is wrong with where the prompt stands in a command, or none."""
    program, *arguments = argv
    places = [at for at, word in enumerate(arguments) if PROMPT in word]
    if len(places) != 1 or arguments[places[0]].count(PROMPT) != 1 or PROMPT in program:
        return f"must hold {PROMPT} once, in an argument after the program"
    name = Path(program).name
    if _RUNS_OTHERS.fullmatch(name):
        return f"begins with {name}, which runs another program; name that one itself"
    if not _READS_CODE.fullmatch(name):
        return None
    code = _as_code(arguments[: places[0]], arguments[places[0]])
    return None if code is None else f"gives the prompt to {name} as code{code}; the prompt is data"


def _as_code(before: Sequence[str], holder: str) -> str | None:
    """Why an interpreter takes the word with the prompt for code, or none."""
    if before and _CODE_OPTION.fullmatch(before[-1]):
        return f" ({before[-1]})"
    if holder.startswith("-") or "!" in holder.partition(PROMPT)[0]:
        return f" ({holder})"
    if all(word.startswith("-") for word in before):
        return ""  # the first word that is no option is the program it runs
    return None
