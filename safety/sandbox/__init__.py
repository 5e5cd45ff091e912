"""The sandbox: what a command may reach, enforced by the kernel. The only way in which one is started."""

from safety.sandbox.following import Ended, Followed
from safety.sandbox.levels import Level, NoSandbox, NotStarted, Standing
from safety.sandbox.sandbox import Command, Sandbox

__all__ = ["Command", "Ended", "Followed", "Level", "NoSandbox", "NotStarted", "Sandbox", "Standing"]
