"""``skep route``: which tool a request would be given, and why, without running anything."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from commands import terminal
from commands.exits import FAILED, FINE
from commands.place import Place, json_option, with_place
from commands.tool_uses import uses_of
from redaction import clean
from tool_router import Route, ToolRouter
from toolbox import files

_STDIN: Final = "-"
#: Bytes of one line of ``--jsonl``.
MOST_LINE_BYTES: Final = 4 * 1024 * 1024


@click.command(
    help="""Show which tool TEXT (- reads standard input) would be given: the candidates, how sure each
    is, and what would be done. Nothing runs, and neither a home nor a daemon is needed.

    With --jsonl each line of standard input is an object of id and text, and is answered by a
    line of id, tool (null where none fits), confidence and candidates.

    Exit code 0: it was answered, whatever the answer. 1: a line could not be read.

    Example: skep route "how many lines has notes.txt" """
)
@click.argument("text", metavar="[TEXT]", required=False)
@click.option(
    "--tools",
    "tools_file",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Tools to choose from, in place of the home's.",
)
@click.option("--jsonl", "as_lines", is_flag=True, help="Read {id, text} lines, answer a line each.")
@json_option
@with_place
def route(place: Place, text: str | None, tools_file: Path | None, as_lines: bool, as_json: bool) -> int:
    """Show a route."""
    router = router_of(place, tools_file)
    if as_lines:
        if text not in {None, _STDIN}:
            raise click.UsageError("--jsonl reads standard input and takes no TEXT.")
        return _answer_lines(router)
    if text is None and sys.stdin.isatty():
        raise click.UsageError("Give a TEXT, or - to read standard input.")
    found = router.route(_read() if text in {None, _STDIN} else str(text))
    if as_json:
        terminal.print_json(found.as_json())
    else:
        for label, told in lines(found):
            click.echo(f"{label:<13} {terminal.clean(clean(told))}".rstrip())
    return FINE


def router_of(place: Place, tools_file: Path | None = None) -> ToolRouter:
    """The router over a file's tools, else over the home's. Raises `InvalidSetting`."""
    settings = place.settings
    uses = {} if tools_file else uses_of(place)
    return ToolRouter(
        files.read_file(tools_file, str(tools_file)) if tools_file else files.read_home(place.home.root),
        run_confidence=settings.tool_run_confidence,
        context_tokens=settings.tool_context_tokens,
        uses=lambda: uses,
    )


def lines(found: Route) -> Iterator[tuple[str, str]]:
    """A route as a person reads it."""
    yield "tool", found.tool.name if found.tool else "none"
    if found.tool is not None:
        yield "confidence", f"{found.confidence:.2f}"
        yield "does", {"run": "runs its command", "context": "puts its text in front"}.get(found.outcome, "")
    if found.command.argv:
        yield "would run", json.dumps(list(found.command.argv), ensure_ascii=False)
    if found.command.profile:
        yield "would run", f"the profile {found.command.profile}, given the text"
    yield "because", found.reason or "there are no tools"
    for each in found.candidates:
        shared = f"  ({', '.join(each.shared[:8])})" if each.shared else ""
        yield "candidate", f"{each.confidence:.2f}  {each.name}{shared}"


def _read() -> str:
    return sys.stdin.buffer.read().decode("utf-8", "replace")


def _answer_lines(router: ToolRouter) -> int:
    """Answer every line of standard input; one that cannot be read is answered too."""
    code = FINE
    while line := sys.stdin.buffer.readline(MOST_LINE_BYTES + 1):
        if not line.strip():
            continue
        told = _answer(router, line)
        code = FAILED if "error" in told else code
        click.echo(terminal.to_json(told, indent=None))
    return code


def _answer(router: ToolRouter, line: bytes) -> dict[str, Any]:
    identity = None
    try:
        if len(line) > MOST_LINE_BYTES:
            raise ValueError(f"it has over {MOST_LINE_BYTES:,} bytes")
        asked = json.loads(line)
        if not isinstance(asked, dict) or not isinstance(asked.get("text"), str):
            raise ValueError("a line is an object of id and text, which is a text")  # noqa: TRY004  told as one
        identity = asked.get("id")
        return {"id": identity, **router.route(asked["text"]).as_json()}
    except Exception as error:  # whatever a line holds, it gets its answer
        return {
            "id": identity,
            "tool": None,
            "confidence": 0.0,
            "candidates": [],
            "error": f"the line cannot be routed: {error}",
        }
