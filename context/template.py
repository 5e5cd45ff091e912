"""References in a text: ``{{deps.A.output}}`` stands for what another task answered.

A reference names where its value comes from: ``deps.ID.output``, ``deps.ID.outputs.NAME``, ``inputs.KEY``,
``memory.KEY``, and in a task that is run over a list ``item`` and ``index``. One that nothing stands behind
is an error before anything is sent: a prompt with a hole in it costs as much as a good one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from run_contract.errors import InvalidInput

#: A reference, and the name in it.
_REFERENCE: Final = re.compile(r"\{\{\s*([A-Za-z0-9._-]{1,300})\s*\}\}")
#: Where a task's own answers are named from.
_OUTPUT: Final = re.compile(r"deps\.(.+?)\.(?:output|outputs\.(.+))")


def references(text: str) -> list[str]:
    """The names a text refers to, each once, in order."""
    if "{{" not in text:
        return []
    return list(dict.fromkeys(_REFERENCE.findall(text)))


def render(text: str, values: Mapping[str, str], show: Callable[[str, str], str] | None = None) -> str:
    """The text with its references filled in. What is filled in is not read again.

    Parameters:
        show: how a value is shown, given its name and itself; as it is by default.

    Raises `InvalidInput` naming a reference that stands for nothing.
    """
    if "{{" not in text:
        return text

    def fill(found: re.Match[str]) -> str:
        name = found[1]
        if name not in values:
            raise InvalidInput(f"{{{{{name}}}}} stands for nothing here")
        return values[name] if show is None else show(name, values[name])

    return _REFERENCE.sub(fill, text)


def dependency_of(name: str) -> tuple[str, str | None] | None:
    """The task whose answer a reference means, and the named output; none for another kind of reference."""
    found = _OUTPUT.fullmatch(name)
    return None if found is None else (found[1], found[2])


def renamed(text: str, names: Mapping[str, str]) -> str:
    """The text with its references to some tasks' answers meaning others, by their ids."""
    if "{{" not in text:
        return text

    def rename(found: re.Match[str]) -> str:
        means = dependency_of(found[1])
        if means is None or means[0] not in names:
            return found[0]
        return f"{{{{deps.{names[means[0]]}.{found[1][len(means[0]) + 6 :]}}}}}"

    return _REFERENCE.sub(rename, text)
