"""``skep check``: what the safety gateway would say to a prompt or a command, without running anything."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from typing import Any, Final

import click

from commands import terminal
from commands.exits import FAILED, FINE
from commands.place import Place, json_option, with_place
from safety.gateway import SafetyGateway
from safety.verdict import MODES, judge

_STDIN: Final = "-"


@click.command(
    help="""Show what the safety gateway says to a prompt (--mode llm) or a command (--mode local), rule by
    rule, without running anything. Works without a daemon and without a home.

    TEXT - or no TEXT reads standard input. With --jsonl each line of standard input is an object of
    id, mode and text, and is answered by a line; empty lines are passed over.

    Exit code 0: allowed. 1: refused. With --jsonl 0: every line was answered.

    Example: skep check --mode local "git status" """
)
@click.argument("text", metavar="[TEXT]", required=False)
@click.option("--mode", type=click.Choice(MODES), default="llm", show_default=True, help="What TEXT is.")
@click.option("--jsonl", "as_lines", is_flag=True, help="Read {id, mode, text} lines, answer a line each.")
@json_option
@with_place
def check(place: Place, text: str | None, mode: str, as_lines: bool, as_json: bool) -> int:
    """Judge a text."""
    gateway = SafetyGateway(place.home, place.settings, added_chars=0)
    if as_lines:
        if text not in {None, _STDIN}:
            raise click.UsageError("--jsonl reads standard input and takes no TEXT.")
        return _answer_lines(gateway)
    if text is None and sys.stdin.isatty():
        raise click.UsageError("Give a TEXT, or - to read standard input.")
    verdict = judge(gateway, _read(mode) if text in {None, _STDIN} else str(text), mode)
    if as_json:
        terminal.print_json(verdict)
    else:
        for line in told(verdict):
            click.echo(terminal.clean(line))
    return FINE if verdict["allowed"] else FAILED


def told(verdict: dict[str, Any]) -> Iterator[str]:
    """The verdict for a person, check by check."""
    report = verdict["report"]
    for name, one in report["checks"].items():
        sign = " ok " if one["passed"] else "FAIL"
        rule = f" [{one['rule']}]" if one["rule"] else ""
        yield f"{sign}  {name:<14}{rule} {'' if one['passed'] else one['reason']}".rstrip()
    for flag in report["flags"]:
        yield f"note  {flag['check']:<14} [{flag['rule']}] {flag['reason']}"
    if report["redacted"]:
        yield f"note  {report['redacted']} secrets are taken out before it is sent"
    if verdict["argv"]:
        yield f"runs  {verdict['argv']}"
    yield "allowed" if verdict["allowed"] else "refused"


def _read(mode: str) -> str:
    """Standard input; of a command without the line break that `echo` puts at its end."""
    text = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
    return text.removesuffix("\n").removesuffix("\r") if mode == "local" else text


def _answer_lines(gateway: SafetyGateway) -> int:
    """Answer every line of standard input; one that cannot be read is answered too."""
    for line in sys.stdin.buffer:
        if line.strip():
            click.echo(terminal.to_json(_answer(gateway, line), indent=None))
    return FINE


def _refuse_number(word: str) -> float:
    raise ValueError(f"{word} is no number that JSON has")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _refuse_number(digits)


def _answer(gateway: SafetyGateway, line: bytes) -> dict[str, Any]:
    identity = None
    try:
        asked = json.loads(
            line, parse_constant=_refuse_number, parse_float=_finite, object_pairs_hook=_unique
        )
        if not isinstance(asked, dict):
            raise ValueError("a line is an object of id, mode and text")  # noqa: TRY004  told with the others
        identity = asked.get("id")
        text, mode = asked.get("text"), asked.get("mode") or "llm"
        if not isinstance(text, str) or mode not in MODES:
            raise ValueError("text is a text, and mode llm or local")
        return {"id": identity, **judge(gateway, text, mode)}
    except Exception as error:  # whatever a line holds, it gets its answer
        reason = f"the line cannot be judged: {error}"
        refused = dict.fromkeys(("mode", "rule", "argv", "text", "report"))
        return {"id": identity, "allowed": False, **refused, "reason": reason, "error": reason}
