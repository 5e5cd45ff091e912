"""``skep completion``: what a shell needs to complete verbs, options and ids of tasks."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from commands import terminal
from commands.exits import FINE

_VARIABLE = "_SKEP_COMPLETE"
_WHERE = {
    "bash": "echo 'eval \"$(skep completion bash)\"' >> ~/.bashrc",
    "zsh": "echo 'eval \"$(skep completion zsh)\"' >> ~/.zshrc",
    "fish": "skep completion fish > ~/.config/fish/completions/skep.fish",
}


@click.command(
    help=f"""Print the script by which a shell completes verbs, options and ids of tasks.

    Example: {_WHERE["bash"]}

    \b
    {_WHERE["zsh"]}
    {_WHERE["fish"]}"""
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def completion(context: click.Context, shell: str, as_json: bool) -> int:
    """Print a completion script."""
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"Nothing is known of {shell}.")
    maker = kind(context.find_root().command, {}, "skep", _VARIABLE)
    # Not `source()`: it runs bash to ask for its version, and bash may not be what prints this.
    script = maker.source_template % maker.source_vars()
    if as_json:
        terminal.print_json({"shell": shell, "script": script})
    else:
        click.echo(script)
    return FINE
