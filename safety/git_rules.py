"""What of a repository decides whether git may run in it, beside git's entry in ``config/commands.toml``.

A repository is full of ways to run programs: hooks, a file system monitor, external diffs, filters, pagers,
remotes. The options and variables forced on every call switch off those that can be switched off (each named
in git-config(1) or git(1)); the others, filters and what a nested repository names, stay. A reading
subcommand may meet them: it runs in a sandbox that writes nowhere and reaches nothing. `add` and `commit`
write ``.git``, and whatever they started could plant there what you later run yourself. So for them a
repository whose configuration has more than a plain one is refused, and git finds no program to start.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from safety.command_line import CommandRefused

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
#: Variables with which git finds no program to start, itself included.
NO_PROGRAMS: Final = {"PATH": "/dev/null", "GIT_EXEC_PATH": "/dev/null"}
#: Who commits where the repository does not say, for no other configuration is read.
_IDENTITY: Final = {"name": ("-c", "user.name=Skep"), "email": ("-c", "user.email=skep@localhost")}


def check_repository(folder: Path, *, writes: bool) -> tuple[str, ...]:
    """Arguments that git needs in this repository. Raises `CommandRefused` where it may not run.

    `writes`: whether the subcommand may change ``.git``.
    """
    try:
        mode = folder.lstat().st_mode
    except OSError:
        return ()  # git says itself that there is none
    if not stat.S_ISDIR(mode) or (folder / "commondir").exists():
        raise CommandRefused(
            "git-elsewhere",
            ".git is not a plain directory; use a repository of the workspace's own, no other is ever opened",
        )
    if not writes:
        return ()
    named = {key for section, key in _entries(_read_config(folder / "config")) if section == "user"}
    return tuple(word for key, words in _IDENTITY.items() if key not in named for word in words)


def _read_config(config: Path) -> bytes:
    try:
        if not stat.S_ISREG(config.lstat().st_mode):
            raise CommandRefused("git-config", ".git/config is not a plain file; replace it by one")
        with config.open("rb") as handle:
            data = handle.read(_CONFIG_BYTES + 1)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise CommandRefused("git-config", f".git/config cannot be read: {error.strerror}") from error
    if len(data) > _CONFIG_BYTES:
        raise CommandRefused("git-config", f".git/config is over {_CONFIG_BYTES} bytes; make it smaller")
    return data


def _entries(data: bytes) -> Iterator[tuple[str, str]]:
    """Section and key of every entry. Raises `CommandRefused` at the first that may do harm."""
    section = ""
    for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), start=1):
        text = line.rstrip("\r")
        if not text.strip() or text.lstrip().startswith(("#", ";")):
            continue
        header, entry = _SECTION.fullmatch(text), _ENTRY.fullmatch(text)
        if header and header[1].lower() in _HARMLESS:
            section = header[1].lower()
        elif entry and entry[1].lower() in _HARMLESS.get(section, ()):
            yield section, entry[1].lower()
        else:
            raise CommandRefused(
                "git-config",
                f"line {number} of .git/config may make git start a program or read elsewhere while it "
                f"writes .git ({text.strip()[:60]!r}); remove it, or run git yourself; no file allows it",
            )
