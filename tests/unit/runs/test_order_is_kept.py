"""Scheduler, resolver and queue of a run."""

from __future__ import annotations

import importlib
import inspect
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from run_contract import errors
from run_contract.records import Run, RunState, RunTask, TaskError, TaskState
from runs import contracts
from runs.dependency_resolver import DependencyResolver
from runs.factory import new_run
from runs.queue_manager import QueueManager
from runs.scheduler import Scheduler
from testing.runs import answer, states, task


def running(*graph: tuple[str, ...], **fields: Any) -> Run:
    """A run of these tasks that runs."""
    run = new_run("r", [task(*each, **fields) for each in graph])
    run.state = RunState.RUNNING
    return run


# -- contracts ---------------------------------------------------------------------------------------------

COMPONENTS = {
    "Scheduler": "runs.scheduler", "DependencyResolver": "runs.dependency_resolver",
    "ParallelExecutor": "runs.parallel_executor", "QueueManager": "runs.queue_manager",
    "Orchestrator": "runs.orchestrator", "TokenEstimator": "cost.token_estimator",
    "CostCalculator": "cost.cost_calculator", "BudgetEnforcer": "cost.budget_enforcer",
    "UsageTracker": "cost.usage_tracker", "ModelCatalog": "cost.model_catalog",
    "ContextBuilder": "context.context_builder", "ContextCompactor": "context.context_compactor",
    "ContextRouter": "context.context_router", "MemoryManager": "context.memory_manager",
}  # fmt: skip


@pytest.mark.parametrize(("name", "module"), COMPONENTS.items())
def test_a_component_has_all_that_its_contract_asks_for(name, module) -> None:
    contract = vars(getattr(contracts, name))
    made = getattr(importlib.import_module(module), name)

    asked = {each for each, what in contract.items() if callable(what) and not each.startswith("_")}
    assert asked
    for each in asked:
        assert inspect.signature(getattr(made, each)).parameters.keys() >= (
            inspect.signature(contract[each]).parameters.keys()
        )


# -- scheduler ---------------------------------------------------------------------------------------------


class TestScheduler:
    @pytest.mark.parametrize("method", ["next_ready", "mark_complete"])
    def test_no_run_is_invalid_input(self, method) -> None:
        more = ("a", None) if method == "mark_complete" else ()
        with pytest.raises(errors.InvalidInput):
            getattr(Scheduler(), method)(None, *more)

    @pytest.mark.parametrize(
        "state", [RunState.PENDING, RunState.COMPLETED, RunState.FAILED, RunState.ABORTED]
    )
    def test_a_run_that_does_not_run_schedules_nothing(self, state) -> None:
        run = running(("a",))
        run.state = state
        for schedule in (
            lambda: Scheduler().next_ready(run),
            lambda: Scheduler().mark_complete(run, "a", None),
        ):
            with pytest.raises(errors.RunCompleted):
                schedule()

    def test_no_graph_is_invalid_and_no_tasks_are_nothing(self) -> None:
        with pytest.raises(errors.DagInvalid):
            Scheduler().next_ready(Run("r", state=RunState.RUNNING))
        assert Scheduler().next_ready(running()) == []

    def test_ready_tasks_come_sorted_by_their_ids(self) -> None:
        run = running(("c",), ("a",), ("b",), ("t10",), ("t2",))
        run.tasks["b"].state = TaskState.READY

        assert Scheduler().next_ready(run) == ["a", "b", "c", "t10", "t2"]

    @pytest.mark.parametrize("state", ["completed", "failed", "skipped", "running"])
    def test_what_runs_or_has_ended_is_not_ready(self, state) -> None:
        run = running(("a",))
        run.tasks["a"].state = TaskState(state)

        assert Scheduler().next_ready(run) == []

    @pytest.mark.parametrize("state", ["completed", "failed", "skipped"])
    def test_a_task_ends_once(self, state) -> None:
        run = running(("a",))
        run.tasks["a"].state = TaskState(state)
        with pytest.raises(errors.TaskNotReady):
            Scheduler().mark_complete(run, "a", None)

    def test_an_unknown_task_is_not_found(self) -> None:
        with pytest.raises(errors.TaskNotFound):
            Scheduler().mark_complete(running(("a",)), "b", None)

    @pytest.mark.parametrize("state", ["pending", "ready", "running"])
    def test_a_task_completes_with_its_result_and_lets_go(self, state) -> None:
        run = running(("a",), ("b", "a"), ("c", "a", "b"))
        run.tasks["a"].state = TaskState(state)

        released = Scheduler().mark_complete(run, "a", answer("x"))

        assert (released.ready, released.skipped) == (["b"], [])
        assert run.tasks["a"].outputs == answer("x")
        assert [run.dag.nodes[name].pending for name in "abc"] == [0, 0, 1]  # type: ignore[union-attr]

    def test_a_diamond_is_released_step_by_step(self) -> None:
        run, scheduler = running(("1",), ("2a", "1"), ("2b", "1"), ("3", "2a", "2b")), Scheduler()
        seen = [scheduler.next_ready(run)]
        for name in ("1", "2a", "2b", "3"):
            scheduler.mark_complete(run, name, None)
            seen.append(scheduler.next_ready(run))

        assert seen == [["1"], ["2a", "2b"], ["2b"], ["3"], []]

    def test_a_failure_skips_all_that_needs_it_by_distance_and_id(self) -> None:
        run = running(("a",), ("d", "a"), ("b", "a"), ("c", "b", "d"), ("x",))

        released = Scheduler().mark_failed(run, "a", TaskError("execution_failed", "no"))

        assert released.skipped == ["b", "d", "c"]
        assert states(run) == ["failed", "skipped", "skipped", "skipped", "pending"]
        assert run.tasks["b"].error == TaskError("dependency_failed", "it needs a, which did not complete")
        assert run.ended == 4

    def test_who_needs_any_waits_for_all_to_end_and_one_to_complete(self) -> None:
        run, scheduler = running(("a",), ("b",), ("j", "a", "b"), needs="any"), Scheduler()

        assert scheduler.mark_failed(run, "a", TaskError("x", "x")).ready == []
        assert scheduler.mark_complete(run, "b", None).ready == ["j"]

    def test_who_needs_any_is_skipped_where_none_completed(self) -> None:
        run, scheduler = running(("a",), ("b",), ("j", "a", "b"), needs="any"), Scheduler()
        scheduler.mark_failed(run, "a", TaskError("x", "x"))

        assert scheduler.mark_skipped(run, "b", TaskError("x", "x")).skipped == ["j"]


# -- dependency resolver -----------------------------------------------------------------------------------


def graph(*tasks: tuple[str, ...]):
    return DependencyResolver().build_dag([RunTask(each[0], deps=list(each[1:])) for each in tasks])


class TestDependencyResolver:
    def test_nothing_is_an_empty_graph_and_no_list_is_invalid(self) -> None:
        assert (graph().nodes, graph().edges) == ({}, {})
        with pytest.raises(errors.InvalidInput):
            DependencyResolver().build_dag(None)

    def test_a_chain_has_its_edges_and_counts(self) -> None:
        dag = graph(("1",), ("2", "1"), ("3", "2"))

        assert {name: (node.deps, node.next, node.pending) for name, node in dag.nodes.items()} == {
            "1": ([], ["2"], 0), "2": (["1"], ["3"], 1), "3": (["2"], [], 1),
        }  # fmt: skip
        assert dag.edges == {"1": ["2"], "2": ["3"], "3": []}

    def test_a_diamond_and_the_order_of_dependencies(self) -> None:
        dag = graph(("1",), ("2", "1"), ("3", "1"), ("4", "3", "1", "2"))

        assert dag.nodes["1"].next == ["2", "3", "4"]
        assert (dag.nodes["4"].deps, dag.nodes["4"].pending) == (["3", "1", "2"], 3)

    def test_a_missing_dependency_is_named(self) -> None:
        with pytest.raises(errors.DepNotFound, match="task X depends on Y, which is not there"):
            graph(("X", "Y"))

    def test_an_id_that_stands_twice_is_refused(self) -> None:
        with pytest.raises(errors.DagInvalid, match="two tasks have the id X"):
            graph(("X", "A"), ("X",), ("A",))

    @pytest.mark.parametrize("name", ["", "../../evil", ".hidden", "a b", "x" * 129, "a\nb", "é"])
    def test_what_is_no_id_is_refused(self, name) -> None:
        with pytest.raises(errors.DagInvalid, match="is no id"):
            graph((name,))

    def test_a_dependency_that_is_named_twice_counts_once(self) -> None:
        dag = graph(("A",), ("B", "A", "A"))

        assert (dag.nodes["B"].pending, dag.nodes["A"].next) == (1, ["B"])

    @pytest.mark.parametrize(
        ("tasks", "circle"),
        [
            ([("1", "1")], "1 -> 1"),
            ([("1", "2"), ("2", "1")], "1 -> 2 -> 1"),
            ([("1", "3"), ("2", "1"), ("3", "2")], "1 -> 2 -> 3 -> 1"),
            ([("0",), ("x", "0"), ("1", "2", "0"), ("2", "1"), ("9", "2")], "1 -> 2 -> 1"),
        ],
    )
    def test_a_circle_is_named(self, tasks, circle) -> None:
        with pytest.raises(errors.DagCycle, match=rf"circle: {circle}$"):
            DependencyResolver().validate(graph(*tasks))

    def test_of_a_large_circle_both_ends_are_told_and_how_many_more_there_are(self) -> None:
        last = 9_999
        around = [(f"{n:04}", f"{(n - 1) % (last + 1):04}") for n in range(last + 1)]
        with pytest.raises(errors.DagCycle) as refused:
            DependencyResolver().validate(graph(*around))
        told = refused.value.message
        assert "circle: 0000 -> 0001 -> " in told
        assert "0009 -> (9,981 more) -> 9991 ->" in told
        assert told.endswith(" -> 9999 -> 0000")
        assert len(told) < 300

    @pytest.mark.parametrize(
        "tasks",
        [
            [],
            [("1",), ("2", "1")],
            [("1",), ("2",)],
            [("1",), ("2", "1"), ("3", "1"), ("4", "2", "3"), ("5", "1", "4")],
        ],
    )
    def test_a_graph_without_one_is_fine(self, tasks) -> None:
        DependencyResolver().validate(graph(*tasks))

    def test_a_chain_of_ten_thousand_needs_no_deep_stack(self) -> None:
        dag = graph(("0",), *((str(n), str(n - 1)) for n in range(1, 10_000)))

        DependencyResolver().validate(dag)
        assert sum(node.pending for node in dag.nodes.values()) == 9_999

    def test_no_graph_and_half_a_graph_are_refused(self) -> None:
        with pytest.raises(errors.InvalidInput):
            DependencyResolver().validate(None)
        broken = graph()
        broken.edges = None
        with pytest.raises(errors.DagInvalid):
            DependencyResolver().validate(broken)


# -- queue manager -----------------------------------------------------------------------------------------


class TestQueueManager:
    def test_an_empty_queue_gives_nothing(self) -> None:
        assert QueueManager().dequeue() == ("", False)

    def test_it_gives_by_priority_then_by_id(self) -> None:
        queue = QueueManager()
        for name, priority in [("b", 0), ("a", 0), ("low", -1), ("high", 5), ("", 0)]:
            queue.enqueue(name, priority)

        assert len(queue) == 5
        assert [queue.dequeue()[0] for _ in range(5)] == ["high", "", "a", "b", "low"]

    def test_many_threads_lose_nothing(self) -> None:
        queue = QueueManager()
        with ThreadPoolExecutor(20) as pool:
            list(pool.map(lambda n: queue.enqueue(f"t{n}"), range(100)))
            found = list(pool.map(lambda _: queue.dequeue(), range(100)))

        assert sorted(found) == sorted((f"t{n}", True) for n in range(100))
        assert len(queue) == 0
