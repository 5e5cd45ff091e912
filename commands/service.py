"""``skep service``: the daemon as a user service of systemd."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

import host_platform
from commands import terminal
from commands.exits import FINE, UNREACHABLE
from commands.place import Place, json_option, with_place
from commands.unit_file import MARK, home_of, render_unit
from errors import NotAllowed, NotFound
from path_names import expanded
from setting_sources import setting_variables

_ACTIONS: Final = ("install", "uninstall", "show")
_NAME: Final = "skep.service"


@click.command(
    help="""Run the daemon of this home whenever you are logged in, by systemd.

    `show` prints the unit, `install` writes it to ~/.config/systemd/user and says how
    to start it (--now starts it), `uninstall` takes it out.

    Example: skep service install --now"""
)
@click.argument("action", type=click.Choice(_ACTIONS))
@click.option("--now", is_flag=True, help="Call systemctl too, to start or stop it.")
@json_option
@with_place
def service(place: Place, action: str, now: bool, as_json: bool) -> int:
    """Install, uninstall or show the unit."""
    unit = render_unit(place.home, place.settings)
    path = unit_path(os.environ)
    if action == "show":
        if as_json:
            terminal.print_json({"path": str(path), "unit": unit})
        else:
            click.echo(unit, nl=False)
        _tell_left_out(os.environ)
        return FINE
    if not host_platform.IS_LINUX:
        raise NotAllowed(
            "Services are installed with systemd, which this system lacks. On macOS let a launchd agent in "
            "~/Library/LaunchAgents run `skep up` with SKEP_HOME set (launchd.plist(5))."
        )
    commands = _install(place, path, unit) if action == "install" else _uninstall(place, path)
    if action == "install":
        _tell_left_out(os.environ)
    return _finish(action, path, commands, now=now, as_json=as_json)


def unit_path(environ: os._Environ[str] | dict[str, str]) -> Path:
    """Where the unit stands (systemd.unit(5), user unit search path)."""
    base = Path(environ.get("XDG_CONFIG_HOME") or "")
    if not base.is_absolute():  # the XDG Base Directory Specification has such a value ignored
        base = expanded("~/.config")
    return base / "systemd" / "user" / _NAME


def _tell_left_out(environ: Mapping[str, str]) -> None:
    """Name the settings that only this shell has: they stay out of the unit, as one may be a key."""
    found = setting_variables(environ)
    if not found:
        return
    told = (
        f"The service will not have what this shell sets: {', '.join(sorted(found))}. Put it into skep.toml"
    )
    key = ", which must be closed to others where a key is in it: chmod 600 skep.toml"
    terminal.note(f"{told}{key if 'llm_api_key' in found.values() else ''}.")


def _install(place: Place, path: Path, unit: str) -> list[list[str]]:
    place.check()
    _check_ours(place, path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(unit, "utf-8")
    return [["systemctl", "--user", "daemon-reload"], ["systemctl", "--user", "enable", "--now", _NAME]]


def _uninstall(place: Place, path: Path) -> list[list[str]]:
    if not path.exists():
        raise NotFound(f"There is no {path}; nothing is installed.")
    _check_ours(place, path)
    path.unlink()
    return [["systemctl", "--user", "disable", "--now", _NAME], ["systemctl", "--user", "daemon-reload"]]


def _check_ours(place: Place, path: Path) -> None:
    """Raise `NotAllowed` for a unit that somebody else wrote, or that runs another home."""
    unit = path.read_text("utf-8", errors="replace") if path.exists() else MARK
    if not unit.startswith(MARK):
        raise NotAllowed(f"{path} was not written by `skep service`; move it away first.")
    other = home_of(unit)
    if other not in {None, str(place.home.root)}:
        raise NotAllowed(
            f"{path} runs the home {other}, and there is one unit for all. To take it out: "
            f"skep --home {shlex.quote(str(other))} service uninstall"
        )


def _finish(action: str, path: Path, commands: list[list[str]], *, now: bool, as_json: bool) -> int:
    code = FINE
    if now:
        for command in commands:
            code = _run(command) or code
    if as_json:
        told = {"action": action, "path": str(path), "done": now and code == FINE}
        terminal.print_json(told | {"commands": [" ".join(command) for command in commands]})
        return code
    click.echo(terminal.clean(f"{'Wrote' if action == 'install' else 'Took out'} {path}"))
    if not now:
        click.echo(f"To {'start' if action == 'install' else 'stop'} it:")
        for command in commands:
            click.echo(f"  {' '.join(command)}")
    if action == "install":
        click.echo("To have it run also while you are logged out: loginctl enable-linger")
    return code


def _run(command: list[str]) -> int:
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    except OSError as error:
        terminal.note(f"skep service: {command[0]} cannot be run: {error.strerror}")
        return UNREACHABLE
    if done.returncode != 0:
        terminal.note(f"skep service: {' '.join(command)}: {done.stderr.strip()}")
        return UNREACHABLE
    return FINE
