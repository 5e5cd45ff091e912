"""From a list of tasks to a graph that is one: every dependency is there, no id twice, no circle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from run_contract import round_waits
from run_contract.errors import DagCycle, DagInvalid, DepNotFound, InvalidInput
from run_contract.records import ENDED, ID, Dag, DagNode, Run, RunTask
from run_contract.shapes import Shape, deps_of, firsts
from runs import contracts, task_shapes

#: Ids of a circle that are told at its beginning, and at its end.
_TOLD: Final = 10


class DependencyResolver:
    """Builds graphs and checks them. Keeps nothing itself."""

    def build_dag(self, tasks: Sequence[RunTask] | None) -> Dag:
        """The graph of the tasks; a dependency that is named twice counts once.

        A task that waits for itself is a node here, and a circle to `validate`.
        Raises `InvalidInput`, `DagInvalid` for an id that is used twice or is none, `DepNotFound`.
        """
        if tasks is None:
            raise InvalidInput("no tasks to build a graph of")
        dag = Dag()
        self.extend(dag, tasks)
        return dag

    def extend(self, dag: Dag, tasks: Sequence[RunTask]) -> None:
        """Add tasks to a graph; they may wait for those in it and for each other. Raises as `build_dag`.

        A graph that was refused is not changed.
        """
        fresh = self._nodes(dag, tasks)
        for node in fresh.values():
            for dep in node.deps:
                if dep not in fresh and dep not in dag.nodes:
                    raise DepNotFound(f"task {node.id} depends on {dep}, which is not there")
        dag.nodes.update(fresh)
        dag.edges.update({name: [] for name in fresh})
        for node in fresh.values():
            for dep in node.deps:
                dag.nodes[dep].next.append(node.id)
                dag.edges[dep].append(node.id)

    @staticmethod
    def _nodes(dag: Dag, tasks: Iterable[RunTask]) -> dict[str, DagNode]:
        found: dict[str, DagNode] = {}
        for task in tasks:
            if task.id in found or task.id in dag.nodes:
                raise DagInvalid(f"two tasks have the id {task.id}")
            if not ID.fullmatch(task.id):
                raise DagInvalid(
                    f"{ascii(task.id)[:80]} is no id: letters, digits, dots, underlines and hyphens only, "
                    "beginning with a letter or digit, at most 128"
                )
            deps = list(dict.fromkeys(task.deps))
            found[task.id] = DagNode(task.id, deps, pending=len(deps))
        return found

    def validate(self, dag: Dag | None) -> None:
        """Raise where the graph has a circle, which is named: `DagCycle`, `InvalidInput`, `DagInvalid`.

        Kahn's way: what can never be taken away stands in a circle or behind one.
        """
        if dag is None:
            raise InvalidInput("no graph to check")
        if None in (dag.nodes, dag.edges):
            raise DagInvalid("the graph has no nodes or no edges")
        waits = dict.fromkeys(dag.nodes, 0)
        for node in dag.nodes.values():
            for after in node.next or ():
                if after in waits:
                    waits[after] += 1
        free = [name for name, count in waits.items() if not count]
        for name in free:  # grows while it is read
            for after in dag.nodes[name].next or ():
                if after in waits:
                    waits[after] -= 1
                    if not waits[after]:
                        free.append(after)
        if len(free) < len(waits):
            raise DagCycle(_circle(dag, {name for name, count in waits.items() if count}))


def _circle(dag: Dag, stuck: set[str]) -> str:
    """One circle among nodes that wait for each other, in words."""
    before = {after: name for name in sorted(stuck) for after in dag.nodes[name].next or () if after in stuck}
    path = {min(stuck): 0}
    at = min(stuck)
    while (back := before[at]) not in path:
        path[back] = len(path)
        at = back
    circle = [*[*path][path[back] :], back][::-1]
    left = len(circle) - 2 * _TOLD
    if left > 1:
        circle[_TOLD:-_TOLD] = [f"({left:,} more)"]
    return f"tasks wait for each other in a circle: {' -> '.join(circle)}"


def enter(
    run: Run,
    tasks: Sequence[RunTask],
    resolver: contracts.DependencyResolver,
    there: Mapping[str, Shape] | None = None,
) -> None:
    """Put tasks into a run and its graph; what they wait for may have ended. Raises as `extend`.

    `there`: those whose rounds they may wait for, or that their own rounds may do again.
    """
    if run.dag is None:
        run.dag = Dag()
    resolver.extend(run.dag, tasks)
    for task in tasks:
        run.tasks[task.id] = task
        node = run.dag.nodes[task.id]
        task.deps = list(node.deps)
        node.pending = sum(_is_open(run, dep) for dep in node.deps)
    _wait_for_rounds(run, run.dag, tasks, there or {})


def _wait_for_rounds(run: Run, dag: Dag, tasks: Sequence[RunTask], there: Mapping[str, Shape]) -> None:
    """Have those wait for the end of rounds that go on, and that depend on a part of them."""
    fresh = task_shapes.shapes_in_memory({task.id: task for task in tasks})
    shapes = {**there, **fresh}
    rounds = firsts(shapes)
    if not rounds:
        return
    waits, parts = round_waits.beside_with_parts(deps_of(shapes), rounds)
    dag.rounds |= parts
    for name in fresh:
        _wait_beside(dag, name, [last for last in waits.get(name, ()) if _is_open(run, last)])


def _wait_beside(dag: Dag, name: str, ends: Sequence[str]) -> None:
    dag.nodes[name].pending += len(ends)
    for last in ends:
        dag.nodes[last].beside.append(name)


def _is_open(run: Run, dep: str) -> bool:
    found = run.tasks.get(dep)
    return found is None or found.state not in ENDED
