"""Where in a profile's command the prompt may stand: as data for its program, never as what runs.

Shells and interpreters may be the program of a profile only as the runner of a fixed script or module that
stands before the prompt: ``python3 /opt/agent.py --ask {prompt}``. What comes after the script is the
script's own. Programs that read a program from an argument in more ways than one can list (awk, editors,
databases), or whose work is to run another program, are no program of a profile.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from path_names import expanded, real_path
from safety.code_runners import (
    MODULE_OPTION,
    is_never_run,
    is_safe_module,
    is_safe_script,
    options_before_a_script,
    runs_modules,
)
from safety.profiles import PROMPT


def complaint(argv: Sequence[str]) -> str | None:
    """What is wrong with where the prompt stands in a command, or none."""
    program, *arguments = argv
    places = [at for at, word in enumerate(arguments) if PROMPT in word]
    if len(places) != 1 or arguments[places[0]].count(PROMPT) != 1 or PROMPT in program:
        return f"must hold {PROMPT} once, in an argument after the program"
    for name in _names(program):
        if is_never_run(name):
            told = "which can run what an argument says; name the program that does the work"
            return f"begins with {name}, {told}"
        options = options_before_a_script(name)
        if options is not None and not _has_script(name, options, arguments[: places[0]]):
            return (
                f"may give the prompt to {name} as code; a script by its full path, or -m and a module where "
                "it is python, must come right after it, and the prompt after that"
            )
    return None


def _names(program: str) -> tuple[str, str]:
    """The names of a program: as it is written, and as what it leads to."""
    found = expanded(program) if "/" in program else Path(shutil.which(program) or program)
    return Path(program).name, real_path(found).name


def _has_script(name: str, options: frozenset[str], before: Sequence[str]) -> bool:
    """Whether a fixed script or module is named before the prompt, with nothing before it that takes code."""
    for at, word in enumerate(before):
        if word == MODULE_OPTION and runs_modules(name):
            return at + 1 < len(before) and is_safe_module(before[at + 1])
        if word not in options:
            return word.startswith(("/", "~/")) and is_safe_script(word)
    return False
