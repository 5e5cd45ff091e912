"""What the policy knows of a program: its arguments, what it may reach, what it does. Data only."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from safety.command_notation import OptionTable, Shape, Style
from safety.work import Rights

Effect = Literal["idempotent", "unsafe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramRule:
    """A program, or a subcommand of one."""

    #: the program's name, or both: ``git log``
    name: str
    about: str = ""
    is_allowed: bool = True
    style: Style = "options"
    options: OptionTable = field(default_factory=OptionTable)
    operators: frozenset[str] = frozenset()
    arguments: Shape = field(default_factory=Shape)
    #: what the arguments are instead, where an option is given
    arguments_with: Mapping[str, Shape] = field(default_factory=dict)
    #: one of these options must be given
    needs: tuple[str, ...] = ()
    #: options that no file can allow, with the reason
    never: Mapping[str, str] = field(default_factory=dict)
    #: arguments put in front of those given
    forced: tuple[str, ...] = ()
    #: variables it gets; ``{workspace}`` stands for the workspace
    environment: Mapping[str, str] = field(default_factory=dict)
    rights: Rights = field(default_factory=Rights)
    effect: Effect = "idempotent"
    subcommands: Mapping[str, ProgramRule] = field(default_factory=dict)

    @property
    def program(self) -> str:
        """The program's own name."""
        return self.name.partition(" ")[0]

    @property
    def key(self) -> str:
        """Where its entry stands in a file: ``programs.git.subcommands.log``."""
        program, _, subcommand = self.name.partition(" ")
        return f"programs.{_bare(program)}" + (f".subcommands.{_bare(subcommand)}" if subcommand else "")

    def variables(self, workspace: Path) -> dict[str, str]:
        """Its variables in a workspace."""
        if not self.environment:
            return {}
        real = os.path.realpath(workspace)
        return {name: value.replace("{workspace}", real) for name, value in self.environment.items()}


@dataclass(frozen=True, slots=True)
class CommandRules:
    """Every program the policy knows."""

    programs: Mapping[str, ProgramRule]
    #: programs that no file can allow, with the reason
    never: Mapping[str, str]

    def rule(self, name: str, subcommand: str | None = None) -> ProgramRule | None:
        """What is known of a program, or of its subcommand where it has any; none where it may not run."""
        rule = self.programs.get(name)
        if rule is None or not rule.is_allowed:
            return None
        if not rule.subcommands:
            return rule
        found = rule.subcommands.get(subcommand or "")
        return found if found is not None and found.is_allowed else None

    @property
    def allowed(self) -> list[str]:
        """Names of the programs that may run."""
        return sorted(name for name, rule in self.programs.items() if rule.is_allowed)


def _bare(key: str) -> str:
    """A key as TOML writes it."""
    return key if key.replace("-", "").replace("_", "").isalnum() and key.isascii() else f'"{key}"'
