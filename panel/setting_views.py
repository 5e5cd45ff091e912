"""The settings as the panel shows them: what each is, where that came from, and what it means."""

from __future__ import annotations

import os
from typing import Any, Final

import pydantic

from errors import InvalidSetting
from panel.context import Panel
from redaction import clean, clean_value
from setting_sources import load_settings
from settings import Settings
from settings_file import HEADINGS, bounds_of, toml_of

_DEFAULT: Final = "default"
#: From here on the digits of a number are grouped by underscores, as TOML allows; no port is so large.
_GROUPED: Final = 100_000
#: Sources that no file and no variable takes back while the panel runs.
_PINNED: Final = frozenset({"command line", "skep up"})


def settings_of(here: Panel) -> dict[str, Any]:
    """Every setting under its heading, as the panel runs with it, and what the next start will find."""
    following, trouble = _next(here)
    parts: list[dict[str, Any]] = []
    for name in Settings.model_fields:
        if name in HEADINGS or not parts:
            parts.append({"heading": HEADINGS.get(name, ""), "settings": []})
        parts[-1]["settings"].append(_setting(here, name, following))
    return {"parts": [part for part in parts if part["settings"]], "trouble": trouble}


def _next(here: Panel) -> tuple[Settings | None, str | None]:
    """What the files say now, for the next start; or why they cannot be read."""
    try:
        return load_settings(here.home, os.environ).settings, None
    except InvalidSetting as error:
        return None, clean(error.message)


def _setting(here: Panel, name: str, following: Settings | None) -> dict[str, Any]:
    field = Settings.model_fields[name]
    value, source = getattr(here.settings, name), here.sources.get(name, _DEFAULT)
    later = value if following is None or source in _PINNED else getattr(following, name)
    return {
        "name": name,
        "value": shown(value),
        "source": source,
        "default": shown(field.default),
        "meaning": field.description or "",
        "bounds": bounds_of(field),
        "next": None if later == value else shown(later),
    }


def shown(value: Any) -> str | None:
    """A value as a settings file would say it; none where it is not set.

    A secret is told only as that it is set; a port is a number as people know it.
    """
    if value is None:
        return None
    if isinstance(value, pydantic.SecretStr):
        return "set, and not shown"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _GROUPED:
        return str(value)
    return toml_of(clean_value(value))
