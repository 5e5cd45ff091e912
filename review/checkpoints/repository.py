"""The repository of checkpoints: bare, Skep's own, written and read by a git that knows nothing else.

git is started with an environment from nothing: no system or user configuration, no hooks, no monitor, no
transport; it never sees the workspace. Contents are given to it (git-fast-import(1)), so no attribute or
filter of the workspace has a say and only what changed is touched. What is read comes by object id
(git-cat-file(1)).
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from errors import SkepError

#: Where git may be; the first that is there.
PLACES: Final = "/usr/bin:/bin:/usr/local/bin:/opt/homebrew/bin"
#: Seconds one run of git may take.
TIMEOUT_S: Final = 600.0
#: Blobs that git is asked for at a time: 41 bytes each, less than a pipe holds at least (4,096, pipe(7)).
ASKED_AHEAD: Final = 64
BRANCH: Final = "refs/heads/checkpoints"
#: The tree without entries, which every repository knows.
EMPTY_TREE: Final = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_ID: Final = re.compile(rb"[0-9a-f]{40}\n?")
_SPECIAL: Final = re.compile(rb'[\x00-\x1f"\\]')
_OPTIONS: Final = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.fsync=all",
    "core.fsyncMethod=batch",
    "protocol.allow=never",
    "gc.auto=0",
    "fastimport.unpackLimit=100",
)


class CheckpointFailed(SkepError):
    """The state of the workspace could not be kept, or not be read back."""

    code = "checkpoint_failed"
    http_status = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """A file as one commit has it."""

    #: as git has it
    mode: int
    blob: str


@dataclass(frozen=True, slots=True)
class Changed:
    """A path on which two commits differ; none: it does not exist there."""

    path: bytes
    before: Entry | None
    after: Entry | None


#: A file to keep: path, git's mode, content.
Kept = tuple[bytes, int, bytes]


class Repository:
    """One home's repository of checkpoints. Whoever writes holds its lock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare(self) -> bool:
        """Make it where there is none; whether it was there."""
        was_there = (self.folder / "HEAD").exists()
        if not was_there:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._run("init", "--quiet", "--bare", "--object-format=sha1", "--template=", str(self.folder))
        # Left by a git that was killed. Ours is the lock that counts, and it is held.
        (self.folder / f"{BRANCH}.lock").unlink(missing_ok=True)
        return was_there

    def tip(self) -> str | None:
        """The newest commit, none where there is none."""
        found = self._run("rev-parse", "--verify", "--quiet", BRANCH, may_fail=True)
        return found.decode().strip() or None

    def has(self, commit: str) -> bool:
        """Whether a commit is there, with its tree."""
        return bool(self._run("rev-parse", "--verify", "--quiet", f"{commit}^{{tree}}", may_fail=True))

    # -- writing -------------------------------------------------------------------------------------------

    def commit(
        self,
        before: str | None,
        message: str,
        now: float,
        kept: Iterable[Kept],
        gone: Iterable[bytes],
        *,
        is_whole: bool,
    ) -> str:
        """Add a commit; its id. Only what differs from `before` is given, or with `is_whole` everything."""
        process = self._start("fast-import", "--quiet", "--force", "--done", stdin=subprocess.PIPE)
        assert process.stdin is not None  # noqa: S101  a pipe
        broken: OSError | None = None
        try:
            _write_commit(process.stdin, before, message, now, kept, gone, is_whole=is_whole)
        except BrokenPipeError as error:  # it says itself why it ended
            broken = error
        except BaseException:
            process.kill()
            process.communicate()
            raise
        answer, words = self._end(process)
        if process.returncode != 0 or not _ID.fullmatch(answer):
            raise CheckpointFailed(f"git could not keep the files: {words or broken}")
        return answer.decode().strip()

    def pack(self) -> None:
        """Put loose objects into packs, few of them however many checkpoints there are."""
        for left in (*self.folder.glob("objects/pack/tmp_*"), *self.folder.glob("fast_import_crash_*")):
            left.unlink(missing_ok=True)
        self._run("repack", "--geometric=2", "-d", "-q", "-l")

    # -- reading -------------------------------------------------------------------------------------------

    def changes(self, before: str | None, after: str) -> list[Changed]:
        """Where two commits differ; without `before`, everything `after` has."""
        options = ("-r", "-z", "--raw", "--no-abbrev", "--no-renames")
        told = self._run("diff-tree", *options, before or EMPTY_TREE, after)
        fields = told.split(b"\0")
        return [_changed(fields[at], fields[at + 1]) for at in range(0, len(fields) - 1, 2)]

    def sizes(self, blobs: Iterable[str]) -> dict[str, int]:
        """The bytes of each blob. Raises `CheckpointFailed` where one is missing."""
        wanted = list(dict.fromkeys(blobs))
        if not wanted:
            return {}
        process = self._start("cat-file", "--batch-check=%(objectsize)", stdin=subprocess.PIPE)
        answer, words = self._end(process, "".join(f"{blob}\n" for blob in wanted).encode())
        told = answer.split()
        if process.returncode != 0 or len(told) != len(wanted) or not all(each.isdigit() for each in told):
            raise CheckpointFailed(f"the repository of checkpoints lacks a file {words}".strip())
        return dict(zip(wanted, map(int, told), strict=True))

    def contents(self, blobs: Iterable[str]) -> Iterator[bytes]:
        """The content of each blob, in order; git is asked for some ahead, and so seldom waited for."""
        process = self._start("cat-file", "--batch", stdin=subprocess.PIPE)
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018  pipes
        try:
            for blob in _asked_ahead(process.stdin, blobs):
                head = process.stdout.readline().split()
                if len(head) != 3 or head[1] != b"blob":
                    raise CheckpointFailed(f"the repository of checkpoints has no file {blob}")
                yield process.stdout.read(int(head[2]))
                process.stdout.read(1)
        finally:
            process.kill()
            process.communicate()

    # -- git -----------------------------------------------------------------------------------------------

    def _run(self, *arguments: str, may_fail: bool = False) -> bytes:
        """What git printed; nothing where it failed and may. Raises `CheckpointFailed`."""
        process = self._start(*arguments)
        answer, words = self._end(process)
        if process.returncode == 0:
            return answer
        if may_fail:
            return b""
        raise CheckpointFailed(f"git {arguments[0]} failed: {words}")

    def _end(self, process: subprocess.Popen[bytes], given: bytes | None = None) -> tuple[bytes, str]:
        """What it printed when it was given this, and its error words."""
        try:
            answer, words = process.communicate(given, timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise CheckpointFailed(f"git did not end within {TIMEOUT_S:g} s") from None
        return answer, words.decode("utf-8", errors="replace").strip()[:500]

    def _start(self, *arguments: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        git = shutil.which("git", path=PLACES)
        if git is None:
            raise CheckpointFailed("git is not installed, so no checkpoint is kept; install git")
        options = [word for option in _OPTIONS for word in ("-c", option)]
        try:
            return subprocess.Popen(
                [git, *options, *arguments],
                cwd=self.folder,
                env=self._environment(),
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise CheckpointFailed(f"git cannot be started: {error}") from error

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": PLACES,
            "LC_ALL": "C",
            "HOME": "/nonexistent",
            "GIT_DIR": str(self.folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_NO_REPLACE_OBJECTS": "1",
        }


def blob_id(content: bytes) -> str:
    """The id that git gives a content (gitformat, SHA-1 object names)."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _write_commit(
    pipe: IO[bytes],
    before: str | None,
    message: str,
    now: float,
    kept: Iterable[Kept],
    gone: Iterable[bytes],
    *,
    is_whole: bool,
) -> None:
    """The stream of git-fast-import(1) for one commit, and the question for its id."""
    told = message.encode()
    pipe.write(b"feature done\ncommit %s\nmark :1\n" % BRANCH.encode())
    pipe.write(b"committer Skep <skep@localhost> %d +0000\ndata %d\n%s\n" % (int(now), len(told), told))
    if before is not None:
        pipe.write(b"from %s\n" % before.encode())
    if is_whole:
        pipe.write(b"deleteall\n")
    for path in gone:
        pipe.write(b"D %s\n" % _quoted(path))
    for path, mode, content in kept:
        pipe.write(b"M %o inline %s\ndata %d\n%s\n" % (mode, _quoted(path), len(content), content))
    pipe.write(b"\nget-mark :1\ndone\n")
    pipe.flush()


def _asked_ahead(pipe: IO[bytes], blobs: Iterable[str]) -> Iterator[str]:
    """The blobs, each after git was asked for it; the questions fit into its pipe, so no one waits here."""
    left = iter(blobs)
    while asked := list(itertools.islice(left, ASKED_AHEAD)):
        pipe.write("".join(f"{blob}\n" for blob in asked).encode())
        pipe.flush()
        yield from asked


def _quoted(path: bytes) -> bytes:
    """A path as fast-import reads it, whatever bytes it has."""
    return b'"%s"' % _SPECIAL.sub(lambda found: b"\\%03o" % found[0][0], path)


def _changed(head: bytes, path: bytes) -> Changed:
    old_mode, new_mode, old, new, _ = head.lstrip(b":").split()
    return Changed(path, _entry(old_mode, old), _entry(new_mode, new))


def _entry(mode: bytes, blob: bytes) -> Entry | None:
    return None if int(mode, 8) == 0 else Entry(int(mode, 8), blob.decode())
