"""Runs an approved command in the sandbox: no shell, an environment from nothing, all output counted.

There is no other way: what cannot be run in the sandbox is not run. The handler's own thread follows the
command (`safety.sandbox.following`). Output goes into the sink while it comes; beyond the cap it is still
read, so that the command is never held up, and counted.

Where no namespace holds a command, what it leaves behind is also found by its mark (`execution.markers`).
"""

from __future__ import annotations

from execution import markers
from execution.running import Running
from faults import fault_point
from host_platform import ProcessId
from safety.sandbox import Command, Ended, NotStarted, Sandbox
from safety.work import Approved
from settings import Home, Settings
from store.outputs import OutputSink

__all__ = ["Ended", "LocalRunner", "NotStarted"]


class LocalRunner:
    """Runs commands in one home's workspace.

    Parameters:
        home: whose mark they carry.
        settings: the time limit of commands that have none.
        swarm: this process, for the mark.
        sandbox: what holds them.
    """

    def __init__(self, home: Home, settings: Settings, swarm: ProcessId, sandbox: Sandbox) -> None:
        self._home = home
        self._settings = settings
        self._swarm = swarm
        self._sandbox = sandbox

    def run(
        self, approved: Approved, running: Running, name: str, sink: OutputSink, timeout_s: float | None
    ) -> Ended:
        """Run to the end, the time-out or the stop of `running`. Raises `NotStarted`."""
        mark = markers.mark(self._swarm, self._home, name)
        followed = self._sandbox.launch(
            Command(
                argv=approved.argv,
                environment={**dict(approved.environment), markers.VARIABLE: mark},
                rights=approved.rights,
                limit_s=timeout_s or self._settings.local_timeout_s,
                kill_strays=lambda: markers.kill_strays(mark),
            )
        )
        fault_point("cycle.running")
        running.on_stop(followed.kill)
        return followed.follow(sink.write)
