"""Telling a process from a later one with the same number."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import host_platform
from host_platform import ProcessId


def test_this_process_is_alive_and_survives_being_written_down():
    me = host_platform.this_process()
    assert me.pid == os.getpid()
    assert me.is_alive()
    assert ProcessId.parse(str(me)) == me


def test_a_text_with_slashes_in_its_boot_is_read():
    assert ProcessId.parse("a/b/1/2") == ProcessId("a/b", 1, 2)


@pytest.mark.parametrize("changes", [{"boot": "another"}, {"start": 1}, {"start": -1}, {"start": 0}])
def test_the_same_number_of_another_boot_or_start_is_another_process(changes):
    me = host_platform.this_process()
    other = ProcessId(**({"boot": me.boot, "pid": me.pid, "start": me.start} | changes))
    assert not other.is_alive()


def test_a_process_that_has_ended_is_gone_even_while_nobody_has_taken_note():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    it = ProcessId(host_platform.boot_id(), process.pid, host_platform.process_start(process.pid))
    assert it.is_alive()
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # a zombie now
    assert not it.is_alive()
    process.communicate()
    assert not it.is_alive()


def test_ps_tells_the_start_of_a_process_where_there_is_no_proc():
    start = host_platform._process_start_by_ps
    if not Path("/bin/ps").exists():
        pytest.skip("no ps here")
    assert start(os.getpid()) > 0
    assert start(os.getpid()) == start(os.getpid())
    assert start(2**22 + 1) == -1


@pytest.mark.parametrize(
    ("mounts", "path", "kind"),
    [
        ("d / ext4 rw 0 0\nserver:/x /home nfs4 rw 0 0\n", "/home/me", "nfs4"),
        ("d / ext4 rw 0 0\nserver:/x /home nfs4 rw 0 0\n", "/homes", "ext4"),
        ("d / ext4 rw 0 0\nd /a\\040b tmpfs rw 0 0\n", "/a b/c", "tmpfs"),
        ("d / ext4 rw 0 0\nd /m tmpfs rw 0 0\ns /m nfs rw 0 0\n", "/m/x", "nfs"),
        ("", "/x", "unknown"),
        ("odd\n", "/x", "unknown"),
    ],
)
def test_the_mount_that_is_nearest_and_newest_says_the_file_system(mounts, path, kind):
    assert host_platform._longest_mount(Path(path), mounts) == kind


def test_macos_mounts_are_read_in_the_same_way():
    shown = "/dev/disk1 on / (apfs, local)\n//me@server/x on /Volumes/a b (smbfs, nodev)\n"
    mounts = host_platform._as_mounts(shown)
    assert host_platform._longest_mount(Path("/Volumes/a b/x"), mounts) == "smbfs"
