"""What `skep doctor` looks at in a home."""

from __future__ import annotations

import itertools
import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from config_files import own_home, tables
from doctor.examined import Examined
from doctor.findings import Finding, fail, ok, warn
from errors import InvalidFile, InvalidSetting
from safety import programs
from safety.command_policy import CommandPolicy
from safety.sandbox import workplace
from sentences import ended
from setting_sources import files_with_secrets
from settings import Home, Settings
from store import ownership
from store.queue_file import inbox_folder, plain_files
from store.queue_file.report import check as check_queue
from toolbox import files

#: files of other users that are named
_MOST_STRANGERS: Final = 10


def check_rights(home: Home) -> Iterator[Finding]:
    """Whether the home belongs to this user alone where it must."""
    # Whether others can write to the home itself is told with its settings, which are not read then.
    for path, forbidden in ((home.state, 0o077), (home.root, 0), (home.queue_file, 0o002)):
        if not path.exists():
            continue
        info = path.stat()
        shown = path.name or str(path)
        if info.st_uid not in {os.geteuid(), 0} and os.geteuid() != 0:  # root works for whom it belongs to
            yield fail(
                "rights",
                f"{shown} belongs to another user (uid {info.st_uid}).",
                f"sudo chown -R $USER {shlex.quote(str(path))}",
            )
        elif stat.S_IMODE(info.st_mode) & forbidden:
            mode = f"{stat.S_IMODE(info.st_mode):o}"
            yield warn(
                "rights",
                f"{shown} is open to others (mode {mode}).",
                f"chmod {_closed(info, forbidden)} {shlex.quote(str(path))}",
            )
        elif not os.access(path, os.W_OK):
            yield fail("rights", f"{shown} cannot be written.", _way_to_write(home, path))
    yield from _check_secrets(home)
    yield ok("rights", f"The home is {home.root}.")


def _check_secrets(home: Home) -> Iterator[Finding]:
    """Whether other users may read a settings file in which a secret stands."""
    for path in files_with_secrets(home):
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & _who_may_read(home, path):
            told = f"{path.relative_to(home.root)} holds a secret, and others may read it (mode {mode:o})."
            yield warn("rights", told, f"chmod 600 {shlex.quote(str(path))}")


def _who_may_read(home: Home, path: Path) -> int:
    """The bits for reading of those who come as far as to a file of the home."""
    readers = 0o044
    for folder in {path.parent, home.root}:
        readers &= (folder.stat().st_mode & 0o011) << 2
    return readers


def check_strangers(home: Home) -> Iterator[Finding]:
    """Whether other users put something in, perhaps while everybody could write there."""
    for path, uid in itertools.islice(own_home.strangers_in(home.state), _MOST_STRANGERS):
        told = f"{path} belongs to another user (uid {uid}), and is none of Skep's."
        yield fail("rights", told, "Look at it, and take it away.")


def _way_to_write(home: Home, path: Path) -> str:
    if path.stat().st_uid == os.geteuid():
        return f"chmod u+w {shlex.quote(str(path))}"
    is_mine = home.root.stat().st_uid == os.geteuid()
    return f"sudo chown $USER {shlex.quote(str(path))}" if is_mine else ownership.WAY_OUT


def _closed(info: os.stat_result, forbidden: int) -> str:
    return f"{stat.S_IMODE(info.st_mode) & ~forbidden:o}"


def check_queue_file(examined: Examined) -> Iterator[Finding]:
    """Whether the queue file can be taken in."""
    path = examined.home.queue_file
    try:
        content = plain_files.read_by_name(path, examined.settings.limits).data
        report = check_queue(content, examined.settings.limits)
    except FileNotFoundError:
        yield ok("queue file", "There is no queue.json; the daemon writes one.")
        return
    except InvalidFile as error:
        yield fail("queue file", ended(f"queue.json {error.message}"), "Make it a plain file of yours.")
        return
    except OSError as error:
        yield fail(
            "queue file", f"queue.json cannot be read: {error.strerror}.", "Make it a plain file of yours."
        )
        return
    if report.is_ok:
        yield ok("queue file", "queue.json can be taken in.")
    else:
        yield warn("queue file", f"queue.json has {len(report.problems)} things to correct.", "skep validate")


def check_workspace(home: Home) -> Iterator[Finding]:
    """Whether commands have a directory to work in."""
    place = home.workspace
    if not os.path.lexists(place):
        yield ok("workspace", "There is no workspace/ yet; the first command makes it.")
    elif (trouble := workplace.trouble(home)) is not None:
        way_out = ended(f"{trouble.way_out[0].upper()}{trouble.way_out[1:]}")
        yield fail("workspace", f"No command can run: {trouble.told}.", way_out)
    else:
        yield ok("workspace", f"Commands work in {place}.")


def check_commands(home: Home, settings: Settings) -> Iterator[Finding]:
    """Whether the files that say what may run can be read, and the programs of profiles be started."""
    try:
        policy = CommandPolicy.of_home(home, settings)
    except InvalidSetting as error:
        yield fail("commands", error.message, "Correct it: nothing starts until every entry is right.")
        return
    for name, profile in policy.profiles.items():
        fault = programs.why_not(profile.argv[0], home.workspace)
        if fault is not None:
            yield warn("commands", f"The profile {name} cannot run: {fault}.", "Its tasks fail until it can.")
    told = f"{len(policy.allowed)} programs may run, and {len(policy.profiles)} profiles"
    yield ok("commands", f"{told}; config/commands.toml in the home allows more.")


def check_lists(home: Home) -> Iterator[Finding]:
    """Whether the home's lists of models and of policies can be read, in whichever format they are."""
    from config_files.models import read_models_file
    from runs.policy_file import read_policies

    try:
        models = len(read_models_file(home.models_file).model)
        yield ok("models", f"{models} models are named in {tables.find(home.models_file).name}.")
    except InvalidSetting as error:
        yield fail("models", error.message, "Correct it: the daemon starts only when every entry is right.")
    try:
        policies = len(read_policies(home.policies_file).policy)
        yield ok("policies", f"{policies} policies are named in {tables.find(home.policies_file).name}.")
    except InvalidSetting as error:
        yield fail("policies", error.message, "Correct it: no run starts that would go by it.")


def check_tools(home: Home) -> Iterator[Finding]:
    """Whether the tools of the home can be read, and those that run can be filled."""
    try:
        tools = files.read_home(home.root)
    except InvalidSetting as error:
        yield fail("tools", error.message, "Correct it: the daemon starts only when every tool is right.")
        return
    for tool in tools:
        if tool.runs and tool.unfillable:
            slots = ", ".join(sorted(tool.unfillable))
            told = f"The tool {tool.name} never runs: nothing fills {slots}."
            yield warn("tools", told, "Name it in an example, or in its input_schema.")
    yield ok("tools", f"{len(tools)} tools are known; `skep tools` lists them.")


def check_leftovers(home: Home) -> Iterator[Finding]:
    """Texts that wait for a person."""
    kept = list(_files(home.conflicts))
    if kept:
        yield warn(
            "conflicts",
            f"{len(kept)} edits were kept aside in conflicts/.",
            "Look at them, then delete them.",
        )
    yield from _check_inbox(home)


def _check_inbox(home: Home) -> Iterator[Finding]:
    """Whether anything can be taken in, and what could not."""
    why = inbox_folder.why_not(home.inbox)
    if why is not None:
        yield warn("inbox", ended(why), "Put a folder of your own in its place.")
    elif any(_files(home.inbox / "refused")):
        yield warn("inbox", "Files were refused, in inbox/refused.", "Correct and move them to inbox/new.")


def _files(folder: Path) -> Iterator[Path]:
    return (each for each in folder.iterdir() if each.is_file()) if folder.is_dir() else iter(())
