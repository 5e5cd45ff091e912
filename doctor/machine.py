"""What `skep doctor` looks at on the machine, whatever home it is called for."""

from __future__ import annotations

import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import host_platform
import open_files
from doctor.findings import Finding, fail, ok, warn
from safety.sandbox import Sandbox
from sentences import ended
from settings import Home, Settings
from store.database import OLDEST_SQLITE

#: The first SQLite without the WAL-reset race (sqlite.org/wal.html#walresetbug).
_NO_WAL_RACE: Final = (3, 51, 3)
_LOW_DISK_BYTES: Final = 1024**3
_BUILT_YEAR: Final = 2026
#: Seconds for which the two clocks are held against each other, and how far they may differ.
_CLOCK_LOOK_S: Final = 0.05
_CLOCK_SLACK_S: Final = 0.5


def check_python() -> Iterator[Finding]:
    """The interpreter."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield ok("python", f"Python {version} at {sys.executable}")


def check_locale() -> Iterator[Finding]:
    """In which bytes the system's names and arguments are read and written."""
    encoding = sys.getfilesystemencoding()
    if encoding != "utf-8":
        told = f"The locale is of {encoding}: commands and file names with letters beyond ASCII may fail."
        yield warn("locale", told, "Start Skep in a locale of UTF-8, such as LC_ALL=C.UTF-8.")


def check_sqlite() -> Iterator[Finding]:
    """The library that keeps the truth."""
    version, found = sqlite3.sqlite_version, sqlite3.sqlite_version_info
    if found < OLDEST_SQLITE:
        yield fail("sqlite", f"SQLite {version} is too old.", "Use a Python with SQLite 3.38 or newer.")
    elif found < _NO_WAL_RACE:
        told = f"SQLite {version} has the WAL-reset race of versions before 3.51.3."
        yield warn(
            "sqlite", told, "Nothing to do: Skep's write.lock closes it. Let no other program write state.db."
        )
    else:
        yield ok("sqlite", f"SQLite {version}")


def check_disk(home: Home, settings: Settings) -> Iterator[Finding]:
    """Room for what comes."""
    free = shutil.disk_usage(_existing(home.root)).free
    told = f"{free / 2**30:.1f} GiB free"
    if free < settings.disk_free_bytes:
        yield fail("disk", f"{told}: nothing new is started.", "Make room, or lower disk_free_bytes.")
    elif free < _LOW_DISK_BYTES:
        yield warn("disk", told, "Make room soon; outputs and the log are never thrown away.")
    else:
        yield ok("disk", told)


def check_file_system(home: Home) -> Iterator[Finding]:
    """Where the home is, and whether two files can be exchanged in one step there."""
    place = _existing(home.state)
    kind = host_platform.file_system_type(place)
    if host_platform.is_network_file_system(place):
        yield fail(
            "file system", f"The home is on {kind}, a network file system: the store is not safe there.",
            "Put the home on a local disk (SKEP_HOME).",
        )  # fmt: skip
    else:
        yield ok("file system", f"The home is on {kind}.")
    yield _try_exchange(place)


def _try_exchange(place: Path) -> Finding:
    """Really exchange two files, in the home where it can be written."""
    try:
        with tempfile.TemporaryDirectory(
            prefix="doctor-", dir=place if place.name == ".swarm" else None
        ) as folder:
            first, second = Path(folder, "first"), Path(folder, "second")
            first.write_text("1")
            second.write_text("2")
            host_platform.exchange_files(first, second)
            if first.read_text() == "2":
                return ok(
                    "file exchange", f"Files can be exchanged in one step (tried in {Path(folder).parent})."
                )
            return fail(
                "file exchange", "Exchanging two files did nothing.", "Put the home on another file system."
            )
    except host_platform.ExchangeUnsupported:
        return warn(
            "file exchange", "This file system cannot exchange two files in one step.",
            "Prefer `skep edit` to saving queue.json: a save in the very instant of ours may be put aside.",
        )  # fmt: skip
    except OSError as error:
        return warn("file exchange", f"Could not be tried: {error}", "Look at the rights of the home.")


def check_clock() -> Iterator[Finding]:
    """Whether wall time is believable and goes as fast as the other clock."""
    year = datetime.now(UTC).year
    wall, monotonic = time.time(), time.monotonic()
    time.sleep(_CLOCK_LOOK_S)
    drift = abs((time.time() - wall) - (time.monotonic() - monotonic))
    if year < _BUILT_YEAR:
        yield fail("clock", f"The clock says {year}.", "Set it: not_before and schedules go by it.")
    elif drift > _CLOCK_SLACK_S:
        yield warn(
            "clock", f"The clock jumped {drift:.1f} s just now.", "Look at what sets it (NTP, a suspend)."
        )
    else:
        yield ok("clock", f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S %z}")


def check_open_files(settings: Settings) -> Iterator[Finding]:
    """Whether what starts Skep lets it open the files that its tasks need."""
    told = open_files.shortage(settings.concurrency * settings.workers)
    if told is not None:
        yield warn("open files", told, open_files.WAY_OUT)
    else:
        yield ok("open files", "As many files may be open as the tasks at once may need.")


def check_sandbox(settings: Settings) -> Iterator[Finding]:
    """What holds commands here: tried for real, in a home of its own."""
    with tempfile.TemporaryDirectory(prefix="doctor-") as folder:
        sandbox = Sandbox(Home(Path(folder, "home")), settings)
        try:
            found = sandbox.start()
        finally:
            sandbox.close()
    told = f"{found.reason}{f'; {found.bounds}' if found.bounds else ''}"
    if found.level == "bubblewrap":
        yield ok("sandbox", ended(told))
    elif found.level == "landlock":
        yield warn("sandbox", ended(told), "Install bubblewrap; programs such as interpreters need it.")
    elif found.level == "off":
        yield fail("sandbox", ended(told), 'Take sandbox = "off" out of the settings file.')
    else:
        yield warn("sandbox", told, "Commands wait until there is one; LLM tasks run without.")


def check_platform() -> Iterator[Finding]:
    """What this system does by branches that could not be tested."""
    untested = host_platform.untested_here()
    if untested:
        yield warn("platform", f"Not tested on this system: {', '.join(untested)}.", "Tell us what you see.")
    else:
        yield ok("platform", f"{sys.platform}: the system that is tested.")


def _existing(path: Path) -> Path:
    """The path, or the nearest directory above it that exists."""
    return next((each for each in (path, *path.parents) if each.is_dir()), Path("/"))
