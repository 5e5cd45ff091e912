"""Judging what could take for ever, or all memory: in a process of its own, under limits of the kernel.

A schema comes with the task and the answer with the model, so a pattern such as ``^(a+)+$`` or a schema that
refers to itself twice may meet just the answer that never ends; and a program may be compiled that takes a
thousand times its size. None of that may hold up the worker, which holds every other task.

This file is also the program of that process: it reads a question in JSON from its standard input and
answers in JSON. It imports nothing of Skep.
"""

from __future__ import annotations

import itertools
import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

#: Seconds of a core that judging may take, and of the clock.
CPU_S: Final = 5
WALL_S: Final = 10.0
#: Bytes of memory it may take.
MEMORY_BYTES: Final = 2**30
#: Bytes of a source text that is looked at.
MOST_SOURCE_BYTES: Final = 4_000_000

_PROGRAM: Final = (sys.executable, "-I", str(Path(__file__).resolve()))


class CannotTell(Exception):
    """It could not be judged within its limits, or at all; the message says why."""


def schema_errors(value: object, schema: dict[str, Any], most: int) -> list[str]:
    """Where a value is not as a JSON Schema (draft 2020-12) asks, and how, the first `most`.

    Raises `CannotTell`, also where the schema is none.
    """
    return _ask({"value": value, "schema": schema, "most": most}, "the schema")


def syntax_error(source: str, name: str) -> str | None:
    """Why a text is no Python that compiles, or none. Raises `CannotTell`."""
    if len(source) > MOST_SOURCE_BYTES:
        raise CannotTell(f"{name} is larger than {MOST_SOURCE_BYTES:,} bytes")
    return next(iter(_ask({"source": source, "name": name}, name)), None)


def _ask(question: dict[str, Any], what: str) -> list[str]:
    try:
        ran = subprocess.run(
            _PROGRAM, input=json.dumps(question).encode(), capture_output=True, timeout=WALL_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise CannotTell(f"{what} could not be judged within {WALL_S:g} seconds") from None
    except (OSError, RecursionError) as error:
        raise CannotTell(f"{what} could not be judged: {error}") from error
    try:
        answer = json.loads(ran.stdout)
    except ValueError:
        limits = f"{CPU_S} seconds of a core and {MEMORY_BYTES:,} bytes"
        raise CannotTell(f"{what} could not be judged within {limits}") from None
    if "cannot" in answer:
        raise CannotTell(str(answer["cannot"]))
    return [str(each) for each in answer["errors"]]


# -- in the process of its own -------------------------------------------------------------------------------


def _main() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    try:
        asked = json.load(sys.stdin)
        answer = _by_schema(asked) if "schema" in asked else _by_compiling(asked)
    except (MemoryError, RecursionError) as error:
        answer = {"cannot": f"it is nested too deeply or too large ({type(error).__name__})"}
    sys.stdout.write(json.dumps(answer))


def _by_schema(asked: dict[str, Any]) -> dict[str, Any]:
    import jsonschema  # noqa: PLC0415  large, and only this process needs it
    import referencing.jsonschema  # noqa: PLC0415

    try:
        jsonschema.Draft202012Validator.check_schema(asked["schema"])
    except jsonschema.SchemaError as error:
        return {"cannot": f"expect.schema is not a JSON Schema: {error.message}"}
    # With a registry of its own a validator fetches nothing: a $ref must not reach the network or a file.
    registry = referencing.jsonschema.EMPTY_REGISTRY
    found = jsonschema.Draft202012Validator(asked["schema"], registry=registry).iter_errors(asked["value"])
    try:
        return {"errors": [_told(each) for each in itertools.islice(found, asked["most"])]}
    except Exception as error:  # a $ref that leads nowhere, a pattern that is none
        return {"cannot": f"expect.schema cannot be applied: {str(error) or type(error).__name__}"}


def _told(error: Any) -> str:
    return f"at {error.json_path}: {error.message[:2000]}"


def _by_compiling(asked: dict[str, Any]) -> dict[str, Any]:
    try:
        compile(asked["source"], asked["name"], "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError) as error:
        line = f" in line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        return {"errors": [f"{asked['name']} is not Python that compiles{line}: {error}"]}
    return {"errors": []}


if __name__ == "__main__":
    _main()
