"""May it run? One gate on the exact bytes that run, and the policy for commands."""

from safety.command_line import CommandRefused
from safety.command_policy import CommandPolicy
from safety.gateway import SafetyGateway
from safety.work import Approved, Work

__all__ = ["Approved", "CommandPolicy", "CommandRefused", "SafetyGateway", "Work"]
