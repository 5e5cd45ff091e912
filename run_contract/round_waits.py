"""Who waits for rounds beside what it depends on: tasks that depend on a step which may be done again. Pure.

The answer of such a step is only known when its rounds have ended, so whoever depends on it without being a
part of the rounds waits for their end as well, however that is, and is told what the last of them gave.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def beside(deps: Mapping[str, Sequence[str]], rounds: Mapping[str, str]) -> dict[str, list[str]]:
    """The tasks that wait for rounds, each with the tasks that end those.

    Where the rounds themselves wait for such a task, by way of other rounds, it does not wait for them.

    Parameters:
        deps: what each task depends on; what is not there itself is passed over.
        rounds: the tasks that are repeated with others before them, each with the one that begins a round.
    """
    return beside_with_parts(deps, rounds)[0]


def beside_with_parts(
    deps: Mapping[str, Sequence[str]], rounds: Mapping[str, str]
) -> tuple[dict[str, list[str]], dict[str, frozenset[str]]]:
    """The same (`beside`), with what rounds do again, by the tasks that end them and without those."""
    found: dict[str, list[str]] = {}
    parts: dict[str, frozenset[str]] = {}
    if not rounds:
        return found, parts
    after: dict[str, list[str]] = {}
    for name, own in deps.items():
        for dep in dict.fromkeys(own):
            after.setdefault(dep, []).append(name)
    for last, first in sorted(rounds.items()):
        before = _reached(last, deps, found)
        parts[last] = (before & _reached(first, after, {})) - {last}
        for name in sorted({each for step in parts[last] for each in after.get(step, ())} - before):
            if last not in deps[name]:
                found.setdefault(name, []).append(last)
    return found, parts


def _reached(
    name: str, ways: Mapping[str, Sequence[str]], more: Mapping[str, Sequence[str]]
) -> frozenset[str]:
    """A task, and all that one comes to from it."""
    seen, left = {name}, [name]
    while left:
        at = left.pop()
        new = [each for each in (*ways.get(at, ()), *more.get(at, ())) if each not in seen]
        seen.update(new)
        left += new
    return frozenset(seen)
