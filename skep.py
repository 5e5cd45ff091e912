"""The command line: ``skep VERB``. Each verb is a file of ``commands/`` that is loaded when it is called.

`skep --help` reads only the table below, so it answers at once whatever the verbs need. What goes wrong is
told here, in one place: a sentence on standard error, with ``--json`` also ``{"error": ...}`` (RFC 9457) on
standard output, and one of the exit codes of `commands.exits`.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any, Final

import click
from click.shell_completion import CompletionItem

from collecting import no_collecting
from commands import exits, terminal
from errors import SkepError

#: Every verb: the module and name of its command, and what it is for.
VERBS: Final[dict[str, tuple[str, str]]] = {
    "init": ("init:init", "make a home here"),
    "up": ("up:up", "run the daemon: swarm, workers and panel"),
    "add": ("add:add", "put tasks into the queue"),
    "plan": ("plan:plan", "show what an ask would be split into"),
    "run": ("run:run", "run a workflow by itself, or check one"),
    "route": ("route:route", "show which tool a request would be given"),
    "tools": ("tools:tools", "list the tools and what became of them, or keep a result as one"),
    "validate": ("validate:validate", "check a queue file without taking it in"),
    "check": ("check:check", "show what the safety gateway says to a text"),
    "list": ("list:list_tasks", "list tasks, with what they wait for"),
    "show": ("show:show", "tell everything about a task"),
    "status": ("status:status", "tell how the home is doing"),
    "log": ("log:log", "print what a task printed"),
    "events": ("events:events", "print the history"),
    "wait": ("wait:wait", "wait until tasks have ended"),
    "edit": ("edit:edit", "change tasks in your editor"),
    "priority": ("priority:priority", "let tasks go sooner or later"),
    "cancel": ("cancel:cancel", "withdraw tasks"),
    "retry": ("retry:retry", "send ended tasks back to the queue"),
    "approve": ("approve:approve", "say yes to what waits for you"),
    "reject": ("reject:reject", "say no to it: requeue with feedback, or reject"),
    "deadline": ("deadline:deadline", "let what waits for you wait until then, or for ever"),
    "review": ("review:review", "tell how critics and people judge, or export results"),
    "diff": ("diff:diff", "show two attempts of a task side by side"),
    "rollback": ("rollback:rollback", "bring files of the workspace back to a checkpoint"),
    "identities": ("identities:identities", "tell who tasks run as, or make somebody new"),
    "rewards": ("rewards:rewards", "tell what identities earned, and what they paid"),
    "journal": ("journal:journal", "read the journals of identities, or write into one"),
    "schedule": ("schedule:schedule", "tell when tasks run, or run, skip or stop one"),
    "budget": ("budget:budget", "tell what was spent, let a limit have more, or set it"),
    "pause": ("pause:pause", "start nothing new"),
    "resume": ("resume:resume", "start things again"),
    "workers": ("capacity:workers", "have more or fewer workers while the daemon runs"),
    "pace": ("capacity:pace", "have each worker run more or fewer tasks at once"),
    "kill-switch": ("kill_switch:kill_switch", "stop everything at once, and let it go on"),
    "verify": ("verify:verify", "check the log against the store"),
    "audit": ("audit:audit", "print what was decided, or check the audit"),
    "doctor": ("doctor:doctor", "check this machine and home"),
    "service": ("service:service", "run the daemon as a systemd user service"),
    "ping": ("ping:ping", "ask whether the model server is there"),
    "panel": ("panel:panel", "print a fresh login link to the panel"),
    "completion": ("completion:completion", "print a shell's completion script"),
}


class Verbs(click.Group):
    """A group whose commands are named in a table and imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs, in the order of a task's life."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a verb, imported now."""
        if cmd_name not in VERBS:
            return None
        module, _, name = VERBS[cmd_name][0].partition(":")
        with no_collecting():
            command: click.Command = getattr(importlib.import_module(f"commands.{module}"), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's, with a guess at what was meant."""
        close = [] if args[0] in VERBS else difflib.get_close_matches(args[0], VERBS, n=1)
        if close:
            ctx.fail(f"There is no verb {terminal.clean(args[0])!r}. Did you mean {close[0]!r}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of verbs, from the table."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, told) for name, (_, told) in VERBS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Verbs and options that begin so."""
        verbs = [
            CompletionItem(name, help=told)
            for name, (_, told) in VERBS.items()
            if name.startswith(incomplete)
        ]
        return verbs + click.Command.shell_complete(self, ctx, incomplete)

    def invoke(self, ctx: click.Context) -> Any:
        """Call the verb; a reader that went away ends it quietly."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115  lives as long as we do
            return exits.PIPE_CLOSED
        return result

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command line and end with its exit code."""
        given = list(sys.argv[1:] if args is None else args)
        try:
            code = super().main(given, prog_name, complete_var, standalone_mode=False, **extra)
        except (click.ClickException, click.Abort, SkepError, OSError) as error:
            code = tell(error, given)
        if standalone_mode:
            sys.exit(code or 0)
        return code or 0


@click.group(
    "skep",
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Exit codes: 0 fine, 1 the task or check failed, 2 wrong usage,
3 cannot reach or read, 75 waiting for a person.""",
)
@click.option("--home", metavar="DIR", help="The home; default SKEP_HOME, else the current directory.")
@click.version_option(package_name="skep", message="skep %(version)s")
@click.pass_context
def cli(context: click.Context, home: str | None) -> None:
    """Work through a queue of LLM tasks and commands: safely, in order, and with nothing lost.

    Example: skep init && skep add --command "echo hello" && skep up
    """
    context.obj = {"home": home}
    context.color = None if terminal.wants_colour(os.environ) else False


def tell(error: Exception, arguments: Sequence[str]) -> int:
    """Tell what went wrong, as text and where asked as JSON; the exit code."""
    if isinstance(error, click.Abort):
        return exits.INTERRUPTED
    if isinstance(error, click.UsageError) and error.ctx is not None and not exits.is_json(arguments):
        click.echo(error.ctx.get_usage(), err=True)
    verb = next((word for word in arguments if word in VERBS), "")
    click.echo(terminal.clean(f"{f'skep {verb}'.rstrip()}: {exits.sentence(error)}"), err=True)
    if exits.is_json(arguments):
        with contextlib.suppress(OSError):  # it may be just what failed
            terminal.print_json({"error": exits.problem(error)})
    return exits.code_of(error)


def main() -> None:
    """Run the command line of this process."""
    terminal.prepare_streams()
    cli.main(prog_name="skep")


if __name__ == "__main__":
    main()
