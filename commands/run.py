"""``skep run``: graphs of tasks as workflow files. Each action is a file of its own."""

from __future__ import annotations

import importlib
from typing import Final

import click

#: Every action: the module and name of its command.
ACTIONS: Final = {
    "local": "run_local:local",
    "validate": "run_validate:validate",
}


class Actions(click.Group):
    """A group whose actions are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The actions."""
        return list(ACTIONS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of an action, imported now."""
        if cmd_name not in ACTIONS:
            return None
        module, _, name = ACTIONS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(f"commands.{module}"), name)
        return command


@click.group(
    "run",
    cls=Actions,
    help="""Work with workflows: graphs of steps with a policy, in YAML or JSON.

    Example: skep run local examples/workflows/compare.yaml --executor mock""",
)
def run() -> None:
    """Work with workflows."""
