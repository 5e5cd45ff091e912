"""Plans for tests of the store: a claimed task split into parts that wait for each other as a test says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from store import planning
from store.records import Claim, NewTask
from store.sqlite_store import SqliteStore
from testing.tasks import new_task


def plan_of(claim: Claim, edges: Sequence[Sequence[int]]) -> planning.NewPlan:
    """A plan with a part for each entry of `edges`, which are the places of the parts it waits for."""

    def make(ids: Sequence[str]) -> list[NewTask]:
        return [
            new_task(id=name, prompt=f"part {name}", depends_on=[ids[place] for place in after])
            for name, after in zip(ids, edges, strict=True)
        ]

    def names() -> Iterator[list[str]]:
        for stem in (claim.id, f"{claim.id}.again", f"{claim.id}.again2"):
            yield [f"{stem}.{number}" for number in range(1, len(edges) + 1)]

    return planning.NewPlan(make, names(), {"goal": f"goal of {claim.id}"}, 4, ["list"], "score 4")


def split(store: SqliteStore, claim: Claim, *edges: Sequence[int]) -> bool:
    """Split a claimed task."""
    plan = plan_of(claim, edges)
    return store.write(lambda tx: planning.enter_plan(tx, claim, plan, store.limits))
