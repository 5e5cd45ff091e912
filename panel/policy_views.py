"""The policy in force as the panel shows it: rules, programs, profiles, words, each with its version."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from config_files.signature import changed_since
from errors import InvalidSetting
from panel.context import Panel
from panel.safety_rules import FILES
from redaction import clean, clean_value
from store import processes
from store.reading import Reader, event_of
from store.transaction import dump

if TYPE_CHECKING:
    from safety.command_rules import ProgramRule
    from safety.profiles import Profile

#: Events about the home that are looked through for a start of the daemon.
_WINDOW: Final = 2_000


def policy_of(here: Panel) -> dict[str, Any]:
    """What may be sent and run, as the home's files say now, or what is wrong with them."""
    return here.safety_rules.policy(lambda: _read(here)) | {"changed": _changed(here)}


def _read(here: Panel) -> dict[str, Any]:
    return {
        "constitution": _or_trouble(_constitution, here),
        "commands": _or_trouble(_commands, here),
    }


def _or_trouble(read: Any, here: Panel) -> dict[str, Any]:
    try:
        found: dict[str, Any] = clean_value(read(here))
    except InvalidSetting as error:
        return {"trouble": clean(error.message)}
    return found | {"trouble": None}


def _constitution(here: Panel) -> dict[str, Any]:
    from safety import constitution  # noqa: PLC0415  loaded when first asked for

    found = constitution.told(here.home.root)
    rules = [
        {
            "id": rule.id,
            "check": rule.check,
            "action": rule.action,
            "is_turned": rule.id in found.turned,
            "modes": list(rule.modes),
            "sentence": rule.sentence,
            "way_out": rule.way_out,
        }
        for rule in found.rules.values()
    ]
    return {
        "version": found.version,
        "rules": rules,
        "callables": list(found.callables),
        "words": found.words,
    }


def _commands(here: Panel) -> dict[str, Any]:
    from safety.command_policy import CommandPolicy  # noqa: PLC0415  loaded when first asked for

    policy = CommandPolicy.of_home(here.home, here.settings)
    return {
        "programs": [_program(rule) for _, rule in sorted(policy.rules.programs.items())],
        "never": dict(sorted(policy.rules.never.items())),
        "profiles": [_profile(each) for _, each in sorted(policy.profiles.items())],
    }


def _program(rule: ProgramRule) -> dict[str, Any]:
    subcommands = sorted(name for name, each in rule.subcommands.items() if each.is_allowed)
    return {
        "name": rule.name,
        "about": rule.about,
        "is_allowed": rule.is_allowed,
        "effect": rule.effect,
        "writes": rule.rights.workspace == "write",
        "network": rule.rights.network,
        "subcommands": subcommands,
    }


def _profile(profile: Profile) -> dict[str, Any]:
    rights = {
        field.name: getattr(profile.rights, field.name)
        for field in dataclasses.fields(profile.rights)
        if getattr(profile.rights, field.name) != field.default
    }
    return {
        "name": profile.name,
        "description": profile.description,
        "argv": list(profile.argv),
        "effect": profile.effect,
        "rights": {
            name: list(value) if isinstance(value, tuple) else value for name, value in rights.items()
        },
    }


def _changed(here: Panel) -> list[str]:
    """Files that are newer than the swarm that runs, which read them when it started."""
    started = last_start(here.reader, processes.SWARM)
    return [] if started is None else changed_since(here.home.root, FILES, started)


def last_start(reader: Reader, process: str) -> float | None:
    """When a process of the daemon started last, Unix seconds; none where that is long ago or never was."""
    rows = reader.all("home_events", kinds=dump(["daemon.started"]), window=_WINDOW, limit=20)
    for row in rows:
        if event_of(row).get("process") == process:
            return datetime.fromisoformat(row["ts"]).timestamp()
    return None
