"""Makes rules of the entries of ``config/commands.toml``; its errors name the file, the key and the rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Literal, TypeVar

import pydantic
from pydantic import ConfigDict, Field

from errors import InvalidSetting
from safety.command_notation import Shape, Style, read_options, read_shape
from safety.command_rules import CommandRules, Effect, ProgramRule
from safety.work import Rights

Tables = dict[str, Any]
Made = TypeVar("Made")

_NAME: Final = re.compile(r"[A-Za-z0-9_\[][A-Za-z0-9_.+\[-]{0,63}", re.ASCII)


class Entry(pydantic.BaseModel):
    """One program, or a subcommand of one, as a file describes it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    about: str = Field("", description="what it does, in a line")
    allowed: bool = Field(True, description="false: described, and off until your file says true")
    style: Style = Field("options", description="how its arguments are read")
    options: list[str] = Field([], description="the options it may have; any other is refused")
    operators: list[str] = Field([], description="words that stand between, as `(` and `!` of find")
    arguments: str = Field("", description="what its other arguments are, in order")
    arguments_with: dict[str, str] = Field({}, description="the same, where an option is given")
    needs: list[str] = Field([], description="options of which one must be given")
    never: dict[str, str] = Field({}, description="options that no file can allow, with the reason")
    forced: list[str] = Field([], description="arguments that are put in front of those given")
    environment: dict[str, str] = Field(
        {}, description="variables it gets; `{workspace}` stands for the workspace"
    )
    workspace: Literal["read", "write"] = Field("read", description="whether it may write the workspace")
    git: Literal["read", "write"] = Field(
        "read", description="whether it may write `.git`; for subcommands of git alone"
    )
    needs_namespaces: bool = Field(False, description="true: it runs in the strongest sandbox only")
    approval: bool = Field(False, description="true: a person must agree to each command, word for word")
    effect: Effect = Field(
        "idempotent", description="what an interruption means: idempotent runs again, unsafe asks a person"
    )
    subcommands: dict[str, Entry] = Field(
        {}, description="tables like this one, by the word that comes first"
    )

    def under(self, program: Entry) -> Entry:
        """A subcommand's entry with what it has from its program."""
        update = {
            "never": program.never | self.never,
            "environment": program.environment | self.environment,
            "needs_namespaces": program.needs_namespaces or self.needs_namespaces,
            "approval": program.approval or self.approval,
        }
        return self.model_copy(update=update)


def compile_rules(
    file: str,
    programs: Mapping[str, Tables],
    templates: Mapping[str, Tables],
    sets: Mapping[str, Sequence[str]],
    never: Mapping[str, str],
) -> CommandRules:
    """The rules of all entries of a file. Raises `InvalidSetting`."""
    made = {}
    for name, tables in programs.items():
        compiler = _Compiler(file, sets)
        key = f"programs.{name}"
        if not _NAME.fullmatch(name):
            raise InvalidSetting(f"{file}: {key} is not the bare name of a program", setting=key)
        made[name] = compiler.rule(name, compiler.entry(tables, templates, key), key)
    return CommandRules(made, dict(never))


def explain(error: pydantic.ValidationError, file: str, key: str) -> InvalidSetting:
    """The first thing that is wrong with a table of a file."""
    found = error.errors(include_url=False)[0]
    where = ".".join(filter(None, [key, *map(str, found["loc"])]))
    rule = str(found["msg"]).replace("Input should be", "must be")
    if found["type"] == "extra_forbidden":
        rule = "is not a key that is known here"
        if found["loc"][-1] == "programs":
            rule += "; lines that begin with programs stand above the first [table] of a file"
    return InvalidSetting(f"{file}: {where} {rule}", setting=where)


class _Compiler:
    def __init__(self, file: str, sets: Mapping[str, Sequence[str]]) -> None:
        self._file = file
        self._sets = sets

    def entry(self, tables: Tables, templates: Mapping[str, Tables], key: str) -> Entry:
        """A table as an entry, begun with the template it names."""
        given = dict(tables)
        template = given.pop("use", None)
        if template is not None and template not in templates:
            known = ", ".join(sorted(templates))
            raise self._error(f"{key}.use", f"must be the name of a template: {known}")
        begun = dict(templates[template]) if template is not None else {}
        if "options" in begun and "options" in given:
            given["options"] = [*begun["options"], *given["options"]]
        try:
            return Entry.model_validate(begun | given)
        except pydantic.ValidationError as error:
            raise explain(error, self._file, key) from error

    def rule(self, name: str, entry: Entry, key: str) -> ProgramRule:
        """The rule of an entry and of its subcommands."""
        rule = ProgramRule(
            name=name,
            about=entry.about,
            is_allowed=entry.allowed,
            style=entry.style,
            options=self._try(f"{key}.options", lambda: read_options(entry.options, self._sets, entry.style)),
            operators=frozenset(entry.operators),
            arguments=self._shape(f"{key}.arguments", entry),
            arguments_with={
                option: self._try(f"{key}.arguments_with.{option}", partial(read_shape, text))
                for option, text in entry.arguments_with.items()
            },
            needs=tuple(entry.needs),
            never=entry.never,
            forced=tuple(entry.forced),
            environment=entry.environment,
            rights=self._rights(name, entry, key),
            effect=entry.effect,
            subcommands={
                word: self.rule(f"{name} {word}", each.under(entry), f"{key}.subcommands.{word}")
                for word, each in entry.subcommands.items()
            },
        )
        self._check(rule, key)
        return rule

    def _shape(self, key: str, entry: Entry) -> Shape:
        return self._try(
            key, lambda: read_shape(entry.arguments or ("text*" if entry.style == "plain" else ""))
        )

    def _rights(self, name: str, entry: Entry, key: str) -> Rights:
        if entry.git == "write" and not name.startswith("git "):
            raise self._error(f"{key}.git", "can be write for a subcommand of git alone")
        return Rights(
            workspace=entry.workspace,
            git=entry.git,
            needs_namespaces=entry.needs_namespaces,
            needs_person=entry.approval,
        )

    def _check(self, rule: ProgramRule, key: str) -> None:
        """Raise where an entry contradicts itself, or allows what is never allowed."""
        for option in sorted(rule.options.by_name.keys() & rule.never.keys()):
            raise self._error(
                f"{key}.options", f"has {option}, which can never be allowed: {rule.never[option]}"
            )
        for option in (*rule.needs, *rule.arguments_with):
            if option not in rule.options.by_name:
                raise self._error(key, f"speaks of {option}, which is not among its options")
        if rule.subcommands and (rule.options.by_name or rule.arguments.most != 0):
            raise self._error(key, "has subcommands, so options and arguments belong into their tables")

    def _try(self, key: str, read: Callable[[], Made]) -> Made:
        try:
            return read()
        except ValueError as error:
            raise self._error(key, str(error)) from error

    def _error(self, key: str, rule: str) -> InvalidSetting:
        return InvalidSetting(f"{self._file}: {key} {rule}", setting=key)
