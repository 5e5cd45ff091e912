"""One task as options of ``skep add`` describe it."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable
from typing import Any

import click

from commands.task_id import offer_ids

Verb = Callable[..., Any]

#: Options that are fields of a task under the same name.
_FIELDS = (
    "id", "command", "profile", "priority", "model", "max_tokens", "temperature", "max_budget", "timeout_s",
    "max_attempts", "review", "effect", "not_before", "every", "decompose", "plan_model", "plan_review",
    "identity_id",
)  # fmt: skip


def task_options(verb: Verb) -> Verb:
    """The options that describe a task."""
    options = (
        click.option("--id", metavar="ID", help="Its id; one is given where this is missing."),
        click.option("--command", metavar="LINE", help="A command line, read without a shell."),
        click.option("--profile", metavar="NAME",
                     help="Give the prompt to a profile of your settings, not to a model."),
        click.option("--depends-on", multiple=True, metavar="ID", shell_complete=offer_ids,
                     help="Wait until this task is approved (may be repeated, or with commas)."),
        click.option("--priority", type=int, help="Higher goes first; default 0."),
        click.option("--model", help="The model to ask."),
        click.option("--max-tokens", type=int, help="Tokens the model may answer with."),
        click.option("--temperature", type=float, help="From 0 to 2."),
        click.option("--max-budget", type=float, metavar="DOLLARS", help="The most it may cost."),
        click.option("--timeout", "timeout_s", type=float, metavar="SECONDS",
                     help="How long one attempt may run."),
        click.option("--max-attempts", type=int, help="How often it may be tried."),
        click.option("--review", type=click.Choice(["auto", "critic", "human", "none"]),
                     help="Who judges the result."),
        click.option("--effect", type=click.Choice(["idempotent", "unsafe"]),
                     help="After an interruption: run again, or ask."),
        click.option("--not-before", metavar="TIME", help="Start at 2030-01-31T09:00 or later."),
        click.option("--every", metavar="CRON", help="Run on a schedule, such as '0 9 * * mon'."),
        click.option("--decompose", type=click.Choice(["auto", "never", "always"]),
                     help="Whether a prompt may be split into subtasks; see skep plan."),
        click.option("--identity", "identity_id", metavar="NAME",
                     help="Run as this identity; see skep identities."),
        click.option("--plan-model", type=click.Choice(["off", "intent", "split"]),
                     help="What a model may say of the plan: nothing, of the intent, or of the parts too."),
        click.option("--plan-review", is_flag=True, default=None,
                     help="Show me the plan before it is entered."),
        click.option("--alone", is_flag=True, default=None, help="Run with nothing beside it."),
        click.option("--tag", multiple=True, help="A word to find it by (may be repeated)."),
        click.option("--expect-json", is_flag=True, default=None, help="The answer must be JSON."),
        click.option("--expect-contains", multiple=True, metavar="TEXT",
                     help="The answer must contain this."),
        click.option("--expect-file", multiple=True, metavar="FILE", help="This file must exist afterwards."),
        click.option("--expect-command", multiple=True, metavar="LINE",
                     help="This command must end with exit code 0 afterwards."),
    )  # fmt: skip
    for option in reversed(options):
        verb = option(verb)
    return verb


def describe(prompt: str | None, argv: tuple[str, ...], options: dict[str, Any]) -> dict[str, Any]:
    """The task as an entry of a queue file. Raises `click.UsageError` unless it says one thing to do."""
    if sum(map(bool, (prompt, argv, options["command"]))) != 1:
        raise click.UsageError(
            'Give one thing to do: "a prompt", --command "a command line", or -- and a command.'
        )
    _check_finite(options)
    task: dict[str, Any] = {name: options[name] for name in _FIELDS if options[name] is not None}
    if prompt:
        task["prompt"] = prompt
    if argv:
        task["argv"] = list(argv)
    if options["alone"]:
        task["parallel_safe"] = False
    if options["depends_on"]:
        task["depends_on"] = [word for text in options["depends_on"] for word in text.split(",") if word]
    if options["tag"]:
        task["tags"] = list(options["tag"])
    expect = _expect(options)
    return task | ({"expect": expect} if expect else {})


def _check_finite(options: dict[str, Any]) -> None:
    """Raise `click.UsageError` for infinity and NaN, which JSON cannot say."""
    for name, value in options.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise click.UsageError(f"{name} must be a number, got {value}.")


def _expect(options: dict[str, Any]) -> dict[str, Any]:
    expect: dict[str, Any] = {}
    if options["expect_json"]:
        expect["format"] = "json"
    if options["expect_contains"]:
        expect["contains"] = list(options["expect_contains"])
    if options["expect_file"]:
        expect["files"] = list(options["expect_file"])
    if options["expect_command"]:
        expect["commands"] = [_words(line) for line in options["expect_command"]]
    return expect


def _words(line: str) -> list[str]:
    """A command line as the shell would split it, without anything else that a shell does."""
    try:
        return shlex.split(line)
    except ValueError as error:
        raise click.UsageError(f"--expect-command {line!r} cannot be split into words: {error}.") from None
