"""Reads the profiles that a person declares, in ``skep.toml`` or in ``config/commands.toml`` of the home.

    [profiles.agent]
    argv = ["~/.local/bin/agent", "--print", "--", "{prompt}"]

A mistake is an `InvalidSetting` that names the file, the key and the rule, and nothing starts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import pydantic
from pydantic import ConfigDict, Field

from errors import InvalidSetting
from path_names import expanded, real_path
from runtime_contract import PROFILE_PATTERN
from safety import prompt_places
from safety.command_compiler import Tables, explain
from safety.command_rules import Effect
from safety.profiles import Profile
from safety.programs import place_of
from safety.work import Rights
from settings import Home

_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
#: Variables that are made here, hold what is Skep's own, or make a program load another's code.
_NO_VARIABLES: Final = re.compile(r"PATH|LD_.*|DYLD_.*|SKEP_.*|BASH_ENV|ENV|IFS", re.ASCII)

Name = Annotated[str, Field(min_length=1, max_length=4096)]


class ProfileTable(pydantic.BaseModel):
    """A profile as a file declares it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    argv: list[Name] = Field(
        min_length=2,
        max_length=64,
        description="the program, by its bare name or its absolute path, and its arguments; one of them "
        "holds {prompt}, once",
    )
    description: str = Field("", description="what it is for")
    workspace: Literal["read", "write"] = Field("read", description="whether it may write the workspace")
    network: bool = Field(False, description="whether it reaches the network")
    read_paths: list[Name] = Field([], description="what else it sees, by absolute paths; ~ is your home")
    write_paths: list[Name] = Field([], description="what else it may write")
    environment_keys: list[str] = Field([], description="variables of the daemon that it gets, by name")
    timeout_s: float | None = Field(
        None, gt=0, le=604_800, description="the most seconds it may run, whatever task and settings say"
    )
    output_bytes: int | None = Field(
        None, ge=1024, le=2**40, description="the most bytes of its output that are kept"
    )
    approval: bool = Field(
        True, description="whether a person must agree to each task, word for word, before it runs"
    )
    effect: Effect = Field(
        "unsafe", description="what an interruption means: unsafe asks a person, idempotent runs again"
    )


def read_profiles(found: Mapping[str, Mapping[str, Tables]], home: Home) -> dict[str, Profile]:
    """The profiles of a home, from tables by the file each stands in. Raises `InvalidSetting`."""
    profiles: dict[str, Profile] = {}
    for file, tables in found.items():
        for name, table in tables.items():
            key = f"profiles.{name}"
            if name in profiles:
                raise InvalidSetting(f"{file}: {key} is declared twice; take one away", setting=key)
            profiles[name] = _Declaration(file, name, home).read(table)
    return profiles


class _Declaration:
    """One declaration; its errors name the file, the key and the rule."""

    def __init__(self, file: str, name: str, home: Home) -> None:
        self._file = file
        self._name = name
        self._home = home

    def read(self, table: Any) -> Profile:
        if not PROFILE_PATTERN.fullmatch(self._name):
            raise self._error("", f"must have a name that matches {PROFILE_PATTERN.pattern}")
        try:
            told = ProfileTable.model_validate(table)
        except pydantic.ValidationError as error:
            raise explain(error, self._file, f"profiles.{self._name}") from error
        argv = self._argv(told.argv)
        self._check_variables(told.environment_keys)
        rights = Rights(
            workspace=told.workspace,
            network=told.network,
            read_paths=self._paths("read_paths", told.read_paths),
            write_paths=self._paths("write_paths", told.write_paths),
            environment_keys=tuple(dict.fromkeys(told.environment_keys)),
            timeout_s=told.timeout_s,
            output_bytes=told.output_bytes,
            needs_namespaces=True,
            needs_person=told.approval,
        )
        return Profile(self._name, told.description, argv, rights, told.effect)

    def _argv(self, words: Sequence[str]) -> tuple[str, ...]:
        program, *arguments = words
        rule = prompt_places.complaint(words)
        if rule is not None:
            raise self._error("argv", rule)
        if any(not word.isprintable() for word in words):
            raise self._error("argv", "has a character that cannot be seen; remove it")
        return (self._program(program), *arguments)

    def _program(self, name: str) -> str:
        if "/" not in name:
            return place_of(name)
        path = expanded(name)
        if not path.is_absolute():
            raise self._error("argv", f"must begin with a bare name or an absolute path, not {name!r}")
        if path.is_relative_to(self._home.workspace):
            raise self._error(
                "argv", f"begins with {name!r}, which lies in the workspace; install it elsewhere"
            )
        return str(path)

    def _check_variables(self, names: Sequence[str]) -> None:
        for name in names:
            if not _VARIABLE.fullmatch(name):
                raise self._error("environment_keys", f"has {name!r}, which is not the name of a variable")
            if _NO_VARIABLES.fullmatch(name):
                raise self._error("environment_keys", f"has {name}, which is never handed on")

    def _paths(self, key: str, paths: Sequence[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._path(key, path) for path in paths))

    def _path(self, key: str, text: str) -> str:
        path = expanded(text)
        if not path.is_absolute() or ".." in path.parts:
            raise self._error(key, f"has {text!r}, which is not an absolute path (~ is your home)")
        real, root = real_path(path), real_path(self._home.root)
        if root.is_relative_to(real) or (
            real.is_relative_to(root) and not real.is_relative_to(real_path(self._home.workspace))
        ):
            raise self._error(
                key, f"has {text!r}, which opens Skep's own home, its token and its rules; name less"
            )
        return str(path)

    def _error(self, key: str, rule: str) -> InvalidSetting:
        where = ".".join(filter(None, ["profiles", self._name, key]))
        return InvalidSetting(f"{self._file}: {where} {rule}", setting=where)
