"""Reads ``config/commands.toml``: Skep's own, with the home's laid over it.

A mistake in a file is never passed over: it is an `InvalidSetting` that names the file, the key and the rule,
and nothing starts. What Skep's file says is never to be allowed, no other file can allow.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import pydantic
from pydantic import ConfigDict

from config_files import owned
from errors import InvalidSetting
from safety.command_compiler import Tables, compile_rules, explain
from safety.command_rules import CommandRules

FILE: Final = "config/commands.toml"
#: The one that ships with Skep.
SHIPPED: Final = Path(__file__).resolve().parents[1] / FILE
_SHIPPED_NAME: Final = f"Skep's {FILE}"


class CommandFile(pydantic.BaseModel):
    """A whole file, its entries not yet looked at."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    version: Literal[1] = 1
    #: programs that are refused whatever else is said, with the reason
    never: dict[str, str] = {}
    #: options that several entries have
    sets: dict[str, list[str]] = {}
    #: beginnings of entries
    templates: dict[str, Tables] = {}
    programs: dict[str, Tables] = {}
    profiles: dict[str, Tables] = {}


def read_rules(root: Path) -> tuple[CommandRules, dict[str, Tables]]:
    """The rules of a home, and the profiles that its file declares. Raises `InvalidSetting`."""
    path = root / FILE
    if not path.exists():
        return shipped_rules(), {}
    ours, theirs = _shipped(), _read(path, FILE)
    if path.samefile(SHIPPED):
        return shipped_rules(), theirs.profiles
    return rules_of(ours, theirs), theirs.profiles


@functools.cache
def shipped_rules() -> CommandRules:
    """The rules of a home that has no file of its own."""
    return rules_of(_shipped())


def rules_of(ours: CommandFile, theirs: CommandFile | None = None) -> CommandRules:
    """The rules of Skep's file, with another laid over it where one is given. Raises `InvalidSetting`."""
    if theirs is None:
        return compile_rules(_SHIPPED_NAME, ours.programs, ours.templates, ours.sets, ours.never)
    for name in theirs.programs.keys() & ours.never.keys():
        raise InvalidSetting(
            f"{FILE}: programs.{name} can never be allowed: {ours.never[name]}", setting=f"programs.{name}"
        )
    never = theirs.never | ours.never
    merged = lay_over(ours.programs, theirs.programs)
    return compile_rules(
        FILE,
        {name: entry for name, entry in merged.items() if name not in never},
        ours.templates | theirs.templates,
        ours.sets | theirs.sets,
        never,
    )


def parse(text: str, name: str) -> CommandFile:
    """The file that a text is. Raises `InvalidSetting`."""
    try:
        return CommandFile.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise InvalidSetting(f"{name}: {error}", setting=FILE) from error
    except pydantic.ValidationError as error:
        raise explain(error, name, "") from error


def _shipped() -> CommandFile:
    return parse(SHIPPED.read_text("utf-8"), _SHIPPED_NAME)


def _read(path: Path, name: str) -> CommandFile:
    try:
        text = owned.read(path, name).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSetting(f"{name}: {error}", setting=FILE) from error
    return parse(text, name)


def lay_over(ours: Mapping[str, Tables], theirs: Mapping[str, Tables]) -> dict[str, Tables]:
    """Each entry of theirs laid over ours of the same name; one with `use` or `replace` stands alone.

    Raises `InvalidSetting` where git's own entry would be lost.
    """
    merged = dict(ours)
    for name, entry in theirs.items():
        is_alone = "use" in entry or entry.get("replace") is True
        if is_alone and name == "git":
            raise InvalidSetting(
                f"{FILE}: programs.git cannot be replaced, for its options hold git to the repository; "
                "add to it",
                setting="programs.git",
            )
        kept = {key: value for key, value in entry.items() if key != "replace"}
        merged[name] = kept if is_alone else merge(ours.get(name, {}), kept)
    return merged


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> Tables:
    """Lists added to, tables laid over each other, anything else replaced."""
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        if isinstance(value, dict) and isinstance(under, dict):
            merged[key] = merge(under, value)
        elif isinstance(value, list) and isinstance(under, list):
            merged[key] = [*under, *(each for each in value if each not in under)]
        else:
            merged[key] = value
    return merged
