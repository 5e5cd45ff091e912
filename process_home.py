"""The home that a process of the daemon is started for."""

from __future__ import annotations

import os
import sys
from typing import Final

from config_files import own_home
from errors import InvalidSetting
from setting_sources import find_home
from settings import Home

#: exit code of a process that cannot work in the home it was told
CANNOT: Final = 3


def home_of(process: str, flag: str | None) -> Home:
    """The home that a flag or ``SKEP_HOME`` names, else the current directory; without one the process ends.

    `process`: its name, for the sentence on standard error that says why.
    """
    try:
        home = find_home(flag, os.environ)
        own_home.check_daemon(home.root)
    except InvalidSetting as error:
        sys.stderr.write(f"{process}: {error}\n")
        sys.exit(CANNOT)
    return home
