"""What a rollback writes is readable to nobody who could not read what stood there."""

from __future__ import annotations

import errno
import os
import stat
import struct

import pytest

from review.checkpoints import rights
from settings import Home
from store.sqlite_store import SqliteStore
from tests.integration.checkpoint_rig import Rig

#: An access list (acl(5)) that names a user beside the owner and the group: version, then tag, rights, id.
ACCESS_LIST = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", *entry)
    for entry in [(1, 6, 2**32 - 1), (2, 6, 12345), (4, 0, 2**32 - 1), (16, 6, 2**32 - 1), (32, 0, 2**32 - 1)]
)


@pytest.fixture
def rig(home: Home, store: SqliteStore, who) -> Rig:
    return Rig(home, store, who)


def rights_of(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o664])
def test_a_file_that_is_written_over_keeps_its_rights(rig, mode):
    rig.did("a", key_txt="old")
    (rig.files / "key.txt").write_text("new")
    (rig.files / "key.txt").chmod(mode)

    rig.skep("rollback", "a", "--yes")

    assert (rig.files / "key.txt").read_text() == "old"
    assert rights_of(rig.files / "key.txt") == mode


def test_whether_it_may_be_executed_is_brought_back_for_those_who_may_read_it(rig):
    for name in ("run.sh", "notes.txt"):
        (rig.files / name).write_text("first")
    (rig.files / "run.sh").chmod(0o755)
    rig.did("a")
    for name, mode in (("run.sh", 0o640), ("notes.txt", 0o750)):
        (rig.files / name).write_text("by hand")
        (rig.files / name).chmod(mode)

    rig.skep("rollback", "a", "--yes")

    assert rights_of(rig.files / "run.sh") == 0o750
    assert rights_of(rig.files / "notes.txt") == 0o640


def test_a_file_that_was_gone_is_no_wider_than_its_folder_and_folders_than_those_above(rig):
    rig.did("a", secret__key_txt="k", secret__deep__run_sh="x", open__notes_txt="n")
    for name in ("secret/key.txt", "secret/deep/run.sh", "open/notes.txt"):
        (rig.files / name).unlink()
    (rig.files / "secret/deep").rmdir()
    (rig.files / "secret").chmod(0o700)

    rig.skep("rollback", "a", "--yes")

    assert rights_of(rig.files / "secret/key.txt") == 0o600
    assert rights_of(rig.files / "secret/deep") == 0o700
    assert rights_of(rig.files / "secret/deep/run.sh") == 0o600
    assert rights_of(rig.files / "open/notes.txt") == rights_of(rig.files / "open") & 0o644


def test_a_file_of_another_group_stays_with_it(rig):
    rig.did("a", shared_txt="old")
    file = rig.files / "shared.txt"
    file.write_text("new")
    try:
        os.chown(file, -1, 12345)
    except PermissionError:
        pytest.skip("only root gives a file to any group")
    file.chmod(0o640)

    rig.skep("rollback", "a", "--yes")

    assert (file.stat().st_gid, rights_of(file)) == (12345, 0o640)


def test_where_the_group_cannot_be_kept_only_the_owner_may_read_it(rig, monkeypatch):
    rig.did("a", shared_txt="old")
    file = rig.files / "shared.txt"
    file.write_text("new")
    file.chmod(0o664)

    def refuse(*arguments):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    told = os.stat_result((*file.stat()[:5], file.stat().st_gid + 1, *file.stat()[6:]))
    monkeypatch.setattr(rights, "_file_at", lambda folder, name: told)
    monkeypatch.setattr(os, "fchown", refuse)

    rig.skep("rollback", "a", "--yes")

    assert file.read_text() == "old"
    assert rights_of(file) == 0o600


def test_rights_that_an_access_list_gave_to_some_are_not_given_to_the_group(rig):
    rig.did("a", shared_txt="old")
    file = rig.files / "shared.txt"
    file.write_text("new")
    try:
        os.setxattr(file, "system.posix_acl_access", ACCESS_LIST)
    except (AttributeError, OSError):
        pytest.skip("no access lists here")
    assert rights_of(file) == 0o660

    rig.skep("rollback", "a", "--yes")

    assert file.read_text() == "old"
    assert rights_of(file) == 0o600
