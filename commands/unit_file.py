"""The systemd user unit that runs a home's daemon (systemd.service(5), systemd.exec(5))."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import Final

from errors import InvalidSetting
from settings import Home, Settings

#: The first line of every unit we wrote; one without it is somebody else's.
MARK: Final = "# Written by `skep service install`; changes are lost when it is run again."
#: The line by which a unit names its home.
_HOME: Final = re.compile(r'^Environment="SKEP_HOME=(.*)"$', re.MULTILINE)
#: Seconds systemd waits beyond the grace that running tasks get.
_BEYOND_GRACE_S: Final = 30

_UNIT: Final = """\
{mark}
[Unit]
Description=Skep works through the queue of {home_text}
StartLimitIntervalSec=300
StartLimitBurst=10

[Service]
Type=exec
ExecStart={skep} up
WorkingDirectory={directory}
Environment={environment}
Restart=on-failure
RestartSec=2
KillMode=mixed
TimeoutStopSec={stop_s}
UMask=0077
LimitCORE=0
OOMPolicy=continue
# What a user's own service manager can enforce without privileges. Namespaces stay allowed: sandboxes for
# commands are made of them.
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK

[Install]
WantedBy=default.target
"""


def render_unit(home: Home, settings: Settings) -> str:
    """The unit's text. Raises `InvalidSetting` for a home that a unit cannot name."""
    root = str(home.root)
    if any(ord(character) < 32 for character in root):
        raise InvalidSetting(
            f"{root!a}: a unit cannot name a directory with control characters", setting="home"
        )
    return _UNIT.format(
        mark=MARK,
        home_text=root.replace("%", "%%"),
        skep=quote(_skep()),
        directory=root.replace("%", "%%"),
        environment=quote(f"SKEP_HOME={root}"),
        stop_s=round(settings.stop_grace_s) + _BEYOND_GRACE_S,
    )


def quote(text: str) -> str:
    """A word of a unit file: in double quotes, with what systemd would expand made plain."""
    for special, plain in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%")):
        text = text.replace(special, plain)
    return f'"{text}"'


def home_of(unit: str) -> str | None:
    """The home whose daemon a unit of ours runs; none where it names none."""
    found = _HOME.search(unit)
    return None if found is None else re.sub(r"\\(.)", r"\1", found[1]).replace("%%", "%")


def _skep() -> str:
    """The console command of this very environment."""
    beside = Path(sys.executable).with_name("skep")
    return str(beside) if beside.exists() else shutil.which("skep") or str(beside)
