"""How strong a sandbox is, and what this machine has.

    bubblewrap   namespaces of its own, a seccomp filter, limits
    landlock     no namespaces: Landlock keeps to paths, a stricter filter closes what Landlock leaves open
    off          none; only where the user's own settings file says so

There is no fourth: where neither of the first two holds and the user did not say `off`, no command runs.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import Any, Final, Literal

Level = Literal["bubblewrap", "landlock", "off"]

WAY_OUT: Final = (
    'Install bubblewrap (0.7 or newer) and start Skep again, or set sandbox = "off" in your own skep.toml, '
    "which runs commands with everything you may do"
)
#: What a busy machine says when it cannot start a process just now.
FOR_NOW: Final = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ENOSPC})


@dataclass(frozen=True, slots=True)
class Standing:
    """What the probe found."""

    #: none: commands do not run
    level: Level | None
    #: a sentence for a person: what holds, or why nothing does and what to do
    reason: str
    #: what bounds the number of processes and the memory of a whole command
    bounds: str = ""

    @property
    def ready(self) -> bool:
        """Whether commands run."""
        return self.level is not None

    def to_fact(self) -> dict[str, Any]:
        """The standing as it is kept in the store and told by every face."""
        return {"ready": self.ready, "reason": self.reason, "level": self.level, "bounds": self.bounds}


class NotStarted(Exception):
    """The command could not be started."""

    def __init__(self, why: str | OSError, *, is_for_now: bool = False) -> None:
        told = why if isinstance(why, str) else why.strerror or str(why)
        super().__init__(f"the command could not be started: {told}")
        #: whether it may be possible later
        self.is_for_now = is_for_now or (isinstance(why, OSError) and why.errno in FOR_NOW)


class NoSandbox(NotStarted):
    """There is no sandbox that may run this command."""
