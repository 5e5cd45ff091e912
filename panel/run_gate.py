"""Which tasks of a run the safety gateway would not let run, told before the run is started."""

from __future__ import annotations

from typing import Any, Final

from panel.api.describing import TEXT, list_of, shape
from panel.context import Panel
from redaction import clean
from store.runs import NewRun

#: Tasks that the gateway is asked about.
MOST_LOOKED_AT: Final = 50
#: How what `blocked_of` tells is described.
BLOCKED: Final[dict[str, Any]] = list_of(shape(task=TEXT, reason=TEXT))


def blocked_of(
    here: Panel, made: NewRun, kept: frozenset[str] = frozenset(), first: str = ""
) -> list[dict[str, str]]:
    """Of the tasks those that would not run, each with the reason; `MOST_LOOKED_AT` are looked at.

    Parameters:
        kept: tasks whose answers are kept, which do not run.
        first: the task that is looked at before the others.
    """
    anew = sorted((each for each in made.tasks if each.id not in kept), key=lambda each: each.id != first)
    found = []
    for each in anew[:MOST_LOOKED_AT]:
        why = here.foreteller.blocked(each.new.task)
        if why is not None:
            found.append({"task": each.id, "reason": clean(why)})
    return found
