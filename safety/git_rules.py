"""git, as far as it may run without a sandbox: status, log and diff, with nothing the repository could start.

A repository is full of ways to run programs: hooks, a file system monitor, external diffs, filters, pagers,
remotes. The forced options and variables switch off those that can be switched off for one call (each named
in git-config(1) or git(1)). Filters cannot, so a repository whose own configuration has more than a plain
one is refused. Only the workspace's own ``.git`` counts: git does not look for one above it.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from safety.command_line import CommandRefused

SUBCOMMANDS: Final = ("status", "log", "diff")

_OPTIONS: Final = (
    "-c", "core.hooksPath=/dev/null",
    "-c", "core.fsmonitor=false",
    "-c", "core.pager=cat",
    "-c", "diff.external=",
    "-c", "protocol.allow=never",
    "-c", "protocol.ext.allow=never",
    "-c", "protocol.file.allow=never",
    "-c", "core.sshCommand=false",
    "-c", "credential.helper=",
    "--no-optional-locks",
    "--no-pager",
)  # fmt: skip
_AFTER: Final = {
    "status": ("--ignore-submodules=all",),
    "log": ("--no-ext-diff", "--no-textconv", "--ignore-submodules=all"),
    "diff": ("--no-ext-diff", "--no-textconv", "--ignore-submodules=all"),
}

#: The most of a repository's configuration that is read, in bytes.
_CONFIG_BYTES: Final = 64 * 1024
_SECTION: Final = re.compile(r'\s*\[\s*([A-Za-z0-9.-]+)(\s+"[^"\\]*")?\s*\]\s*')
_ENTRY: Final = re.compile(r"\s*([A-Za-z][A-Za-z0-9-]*)\s*(=[^\\]*)?")
#: Keys that start nothing and lead nowhere, by section.
_HARMLESS: Final = {
    "core": frozenset(
        {
            "repositoryformatversion",
            "filemode",
            "bare",
            "logallrefupdates",
            "ignorecase",
            "precomposeunicode",
            "symlinks",
            "autocrlf",
            "eol",
            "safecrlf",
            "quotepath",
            "abbrev",
        }
    ),
    "remote": frozenset({"url", "fetch", "pushurl", "tagopt", "prune"}),
    "branch": frozenset({"remote", "merge", "rebase", "description"}),
    "user": frozenset({"name", "email"}),
    "author": frozenset({"name", "email"}),
    "committer": frozenset({"name", "email"}),
    "init": frozenset({"defaultbranch"}),
    "pull": frozenset({"rebase", "ff"}),
    "push": frozenset({"default", "autosetupremote"}),
}


def check(arguments: Sequence[str], workspace: Path) -> None:
    """Raise `CommandRefused` unless these arguments of git may run in this workspace."""
    if not arguments or arguments[0] not in SUBCOMMANDS:
        raise CommandRefused(
            "git-subcommand", f"only git {', git '.join(SUBCOMMANDS)} may run without a sandbox"
        )
    if len(arguments) > 1:
        raise CommandRefused(
            "git-arguments", f"git {arguments[0]} takes no further arguments here; leave them out"
        )
    _check_repository(workspace / ".git")


def arguments(subcommand: str) -> tuple[str, ...]:
    """What git is really given."""
    return (*_OPTIONS, subcommand, *_AFTER[subcommand])


def environment(workspace: Path) -> dict[str, str]:
    """The variables that hold git to this repository and to no configuration but its own."""
    return {
        "GIT_DIR": str(workspace / ".git"),
        "GIT_WORK_TREE": str(workspace),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_LAZY_FETCH": "1",
    }


def _check_repository(folder: Path) -> None:
    try:
        mode = folder.lstat().st_mode
    except OSError:
        return  # git says itself that there is none
    if not stat.S_ISDIR(mode) or (folder / "commondir").exists():
        raise CommandRefused(
            "git-elsewhere", ".git is not a plain directory; use a repository of the workspace's own"
        )
    config = folder / "config"
    try:
        if not stat.S_ISREG(config.lstat().st_mode):
            raise CommandRefused("git-config", ".git/config is not a plain file; replace it by one")
        with config.open("rb") as handle:
            data = handle.read(_CONFIG_BYTES + 1)
    except FileNotFoundError:
        return
    except OSError as error:
        raise CommandRefused("git-config", f".git/config cannot be read: {error.strerror}") from error
    _check_config(data)


def _check_config(data: bytes) -> None:
    section = ""
    if len(data) > _CONFIG_BYTES:
        raise CommandRefused("git-config", f".git/config is over {_CONFIG_BYTES} bytes; make it smaller")
    for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), start=1):
        text = line.rstrip("\r")
        if not text.strip() or text.lstrip().startswith(("#", ";")):
            continue
        header, entry = _SECTION.fullmatch(text), _ENTRY.fullmatch(text)
        if header and header[1].lower() in _HARMLESS:
            section = header[1].lower()
        elif not (entry and entry[1].lower() in _HARMLESS.get(section, ())):
            raise CommandRefused(
                "git-config",
                f"line {number} of .git/config may make git start a program or read elsewhere "
                f"({text.strip()[:60]!r}); remove it, or run git yourself",
            )
