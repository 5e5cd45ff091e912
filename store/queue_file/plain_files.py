"""Files that others may have touched: never a link, a pipe, a device or a stranger's file."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import host_platform
from config_files import owned, way
from errors import InvalidFile
from runtime_contract import ID_PATTERN, Limits
from store.queue_file.strict_json import too_large

#: two changes within this time may bear the same time stamp, the kernel's clock being coarse
RACY_NS: Final = 20_000_000
_WAY_OUT: Final = "put a plain file of your own in its place"
_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Signature:
    """What changes when a file does, as far as stat(2) can tell."""

    mtime_ns: int
    size: int
    inode: int
    #: whose it is and who may read it: a refused file may become one that can be read
    owner: int
    mode: int
    #: when it was renamed or written last
    ctime_ns: int = field(compare=False)

    @classmethod
    def of(cls, info: os.stat_result) -> Signature:
        """The signature of a file by its stat."""
        return cls(info.st_mtime_ns, info.st_size, info.st_ino, info.st_uid, info.st_mode, info.st_ctime_ns)

    @property
    def mark(self) -> str:
        """What tells one saving of a content from another of the same, as far as stat(2) can."""
        return f"{self.inode}:{self.mtime_ns}"

    def is_later_than(self, mark: str | None) -> bool:
        """Whether the file of that mark was written since; not of another, as in a copied home."""
        inode, _, written = (mark or "").partition(":")
        return inode == str(self.inode) and written != str(self.mtime_ns)

    def is_settled(self) -> bool:
        """Whether its last change is long enough ago to tell the next by the signature alone."""
        return abs(time.time_ns() - self.mtime_ns) > RACY_NS


@dataclass(frozen=True, slots=True)
class Content:
    """A file as it was read once."""

    data: bytes
    digest: str
    signature: Signature

    def is_one_of(self, known: Mapping[str, str | None]) -> bool:
        """Whether it is among these: by their hashes, the mark of that very saving, or none for any."""
        return has_saving(known, self.digest, self.signature.mark)


def has_saving(known: Mapping[str, str | None], digest: str, mark: str) -> bool:
    """Whether a saving is among these: by hashes of contents, each with the mark of that one (none: any)."""
    return digest in known and known[digest] in {None, mark}


def target_of(path: Path) -> Path:
    """What a name leads to through links; the name itself where they lead in a circle or into no folder.

    Such a link, one that another user made, or one that leads over what another user put into a folder for
    everybody, is left as it is, for `read` to refuse.
    """
    if _is_link_of_another(path):
        return path
    try:
        target = way.walk_to(path)
    except way.LedAway:
        return path
    return target if os.access(target.parent, os.X_OK) else path


def _is_link_of_another(path: Path) -> bool:
    try:
        info = path.lstat()
    except OSError:
        return False
    return stat.S_ISLNK(info.st_mode) and info.st_uid not in {0, *owned.owners(path)}


def look_at(path: Path) -> Signature | None:
    """The signature of what stands there, of a link its own, or none where nothing can be found."""
    try:
        return Signature.of(path.lstat())
    except OSError:
        return None


def read(path: Path, limits: Limits) -> Content:
    """A regular file of this user, whole. Raises `FileNotFoundError`, `InvalidFile`."""
    try:
        handle = os.open(path, _FLAGS)
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.EMLINK}:
            raise InvalidFile(_told_of_link(path)) from error
        way_out = f"; {_WAY_OUT}" if error.errno in {errno.EACCES, errno.EPERM, errno.ENXIO} else ""
        raise InvalidFile(f"cannot be opened: {error.strerror}{way_out}") from error
    info = os.fstat(handle)
    try:
        check(info, limits)
        check_owner(info, path)
    except InvalidFile:
        os.close(handle)
        raise
    try:
        with open(handle, "rb") as file:  # noqa: PTH123  a descriptor
            data = file.read(limits.file_bytes + 1) or b""  # nothing at all: of a device that would block
    except OSError as error:
        raise InvalidFile(f"cannot be read: {error.strerror}") from error
    if len(data) > limits.file_bytes:
        raise too_large(len(data), limits)
    return Content(data, hashlib.sha256(data).hexdigest(), Signature.of(info))


def read_by_name(path: Path, limits: Limits) -> Content:
    """Read what a name leads to. Raises as `read`."""
    return read(target_of(path), limits)


def _told_of_link(link: Path) -> str:
    try:
        way.walk_to(link)
        link.stat()
    except way.LedAway as error:
        why = f"where {error.told};"
    except FileNotFoundError:
        why = "where no file is; mount or bring back what holds it, or"
    except OSError as error:
        why = f"which cannot be followed: {error.strerror};"
    else:
        return f"is a symbolic link; {_WAY_OUT}"
    return f"is a symbolic link to {link.readlink()}, {why} {_WAY_OUT}"


def check(info: os.stat_result, limits: Limits) -> None:
    """Raise `InvalidFile` unless this is a regular file within its bound."""
    if not stat.S_ISREG(info.st_mode):
        raise InvalidFile(f"is not a regular file; {_WAY_OUT}")
    if info.st_size > limits.file_bytes:
        raise too_large(info.st_size, limits)


def check_owner(info: os.stat_result, path: Path) -> None:
    """Raise `InvalidFile` unless the file or folder is this user's, or theirs for whom root works."""
    if info.st_uid not in owned.owners(path):
        raise InvalidFile(f"belongs to another user (uid {info.st_uid}); put one of your own there")


def hash_file(path: Path) -> str | None:
    """SHA-256 of a file's content, or none where it is gone or cannot be read."""
    try:
        handle = os.open(path, _FLAGS)
    except OSError:
        return None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        return None
    with open(handle, "rb") as file:  # noqa: PTH123  a descriptor
        return hashlib.file_digest(file, "sha256").hexdigest()


def keep_aside(folder: Path, name: str, text: str) -> Path:
    """Put a text into `folder` for a person, durably; the same text under the same name is kept once."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / name
    with contextlib.suppress(FileExistsError):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with open(handle, "wb") as file:  # noqa: PTH123  a descriptor
            file.write(text.encode("utf-8", "surrogateescape"))
            file.flush()
            os.fsync(handle)
        host_platform.fsync_directory(folder)
    return path


def write_anew(path: Path, text: str) -> None:
    """Put a text into a new file: what had its name may be somebody else's, or lead elsewhere.

    Raises `OSError`.
    """
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    with open(handle, "w", encoding="utf-8", errors="backslashreplace") as file:  # noqa: PTH123  a descriptor
        file.write(text)


def name_for(task_id: str, revision: int | None, text: str) -> str:
    """``<id>-<revision>-<hash>.json``; an id that is no file name is hashed."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    stem = (
        task_id
        if ID_PATTERN.fullmatch(task_id)
        else f"task-{hashlib.sha256(task_id.encode()).hexdigest()[:10]}"
    )
    return f"{stem}-{revision or 0}-{digest[:8]}.json"
