"""``skep tools``: the tools of a home, what became of the tasks they were found for, and how one is made."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, Final

import click

from commands import terminal
from commands.exits import FINE
from commands.place import Place, json_option, with_place
from commands.task_view import status_of
from commands.tool_uses import uses_of
from config_files import own_home
from errors import InvalidRequest, NotFound, TransitionNotAllowed
from redaction import clean, clean_value
from store.ending import read_result
from store.outputs import read_output
from store.records import task_of
from toolbox import files
from toolbox.keeping import keep
from toolbox.listing import listing
from toolbox.tool import MOST_TEXT_CHARS, Tool

_COLUMNS: Final = ("tool", "kind", "hits", "approved", "rejected", "saved tokens", "standing", "description")
WORDS_SHOWN: Final = 60  # characters of a description
#: Characters of a prompt that become a description, or an example of how the tool is asked for.
EXAMPLE_CHARS: Final = 500


@click.command(
    help="""List the tools of the home, with how often each was found for a task, how many of its results
    were approved or rejected, and the tokens it saved. Works beside a running daemon.

    `keep ID` makes a tool of an approved task: of a prompt's task, its answer as text for prompts
    like it; of a command's task, the command. It is written to tools/NAME of the home, at once
    and whole, and the daemon knows it within a second or so.

    Exit code 0: fine. 1: the task cannot be kept. 2: a tools file is wrong, or the name is taken.

    Example: skep tools keep t-1 --name release-checklist"""
)
@click.argument("action", type=click.Choice(["list", "keep"]), default="list", required=False)
@click.argument("task_id", metavar="[ID]", required=False)
@click.option("--name", help="keep: the tool's name; default: the task's id.")
@click.option("--description", help="keep: what it is for; default: the beginning of the prompt.")
@click.option("--keyword", "keywords", multiple=True, help="keep: a word that asks for it; may be repeated.")
@json_option
@with_place
def tools(
    place: Place,
    action: str,
    task_id: str | None,
    name: str | None,
    description: str | None,
    keywords: tuple[str, ...],
    as_json: bool,
) -> int:
    """List the tools, or keep a result as one."""
    if action == "keep":
        if task_id is None:
            raise click.UsageError("Name the task whose result is to be kept.")
        return _keep(place, task_id, name, description, keywords, as_json=as_json)
    if task_id is not None or name or description or keywords:
        raise click.UsageError("ID, --name, --description and --keyword are for `skep tools keep`.")
    return _list(place, as_json=as_json)


# -- list --------------------------------------------------------------------------------------------------


def _list(place: Place, *, as_json: bool) -> int:
    own_home.check_home(place.home.root)
    known = files.read_home(place.home.root)
    rows: list[dict[str, Any]] = clean_value(listing(known, uses_of(place)))
    if as_json:
        terminal.print_json(rows)
    elif rows:
        terminal.print_table(_COLUMNS, [_cells(row) for row in rows])
    else:
        click.echo(f"There are no tools; {files.TOOLS_FILE} of the home is where they are written.")
    for tool in known:
        if tool.runs and tool.unfillable:
            slots = ", ".join(sorted(tool.unfillable))
            terminal.note(f"{tool.name} never runs: no example and no input_schema says {slots}")
    return FINE


def _cells(row: dict[str, Any]) -> Sequence[str]:
    counts = (f"{row[name]:,}" for name in ("hits", "approvals", "rejections", "saved_tokens"))
    told = terminal.shorten(row["description"], WORDS_SHOWN)
    return [row["name"], row["kind"], *counts, f"{row['standing']:.2f}", told]


# -- keep --------------------------------------------------------------------------------------------------


def _keep(
    place: Place,
    task_id: str,
    name: str | None,
    description: str | None,
    keywords: tuple[str, ...],
    *,
    as_json: bool,
) -> int:
    with place.store() as store:
        row = store.reader.task(task_id)
        if row is None:
            raise NotFound(
                f"There is no task {task_id!r}; `skep list` shows those there are.", task_id=task_id
            )
        if row["state"] != "approved":
            raise TransitionNotAllowed(f"{task_id} is {status_of(row)}; only an approved result is kept.")
        tool = _tool_of(place, row, name or task_id, description, keywords)
        folder = keep(place.home.root, tool)
        shown = str(folder.relative_to(place.home.root))
        store.write(
            lambda tx: tx.emit("tools.kept", file=shown, ids=[task_id], tool_name=tool.name, source=place.by)
        )
    if as_json:
        terminal.print_json({"tool": tool.name, "kind": "run" if tool.runs else "context", "written": shown})
    else:
        click.echo(terminal.clean(f"{task_id} is kept as the tool {tool.name}: {shown}/{files.FOLDER_FILE}"))
        for label, told in (("description", tool.description), ("examples", "; ".join(tool.examples))):
            click.echo(f"{label:<13} {terminal.shorten(told, 200)}".rstrip())
    return FINE


def _tool_of(
    place: Place, row: sqlite3.Row, name: str, description: str | None, keywords: tuple[str, ...]
) -> Tool:
    """What a task's result is as a tool. Raises `InvalidRequest`."""
    task = task_of(row["doc"], row["id"])
    prompt = clean(task.prompt or "").strip()
    told = (description or " ".join(prompt.split())[:EXAMPLE_CHARS]).strip()
    if not told:
        raise InvalidRequest(
            "description: a command has no words of its own; say --description", path="description"
        )
    fields: dict[str, Any] = {"name": name, "description": told, "keywords": list(keywords)}
    if task.profile is not None:
        raise InvalidRequest("a profile is kept in skep.toml already; queue a task that names it")
    if task.mode == "local":
        argv = _argv(place, row)
        return _valid(fields | {"kind": "run", "argv": argv})
    text = _answer(place, row)
    examples = [prompt] if 0 < len(prompt) <= EXAMPLE_CHARS and "\n" not in prompt else []
    return _valid(fields | {"kind": "context", "text": text, "examples": examples})


def _argv(place: Place, row: sqlite3.Row) -> list[str]:
    from safety.gateway import SafetyGateway
    from safety.work import Work

    task = task_of(row["doc"], row["id"])
    return list(SafetyGateway(place.home, place.settings).policy.read(Work.of(task)))


def _answer(place: Place, row: sqlite3.Row) -> str:
    result = read_result(row)
    ref = result.get("output_ref")
    text = str(result.get("output") or "")
    if ref is not None:
        text = read_output(place.home.outputs, ref, 4 * MOST_TEXT_CHARS + 1).decode("utf-8", "replace")
    text = clean(text).replace("\r\n", "\n")
    if not text.strip() or len(text) > MOST_TEXT_CHARS:
        raise InvalidRequest(f"the answer has {len(text):,} characters; 1 to {MOST_TEXT_CHARS:,} can be kept")
    return text


def _valid(fields: dict[str, Any]) -> Tool:
    import pydantic

    try:
        return Tool.model_validate(fields)
    except pydantic.ValidationError as error:
        found = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, found["loc"]))
        raise InvalidRequest(f"{place}: {found['msg']}", path=place) from error
