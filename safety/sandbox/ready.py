"""A sandbox that is set up, known by its process, limited and held: it only needs to be told what to run."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from safety.sandbox import limits
from safety.sandbox.cgroup import Cgroups, Slot
from safety.sandbox.grip import Grip
from safety.sandbox.kinds import Kind
from safety.sandbox.levels import NotStarted
from safety.sandbox.waiting import Waiting
from settings import Settings


@dataclass(frozen=True, slots=True)
class Ready:
    """One sandbox, good for one command."""

    waiting: Waiting
    #: the process that will be the command
    pid: int
    grip: Grip
    cgroups: Cgroups
    slot: Slot | None

    def close(self) -> None:
        """Let go of what belonged to one that has ended."""
        self.waiting.close()
        if self.slot is not None:
            self.cgroups.give_back(self.slot)

    def discard(self) -> None:
        """End one that was not used; waits until it is gone."""
        self.grip.release(lambda: None)
        self.close()


class Settler:
    """Makes sandboxes ready."""

    def __init__(self, settings: Settings, cgroups: Cgroups) -> None:
        self._limits = limits.of_settings(settings)
        self._cgroups = cgroups

    def settle(self, kind: Kind, waiting: Waiting) -> Ready:
        """Wait until it is set up, limit it and take hold of it. Raises `NotStarted`, and then it is gone."""
        with contextlib.ExitStack() as undo:
            undo.callback(waiting.discard)
            pid = waiting.arrive()
            try:
                limits.apply(pid, self._limits, kind.processes())
                slot = self._enter_group(pid, undo)
                grip = kind.grip(waiting, pid)
            except OSError as error:
                raise NotStarted(error) from error
            undo.pop_all()
        return Ready(waiting, pid, grip, self._cgroups, slot)

    def _enter_group(self, pid: int, undo: contextlib.ExitStack) -> Slot | None:
        try:
            slot = self._cgroups.take_in(pid)
        except OSError as error:  # whatever it is, it is not the command's fault
            told = f"the cgroup that bounds it cannot be had now ({error}); if it stays so, start Skep again"
            raise NotStarted(told, is_for_now=True) from error
        if slot is not None:
            undo.callback(self._cgroups.give_back, slot)
        return slot
