"""A process that the system did not even begin: whether it may yet, and what a person can do about it."""

from __future__ import annotations

import errno
import os
import sys
from dataclasses import dataclass
from typing import Final

#: The exit code a shell gives a program that it could not execute (POSIX, Exit Status for Commands).
NOT_BEGUN: Final = 126

#: What execve(2) says of the program itself: trying again changes nothing until a person does. All else (no
#: memory, no process, no descriptor left, a program that is just being written) may pass by itself.
_LASTING: Final = frozenset(
    {
        errno.E2BIG,
        errno.EACCES,
        errno.EINVAL,
        errno.EISDIR,
        errno.ELOOP,
        errno.ENAMETOOLONG,
        errno.ENOENT,
        errno.ENOEXEC,
        errno.ENOTDIR,
        errno.EPERM,
        getattr(errno, "ELIBBAD", errno.ENOEXEC),  # Linux alone has it
    }
)


@dataclass(frozen=True)
class Refusal:
    """Why a process was not begun."""

    #: the sentence about it, without the name of the process
    reason: str
    #: whether it may be begun later although nobody does anything
    passes: bool

    @classmethod
    def of(cls, error: OSError) -> Refusal:
        """The refusal that this error tells."""
        why = error.strerror or str(error)
        if error.errno not in _LASTING:
            return cls(f"it cannot be started just now ({why}) and is tried again", passes=True)
        program = os.fsdecode(error.filename or sys.executable)
        return cls(
            f"{program} cannot be executed: {why}. Let the user that Skep runs as execute it, or install "
            "Skep again where it is gone; then it is started by itself, or by the next `skep up`",
            passes=False,
        )
