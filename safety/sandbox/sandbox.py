"""The sandbox of one home: the only way in which a command is started.

`start` tries what the machine has and settles on a level. `launch` starts a command under it, and what it
returns follows the command to its end. Whoever runs commands uses these: tasks, profiles, critics that run
tests.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from safety.sandbox import choosing, limits, probe, workplace
from safety.sandbox.cgroup import Cgroups
from safety.sandbox.disk import DiskWatch
from safety.sandbox.following import Followed
from safety.sandbox.kinds import Kind
from safety.sandbox.levels import WAY_OUT, NoSandbox, NotStarted, Standing
from safety.sandbox.pool import Pool
from safety.sandbox.ready import Ready, Settler
from safety.sandbox.view import View, Views
from safety.sandbox.waiting import Waiting, fits_on_lines
from safety.work import Rights
from settings import Home, Settings

logger = logging.getLogger(__name__)

#: Seconds that the command of a probe may run.
PROBE_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What is to run: approved words, and what they may reach."""

    #: the program by its full path, and its arguments
    argv: tuple[str, ...]
    #: variables beside those that every command has
    environment: Mapping[str, str] = field(default_factory=dict)
    rights: Rights = field(default_factory=Rights)
    #: seconds it may run; the rights may lower it
    limit_s: float
    #: kills what carries this command's mark, where no namespace holds it
    kill_strays: Callable[[], object] = field(default=lambda: None)


class Sandbox:
    """Runs commands of one home.

    Parameters:
        home: whose workspace they run in; it is made when missing.
        settings: which level, and the limits.
        environ: the daemon's environment, of which rights may name variables to hand on.
        marks: variables of what waits for a command, by which it is found should its daemon be killed.
    """

    def __init__(
        self,
        home: Home,
        settings: Settings,
        environ: Mapping[str, str] | None = None,
        marks: Mapping[str, str] | None = None,
    ) -> None:
        self._home = home
        self._settings = settings
        self._environ = os.environ if environ is None else environ
        self._marks = dict(marks or {})
        self._views = Views(home)
        self._pool = Pool(settings.sandbox_warm)
        self._cgroups = Cgroups(
            choosing.name_of(home), settings.sandbox_processes, settings.sandbox_memory_bytes
        )
        self._settler = Settler(settings, self._cgroups)
        self._kind: Kind | None = None
        self.standing = Standing(None, "the sandbox has not been tried yet")

    def start(self) -> Standing:
        """Try what this machine has, by running a command in it for real, and settle on what holds."""
        if (trouble := workplace.trouble(self._home)) is not None:
            self._kind = None
            told = f"no command can run: {trouble.told}; {trouble.way_out}. Then start Skep again"
            self.standing = Standing(None, told)
            return self.standing
        complaints = []
        for candidate in choosing.candidates(self._home, self._settings, self._cgroups):
            complaint = candidate.complaint or self._try(candidate)
            if complaint is None:
                assert self._kind is not None  # noqa: S101  it was just tried
                self.standing = choosing.standing_of(self._kind.level, candidate.name, self._cgroups)
                return self.standing
            complaints.append(f"{candidate.name}: {complaint}")
        self._kind = None
        told = "; ".join(complaints)
        self.standing = Standing(None, f"no sandbox on this machine: {told}. {WAY_OUT}")
        return self.standing

    def launch(self, command: Command) -> Followed:
        """Start a command, in a sandbox that waits where one does. Raises `NotStarted`, `NoSandbox`."""
        kind, view = self._prepare(command)
        environment = self._environment(command)
        if not fits_on_lines(command.argv, environment):
            return self._launch_alone(kind, view, command)
        try:
            ready = self._pool.take(
                (kind, view),
                lambda: Waiting(kind.seed(view), environment=self._marks),
                lambda waiting: self._settler.settle(kind, waiting),
            )
            return self._begin(ready, command, command.argv, environment)
        except NotStarted as error:  # it may have been killed while it waited
            logger.debug("a fresh sandbox is tried: %s", error)
            return self._launch_alone(kind, view, command)

    def _launch_alone(self, kind: Kind, view: View, command: Command) -> Followed:
        """Start a command in a sandbox made for it, with its words as arguments from the start."""
        environment = self._environment(command)
        waiting = self._pool.start(lambda: Waiting(kind.seed(view), command.argv, environment))
        return self._begin(self._settler.settle(kind, waiting), command, (), {})

    def _prepare(self, command: Command) -> tuple[Kind, View]:
        kind = self._kind_for(command.rights)
        _check_program(command.argv)
        workplace.make(self._home)
        return kind, self._views.of(command.rights)

    def close(self) -> None:
        """End the sandboxes that wait, and remove what was made for them. Nothing may be running."""
        self._pool.close()
        self._views.close()
        self._cgroups.close()

    # -- the probe -----------------------------------------------------------------------------------------

    def _try(self, candidate: choosing.Candidate) -> str | None:
        """Why a kind does not hold here; none when it does, and it is the one that is used from now on."""
        try:
            self._kind = candidate.make()
            if self._kind.level == "off":
                return None
            self._home.state.mkdir(mode=0o700, parents=True, exist_ok=True)
            canary = self._home.state / "sandbox" / "canary"
            canary.write_text("nobody in a sandbox may read this\n")
            argv = ("/bin/sh", "-c", probe.SCRIPT, "sh", str(canary), str(os.getpid()))
            told: list[bytes] = []
            command = Command(argv=argv, limit_s=PROBE_S)
            self._launch_alone(*self._prepare(command), command).follow(told.append)
        except (NotStarted, OSError) as error:
            return str(error)
        return probe.complaint(b"".join(told).decode(errors="replace"), self._kind.level, self._home.root)

    # -- a command -----------------------------------------------------------------------------------------

    def _kind_for(self, rights: Rights) -> Kind:
        if self._kind is None:
            raise NoSandbox(self.standing.reason, is_for_now=True)
        if rights.needs_namespaces and self._kind.level == "landlock":
            raise NoSandbox(
                "this program may run in namespaces of its own only, and this machine has none for it; "
                "install bubblewrap"
            )
        return self._kind

    def _environment(self, command: Command) -> dict[str, str]:
        """What the policy forces, and what the rights hand on by value. Raises `NotStarted`."""
        keys = [name for name in command.rights.environment_keys if name in self._environ]
        found = {**command.environment, **{name: self._environ[name] for name in keys}}
        if any(name.startswith("LD_") for name in found):  # they would reach the wrapper, outside, as well
            raise NotStarted("variables of the dynamic linker (LD_*) are not handed on to commands")
        return found

    def _begin(
        self, ready: Ready, command: Command, argv: tuple[str, ...], environment: Mapping[str, str]
    ) -> Followed:
        """Tell what waits how long it has, and what to run."""
        limit_s = min(command.limit_s, command.rights.timeout_s or command.limit_s)
        try:
            limits.apply_cpu(ready.pid, self._settings.sandbox_cpu_s or limit_s)
            disk = self._watch(ready.waiting)
            ready.waiting.go(argv, environment)
        except OSError as error:
            ready.discard()
            raise NotStarted(error) from error
        except NotStarted:
            ready.discard()
            raise
        return Followed(ready, limit_s, disk, command.kill_strays)

    def _watch(self, waiting: Waiting) -> DiskWatch | None:
        places = waiting.seed.places
        return DiskWatch(places, self._settings.sandbox_disk_bytes, waiting.process.pid) if places else None


def _check_program(argv: tuple[str, ...]) -> None:
    """Raise unless the program is named by its full path and is there."""
    if not argv or not argv[0].startswith("/"):
        raise NotStarted("a program is started by its full path only")
    if not os.access(argv[0], os.X_OK):
        raise NotStarted(f"{argv[0]} is not there, or may not be executed")
