"""Which Skep this is."""

from __future__ import annotations

import functools
import importlib.metadata


@functools.cache
def version() -> str:
    """The installed version; empty in a bare checkout."""
    try:
        return importlib.metadata.version("skep")
    except importlib.metadata.PackageNotFoundError:
        return ""
