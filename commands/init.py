"""``skep init``: a home, made once; what is there already stays as it is."""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any, Final

import click

from commands import terminal
from commands.exits import FINE
from commands.place import json_option, open_home, place_of
from config_files import own_home
from runtime_contract import normalize_queue
from setting_sources import find_home, load_settings
from settings import Home, Settings
from settings_file import render_settings
from store import database
from store.recovery import refuse_damaged
from store.sqlite_store import SqliteStore

SETTINGS_FILE: Final = "skep.toml"


@click.command(
    help="""Make a Skep home in DIR (default: the home, else the current directory).

    Nothing that is there is overwritten; to run it again does no harm.

    Example: skep init --sample"""
)
@click.argument("directory", metavar="[DIR]", required=False, type=click.Path(file_okay=False))
@click.option("--sample", is_flag=True, help="Begin with a queue of sample tasks.")
@click.option("--config", is_flag=True, help=f"Write {SETTINGS_FILE} with every setting explained.")
@json_option
@click.pass_context
def init(context: click.Context, directory: str | None, sample: bool, config: bool, as_json: bool) -> int:
    """Make a home."""
    home = open_home(find_home(directory, {})) if directory else place_of(context).home
    made = list(make(home, sample=sample, config=config))
    if as_json:
        terminal.print_json({"home": str(home.root), "made": made})
    else:
        _tell(home, made)
    return FINE


def make(home: Home, *, sample: bool, config: bool = False) -> Iterator[str]:
    """Make what is missing; the names of what was made."""
    settings = load_settings(home, os.environ).settings
    for folder in (home.root, home.workspace, home.inbox, home.inbox / "tmp", home.inbox / "new"):
        if is_new := not folder.is_dir():
            folder.mkdir(parents=True, mode=0o700)
        own_home.check_home(home.root)  # what stands there and on the way by now, whoever made it
        if is_new:
            yield _name(home, folder) + "/"
    if _write_new(home.queue_file, sample_queue() if sample else empty_queue(settings)):
        yield home.queue_file.name
    if config and _write_new(home.root / SETTINGS_FILE, render_settings(), mode=0o600):
        yield SETTINGS_FILE
    if not database.is_made(home.database):
        refuse_damaged(home)
        SqliteStore(home, settings).close()
        own_home.check_home(home.root)
        yield _name(home, home.database)


def sample_queue() -> str:
    """The queue a person may begin with."""
    return resources.files("commands").joinpath("sample_queue.json").read_text("utf-8")


def empty_queue(settings: Settings) -> str:
    """A queue without tasks."""
    queue: dict[str, Any] = normalize_queue(None)
    return terminal.to_json(queue | {"api_endpoint": f"http://127.0.0.1:{settings.swarm_port}"}) + "\n"


def _write_new(path: Path, text: str, mode: int = 0o600) -> bool:
    """Write a file that does not exist yet; whether that was so."""
    with contextlib.suppress(FileExistsError):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with open(handle, "w", encoding="utf-8") as file:  # noqa: PTH123  a descriptor
            file.write(text)
        return True
    return False


def _name(home: Home, path: Path) -> str:
    return "." if path == home.root else str(path.relative_to(home.root))


def _is_here(home: Home) -> bool:
    try:
        return home.root == Path.cwd()
    except FileNotFoundError:  # of getcwd(3): that directory is gone
        return False


def _tell(home: Home, made: list[str]) -> None:
    told = f"made {', '.join(made)}" if made else "everything was there already"
    click.echo(terminal.clean(f"Skep home {home.root}: {told}"))
    flag = "" if _is_here(home) else f"cd {shlex.quote(str(home.root))} && "
    click.echo("Next:")
    click.echo(terminal.clean(f"  {flag}skep up                              run it"))
    click.echo(terminal.clean(f"  {flag}skep add --command 'echo hello'      give it something to do"))
