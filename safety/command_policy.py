"""Which commands may run: an exact list, until there is a sandbox to hold more.

A command is read without a shell (`safety.command_line`), its program is a bare name from the list, and its
arguments pass that program's own rule. Everything else is refused with the name of the rule and the way
out.

The checks look at the file system as it is now; the command looks again a moment later. Against something
that exchanges files in between only a sandbox helps, and so it does against what cannot be seen from here,
such as a hard link to a file outside.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

from runtime_contract import Limits, Task
from safety import git_rules
from safety.command_line import CommandRefused, check_words, split
from safety.work import Approved, Work

#: Where programs are found.
SEARCH_PATH: Final = ("/usr/bin", "/bin")
#: seconds
LONGEST_SLEEP: Final = 86_400
_SECONDS: Final = re.compile(r"[0-9]{1,6}(\.[0-9]{1,9})?", re.ASCII)

#: What every program here does to the world: nothing that running it again would double.
PROGRAMS: Final = ("cat", "echo", "false", "git", "ls", "pwd", "sleep", "true")


class CommandPolicy:
    """Allows commands of one workspace.

    Parameters:
        workspace: the directory commands run in; it need not exist yet.
        limits: bounds on the number and length of arguments.
        programs: absolute path by name; found in /usr/bin and /bin when not given.
    """

    def __init__(self, workspace: Path, limits: Limits, programs: Mapping[str, str] | None = None) -> None:
        self._workspace = workspace
        self._limits = limits
        self._programs = find_programs() if programs is None else dict(programs)
        self._rules: dict[str, Callable[[Sequence[str]], None]] = {
            "cat": self._check_cat,
            "echo": lambda _: None,
            "false": _check_no_arguments("false"),
            "ls": self._check_paths,
            "pwd": _check_no_arguments("pwd"),
            "sleep": _check_sleep,
            "true": _check_no_arguments("true"),
        }

    def read(self, work: Work) -> tuple[str, ...]:
        """The argument list of a command, in whichever form it came. Raises `CommandRefused`."""
        if work.argv is None and len(work.command or "") > self._limits.command_chars:
            raise CommandRefused(
                "command-size",
                f"the command has {len(work.command or '')} characters, at most {self._limits.command_chars} "
                "(setting: limit_command_chars)",
            )
        argv = split(work.command or "") if work.argv is None else work.argv
        check_words(argv, self._limits.argv_items, self._limits.command_chars)
        return argv

    def allow(self, argv: tuple[str, ...]) -> Approved:
        """What runs for an argument list: the program by its full path. Raises `CommandRefused`."""
        name, arguments = argv[0], argv[1:]
        path = self._program(name)
        if name == "git":
            git_rules.check(arguments, self._workspace)
            environment = git_rules.environment(self._workspace)
            return Approved.command((path, *git_rules.arguments(arguments[0])), environment, may_spawn=True)
        self._rules[name](arguments)
        return Approved.command((path, *arguments), {}, may_spawn=False)

    def _program(self, name: str) -> str:
        if "/" in name:
            raise CommandRefused(
                "program-path", f"{name!r} is a path; name the program alone, one of {_known()}"
            )
        if "=" in name:
            raise CommandRefused(
                "program-assignment", "variables cannot be set for a command; leave the assignment out"
            )
        if name not in PROGRAMS:
            raise CommandRefused(
                "program-unknown",
                f"{name!r} may not run; the commands allowed without a sandbox are {_known()}",
            )
        if name not in self._programs:
            raise CommandRefused(
                "program-missing", f"{name} is not in {' or '.join(SEARCH_PATH)}; install it"
            )
        return self._programs[name]

    def _check_cat(self, arguments: Sequence[str]) -> None:
        if not arguments:
            raise CommandRefused("cat-nothing", "cat needs the name of a file; there is no input to read")
        self._check_paths(arguments, "cat")

    def _check_paths(self, arguments: Sequence[str], name: str = "ls") -> None:
        base = os.path.realpath(self._workspace)
        for argument in arguments:
            if argument.startswith("-"):
                raise CommandRefused(
                    f"{name}-option",
                    f"{argument!r}: {name} takes no options here; for a file of that name write ./{argument}",
                )
            _check_path(name, argument, base)


def _check_path(name: str, argument: str, base: str) -> None:
    """Raise unless the path leads to a plain file or directory of the workspace, or to nothing in it."""
    real = os.path.realpath(f"{base}/{argument}" if not argument.startswith("/") else argument)
    if not argument or (real != base and not real.startswith(base.rstrip("/") + "/")):
        raise CommandRefused(
            f"{name}-outside", f"{argument!r} leads outside; only files in the workspace may be read"
        )
    try:
        mode = os.lstat(real).st_mode
    except (OSError, ValueError):
        return
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise CommandRefused(f"{name}-special", f"{argument!r} is neither a file nor a directory; name one")


def _check_no_arguments(name: str) -> Callable[[Sequence[str]], None]:
    def check(arguments: Sequence[str]) -> None:
        if arguments:
            raise CommandRefused(f"{name}-arguments", f"{name} takes no arguments here; leave them out")

    return check


def _check_sleep(arguments: Sequence[str]) -> None:
    fits = len(arguments) == 1 and _SECONDS.fullmatch(arguments[0]) is not None
    if not fits or float(arguments[0]) > LONGEST_SLEEP:
        raise CommandRefused("sleep-seconds", f"sleep takes one number of seconds from 0 to {LONGEST_SLEEP}")


def find_programs() -> dict[str, str]:
    """The full path of each program that is installed and that nobody but root can exchange."""
    found = {}
    for name in PROGRAMS:
        path = next((path for folder in SEARCH_PATH if _is_roots(path := f"{folder}/{name}")), None)
        if path is not None:
            found[name] = path
    return found


def _is_roots(path: str) -> bool:
    try:
        told = Path(path).stat()
    except OSError:
        return False
    is_program = stat.S_ISREG(told.st_mode) and os.access(path, os.X_OK)
    return is_program and told.st_uid == 0 and not told.st_mode & 0o022


def _known() -> str:
    return ", ".join(PROGRAMS)


def effect_of(task: Task) -> Literal["idempotent", "unsafe"]:
    """What an interruption of the task means, where the task does not say: may it simply run again?"""
    if task.effect is not None:
        return task.effect
    if task.mode == "llm":
        return "idempotent"
    try:
        first = (task.argv or split(task.command or ""))[0]
    except CommandRefused:
        return "unsafe"
    return "idempotent" if first in PROGRAMS else "unsafe"
