"""Whether tasks fit into a run by their ids and their rounds, and which rounds they wait for. Pure.

The same at the start, for tasks that a request adds and for those that an answer asks for, and asked once
more in the transaction that adds them: what was there when they were read is not all that is there then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from run_contract import kept_ids, round_waits
from run_contract.kept_ids import Crossing
from run_contract.shapes import Shape, deps_of, firsts, part


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why a task does not fit."""

    #: of the task, which says so
    field: str
    #: for a person
    reason: str


def misfits(
    fresh: Mapping[str, Shape],
    there: Mapping[str, Shape] | None = None,
    places: Mapping[str, str] | None = None,
) -> dict[str, Misfit]:
    """Those of the fresh tasks that do not fit, in their order, each with the first reason.

    Parameters:
        there: the tasks of the run; an id that one of them has itself is none of the questions here.
        places: where fresh tasks stand in what is asked for, by their ids.
    """
    known = there or {}
    fresh = {name: each for name, each in fresh.items() if name not in known}
    kept = kept_ids.of({**known, **fresh})
    crossed = {each.name: each for each in kept_ids.crossings(fresh, known)}
    more = _needed(fresh, known) | _would_be_passed_over(fresh, known)
    found: dict[str, Misfit] = {}
    for name in fresh:
        owner = kept.owner(name)
        if owner is not None:
            found[name] = Misfit("id", kept_ids.told(name, owner))
        elif name in crossed:
            found[name] = _crossing(crossed[name], places or {})
        elif name in more:
            found[name] = more[name]
    return found


def _crossing(crossing: Crossing, places: Mapping[str, str]) -> Misfit:
    where = f"{places[crossing.other]}.repeat" if crossing.other in places else ""
    return Misfit("repeat", crossing.told(where))


def _needed(fresh: Mapping[str, Shape], known: Mapping[str, Shape]) -> dict[str, Misfit]:
    """Lists and rounds that need an id which a task of the run has, and which nobody there needs."""
    if all(each.first is None and not each.is_list for each in fresh.values()):
        return {}
    before, after = kept_ids.of(known), kept_ids.of({**known, **fresh})
    deps = deps_of({**known, **fresh})
    rounds: dict[str, str] = {}
    for name, each in fresh.items():
        if each.first is not None:
            rounds |= dict.fromkeys(part(name, each.first, deps), name)
    found = {}
    for name in known:
        owner = after.owner(name)
        if owner is not None and before.owner(name) is None:
            told = f"a task {name} is there already, whose id {owner} needs for itself"
            found[rounds.get(owner, owner)] = Misfit("repeat" if owner in rounds else "for_each", told)
    return found


def _would_be_passed_over(fresh: Mapping[str, Shape], known: Mapping[str, Shape]) -> dict[str, Misfit]:
    """Rounds that would do again what a task of the run depends on, which does not wait for their end.

    At the start it would. Added later they may come when it has begun, or has ended.
    """
    rounds = firsts(fresh)
    if not rounds or not known:
        return {}
    shapes = {**known, **fresh}
    deps = deps_of(shapes)
    found: dict[str, Misfit] = {}
    for name, ends in sorted(round_waits.beside(deps, firsts(shapes)).items()):
        if name not in known or known[name].part_of is not None:
            continue
        for last in ends:
            if last in rounds:
                own = part(last, rounds[last], deps)
                step = next(dep for dep in deps[name] if dep in own)
                found.setdefault(last, Misfit("repeat", _passed_over(name, step)))
    return found


def _passed_over(name: str, step: str) -> str:
    return (
        f"{name} is there already and depends on {step}, which these rounds would do again: it would not "
        f"wait for their end; let them begin after {step}, or give them at the start of a run"
    )


def waits(fresh: Mapping[str, Shape], there: Mapping[str, Shape]) -> dict[str, Sequence[str]]:
    """The fresh tasks that wait for rounds beside what they depend on, each with the tasks that end those."""
    shapes = {**there, **fresh}
    found = round_waits.beside(deps_of(shapes), firsts(shapes))
    return {name: ends for name, ends in found.items() if name in fresh}
