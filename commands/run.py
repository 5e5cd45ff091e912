"""``skep run``: graphs of tasks as workflow files. Each action is a file of its own."""

from __future__ import annotations

import importlib
from typing import Final

import click

#: Every action: the module and name of its command.
ACTIONS: Final = {
    "start": "run_start:start",
    "list": "run_list:list_runs",
    "show": "run_show:show",
    "watch": "run_watch:watch",
    "graph": "run_graph:graph",
    "fork": "run_fork:fork",
    "diff": "run_diff:diff",
    "abort": "run_steer:abort",
    "close": "run_steer:close",
    "resume": "run_steer:resume",
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
    help="""Work with runs: graphs of tasks with a policy, written as workflows in YAML or JSON.

    Example: skep run start examples/workflows/compare.yaml""",
)
def run() -> None:
    """Work with workflows."""
