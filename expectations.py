"""What the answer of a task must satisfy, and whether that can be judged at all.

A task whose `expect` nobody could ever judge would be paid for and then asked about, so it is refused where
it comes in. Only what is cheap is looked at here: a schema is never applied, and nothing is fetched or opened
for it. What may still take for ever is left to the critics, which have bounds.
"""

from __future__ import annotations

import functools
import itertools
import json
import os.path
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Final, Literal, cast

import pydantic
from pydantic import ConfigDict, Field, StrictBool, StrictStr

import schema_references
from errors import InvalidTask
from task_errors import shorten


def as_list(value: object) -> object:
    """One text as a list of one; anything else as it is."""
    return [value] if isinstance(value, str) else value


def _as_commands(value: object) -> object:
    """One command as a list of one."""
    is_one = isinstance(value, list) and bool(value) and all(isinstance(word, str) for word in value)
    return [value] if is_one else value


Texts = Annotated[list[StrictStr], pydantic.BeforeValidator(as_list)]
Argv = Annotated[list[StrictStr], Field(min_length=1)]
#: Commands that one task's result may be checked with.
MOST_COMMANDS: Final = 10
Commands = Annotated[list[Argv], pydantic.BeforeValidator(_as_commands), Field(max_length=MOST_COMMANDS)]


class Expect(pydantic.BaseModel):
    """What the answer of a task must satisfy before it can be approved."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    #: files that must exist in the workspace afterwards, relative to it
    files: Texts = []
    #: the answer must be of this format
    format: Literal["json"] | None = None
    #: the answer, read as JSON, must satisfy this JSON Schema (draft 2020-12)
    json_schema: dict[str, Any] | None = Field(default=None, alias="schema")
    #: texts the answer must contain, letter by letter
    contains: Texts = []
    #: texts the answer must not contain
    not_contains: Texts = []
    #: true: the answer is Python that compiles; or the workspace files that must compile
    python_compiles: StrictBool | Texts = False
    #: commands that must end with exit code 0 afterwards, such as a test run; each a list of arguments
    commands: Commands = []


#: What most tasks expect. One object for all of them: a default is copied for every task.
NO_EXPECT: Final = Expect()

#: Schemas whose verdict is remembered: many tasks of a file tend to have the same.
_SCHEMAS_KEPT: Final = 1024
#: Errors of a schema among which the best to tell is looked for.
_ERRORS_SEEN: Final = 10
_LONGEST_TOLD: Final = 200
_EMPTY: Final = "must not be empty"
#: Items of a list of names from which on comparing what is no name would take too long.
_MANY: Final = 16


def check_expect(expect: Expect, path: str) -> None:
    """Raise `InvalidTask` naming the field below `path` where nobody could ever judge what is expected."""
    for field in ("contains", "not_contains"):
        for number, text in enumerate(getattr(expect, field)):
            if not text:
                raise _wrong(f"{path}.{field}[{number}]", _EMPTY)
    compiled = expect.python_compiles if isinstance(expect.python_compiles, list) else []
    for field, names in (("files", expect.files), ("python_compiles", compiled)):
        check_files((f"{path}.{field}[{number}]", name) for number, name in enumerate(names))
    if expect.json_schema is not None:
        trouble = _trouble_of(json.dumps(expect.json_schema))
        if trouble is not None:
            raise _wrong(f"{path}.schema", trouble)


def check_files(named: Iterable[tuple[str, str]]) -> None:
    """Raise `InvalidTask` for the first path of a field whose name is none of a file of the workspace."""
    for path, name in named:
        if not name:
            raise _wrong(path, _EMPTY)
        if not _may_be_of_workspace(name):
            raise _wrong(path, f"must be a file of the workspace, relative to it, got {shorten(name)}")


def _wrong(path: str, rule: str) -> InvalidTask:
    return InvalidTask(f"{path}: {rule}", path=path)


def _may_be_of_workspace(name: str) -> bool:
    """Whether a name can be one of a file beneath the workspace; where its links lead is not looked at."""
    is_name = "\0" not in name and not Path(name).is_absolute()
    return is_name and Path(os.path.normpath(name)).parts[:1] not in {(), ("..",)}


@functools.lru_cache(maxsize=_SCHEMAS_KEPT)
def _trouble_of(text: str) -> str | None:
    """Why a schema, as JSON, is none that an answer can be held to; or none."""
    schema = json.loads(text)
    try:
        if _has_many_that_are_no_names(schema):
            return "is not a JSON Schema: a list of names holds what is no name"
        return _broken_rule(schema) or schema_references.trouble_of(schema)
    except RecursionError:
        return "is nested too deeply"


def _has_many_that_are_no_names(schema: object) -> bool:
    """Whether a list that must hold names without twins holds much else: finding the twins takes minutes."""
    if isinstance(schema, list):
        return any(map(_has_many_that_are_no_names, schema))
    if not isinstance(schema, dict):
        return False
    listed = [schema.get("type"), schema.get("required")]
    dependent = schema.get("dependentRequired")
    listed += dependent.values() if isinstance(dependent, dict) else ()
    return any(map(_is_long_and_mixed, listed)) or any(map(_has_many_that_are_no_names, schema.values()))


def _is_long_and_mixed(names: object) -> bool:
    is_long = isinstance(names, list) and len(names) > _MANY
    return is_long and not all(isinstance(each, str) for each in cast("list[object]", names))


def _broken_rule(schema: dict[str, Any]) -> str | None:
    """What of a schema breaks the rules of draft 2020-12, its patterns included; or none."""
    import jsonschema  # noqa: PLC0415  large, and few tasks have a schema

    judge = jsonschema.Draft202012Validator
    rules = judge(judge.META_SCHEMA, format_checker=judge.FORMAT_CHECKER)
    error = jsonschema.exceptions.best_match(itertools.islice(rules.iter_errors(schema), _ERRORS_SEEN))
    if error is None:
        return None
    message = ascii(error.message)[1:-1]
    cut = "..." if len(message) > _LONGEST_TOLD else ""
    return f"is not a JSON Schema (draft 2020-12): at {error.json_path}: {message[:_LONGEST_TOLD]}{cut}"
