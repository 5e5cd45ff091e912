"""Doing one thing to several tasks: each is reported, one that cannot be done stops no other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import click

from commands import terminal
from commands.exits import FAILED, FINE, code_of, problem, sentence
from errors import SkepError, StoreError


def do_each(verb: str, ids: Iterable[str], do: Callable[[str], str], *, as_json: bool) -> int:
    """Do something to each id and tell what came of it; 1 if any could not be done.

    What concerns the store, not one task, is raised: `StoreError`.
    """
    told: list[dict[str, Any]] = []
    code = FINE
    for task_id in dict.fromkeys(ids):
        try:
            done = do(task_id)
        except StoreError:
            raise
        except SkepError as error:
            code = max(code, FAILED, code_of(error))
            told.append({"id": task_id, "ok": False, "error": problem(error)})
            terminal.note(f"skep {verb}: {sentence(error)}")
        else:
            told.append({"id": task_id, "ok": True, "result": done})
            if not as_json:
                click.echo(terminal.clean(done))
    if as_json:
        terminal.print_json({"results": told})
    return code
