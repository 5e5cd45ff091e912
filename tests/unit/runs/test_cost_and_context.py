"""Cost and context of a run, component by component."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from config_files.models import ModelEntry
from context import context_compactor
from context.context_builder import ContextBuilder
from context.context_compactor import ContextCompactor
from context.context_router import ContextRouter
from context.memory_manager import MemoryManager
from cost.cost_calculator import CostCalculator
from cost.model_catalog import ModelCatalog, Place
from cost.token_estimator import TokenEstimator
from cost.usage_tracker import UsageTracker
from run_contract import errors
from run_contract.job import ContextBundle
from run_contract.policy import ContextPolicy
from run_contract.records import Run, RunState, TaskInput, TaskState, Usage
from runs.factory import new_run
from settings import Settings
from testing.runs import answer, fixed_catalog, task


def running(*graph: tuple[str, ...], **fields: Any) -> Run:
    """A run of these tasks that runs."""
    run = new_run("r", [task(*each, **fields) for each in graph])
    run.state = RunState.RUNNING
    return run


# -- cost --------------------------------------------------------------------------------------------------


class TestTokenEstimator:
    @pytest.mark.parametrize(
        ("prompt", "inputs", "tokens"),
        [
            ("", {}, 0), ("X", {}, 1), ("Hi", {}, 1), ("Hello, world!", {}, 3), ("x" * 7, {}, 1),
            ("x" * 8, {}, 2), ("x" * 16, {}, 4),
            ("Hello", {"key1": "value1", "key2": "value2"}, 4), ("жжжж", {}, 2),
        ],
    )  # fmt: skip
    def test_it_takes_four_bytes_for_one_and_never_none_for_some(self, prompt, inputs, tokens) -> None:
        assert TokenEstimator().estimate(TaskInput(prompt, inputs)) == tokens

    def test_context_counts(self) -> None:
        bundle = ContextBundle(["msg1", "msg2"], {"k": "data"}, {"t": "definition"})

        assert TokenEstimator().estimate(TaskInput("test"), bundle) == 6

    @pytest.mark.parametrize(
        ("ratio", "text", "tokens"), [(2, "Hello!", 3), (0, "x" * 8, 2), (-1, "x" * 8, 2)]
    )
    def test_another_ratio(self, ratio, text, tokens) -> None:
        assert TokenEstimator(ratio).estimate(TaskInput(text)) == tokens

    def test_no_input_is_refused(self) -> None:
        with pytest.raises(errors.InvalidInput):
            TokenEstimator().estimate(None)


NOWHERE = Place("", is_loopback=False, default_model=None)


class TestCostCalculator:
    @pytest.mark.parametrize(
        ("tokens", "model", "dollars"),
        [
            (0, "claude-3-haiku-20240307", 0), (1_000_000, "claude-3-haiku-20240307", 0.75),
            (1_000_000, "claude-sonnet-4-5-20250929", 9), (1_000_000, "claude-opus-4-5-20251101", 45),
            (100_000, "claude-3-haiku-20240307", 0.075), (1_000_000, "claude-3-5-sonnet-20240620", 9),
        ],
    )  # fmt: skip
    def test_tokens_cost_the_mean_of_both_prices(self, tokens, model, dollars) -> None:
        found = CostCalculator(fixed_catalog(), NOWHERE).estimate(tokens, model)

        assert found == dollars * 1_000_000

    @pytest.mark.parametrize(("role", "dollars"), [("flagship", 45), ("balanced", 9), ("fast", 0.75)])
    def test_a_role_costs_what_its_model_does(self, role, dollars) -> None:
        calculator = CostCalculator(fixed_catalog(), NOWHERE)

        assert calculator.estimate_by_role(1_000_000, role) == dollars * 1_000_000

    def test_an_unknown_model_or_role_is_named(self) -> None:
        calculator = CostCalculator(ModelCatalog(Settings(), []), NOWHERE)
        with pytest.raises(errors.ModelUnknown, match="'nobody'"):
            calculator.estimate(1, "nobody")
        with pytest.raises(errors.ModelUnknown, match="role fast"):
            calculator.estimate_by_role(1, "fast")

    def test_own_models_stand_in_place_of_the_others(self) -> None:
        catalog = ModelCatalog(Settings(), [ModelEntry(name="own", input=10, output=20)], {"fast": "own"})

        assert CostCalculator(catalog, NOWHERE).estimate_by_role(1_000_000, "fast") == 15_000_000
        assert catalog.names() == ["own"]
        assert catalog.model_of("flagship") is None

    def test_the_worst_case_is_every_byte_read_and_every_token_written(self) -> None:
        calculator = CostCalculator(fixed_catalog(), NOWHERE)

        assert calculator.worst_case(["x" * 400], "claude-3-haiku-20240307", 100) == 229  # (416 + 500) / 4


class TestUsageTracker:
    def test_tokens_add_up_and_money_is_left_to_the_enforcer(self) -> None:
        run, tracker = Run("r", usage=Usage(0, 5)), UsageTracker()
        for tokens in (500, 300, 200):
            tracker.add(run, Usage(tokens, 1_000))

        assert tracker.snapshot(run) == Usage(1_000, 5)
        assert tracker.snapshot(run) is not run.usage

    def test_no_run_is_harmless(self) -> None:
        UsageTracker().add(None, Usage(1, 1))
        assert UsageTracker().snapshot(None) == Usage()

    def test_many_threads_lose_nothing(self) -> None:
        run, tracker = Run("r"), UsageTracker()
        with ThreadPoolExecutor(20) as pool:
            list(pool.map(lambda _: tracker.add(run, Usage(10)), range(100)))

        assert run.usage.tokens == 1_000


# -- context -----------------------------------------------------------------------------------------------


class TestContextBuilder:
    def run(self) -> Run:
        run = running(("a",), ("b",), ("c",), ("d",), ("t", "a", "b", "c", "d"))
        for name, state, text in [("a", "completed", "A"), ("b", "failed", "B"), ("c", "running", "C")]:
            run.tasks[name].state, run.tasks[name].outputs = TaskState(state), answer(text)
        run.tasks["d"].state, run.tasks["d"].outputs = TaskState.COMPLETED, answer("")
        return run

    def test_only_completed_dependencies_that_said_something_are_told(self) -> None:
        bundle = ContextBuilder().build(self.run(), "t")

        assert (bundle.messages, bundle.sources, bundle.memory, bundle.tools) == (["A"], ["a"], {}, {})

    def test_what_stands_in_the_prompt_is_not_told_again(self) -> None:
        assert ContextBuilder().build(self.run(), "t", frozenset({"a"})).messages == []

    def test_changing_the_bundle_leaves_the_run_as_it_is(self) -> None:
        run = self.run()
        run.memory = {"k": "v", "k2": "v2"}
        bundle = ContextBuilder().build(run, "t")
        bundle.memory.clear()
        bundle.messages.clear()

        assert ContextBuilder().build(run, "t").memory == {"k": "v", "k2": "v2"}

    def test_no_run_and_an_unknown_task(self) -> None:
        with pytest.raises(errors.InvalidInput):
            ContextBuilder().build(None, "t")
        with pytest.raises(errors.TaskNotFound):
            ContextBuilder().build(self.run(), "nobody")


class TestContextCompactor:
    @pytest.mark.parametrize(
        ("messages", "policy", "kept"),
        [
            (5, {"strategy": "none"}, 5),
            (5, {"strategy": "keep_last_n", "keep_last_n": 2}, 2),
            (2, {"strategy": "keep_last_n", "keep_last_n": 10}, 2),
            (3, {"strategy": "keep_last_n", "keep_last_n": 0}, 3),
            (3, {"strategy": "truncate", "max_tokens": 8}, 2),
            (3, {"strategy": "truncate"}, 3),
            (3, {"strategy": "truncate", "max_tokens": 12, "truncate_to": 4}, 1),
        ],
    )
    def test_the_newest_are_kept_in_order(self, messages, policy, kept) -> None:
        given = ContextBundle([f"{n:016}" for n in range(messages)])

        found = ContextCompactor().compact(given, ContextPolicy.model_validate(policy))

        assert found.messages == given.messages[messages - kept :]
        assert len(given.messages) == messages

    def test_nineteen_bytes_each_to_ten_tokens_leave_two(self) -> None:
        given = ContextBundle(["oldest message 0019", "middle message 0019", "newest message 0019"])

        found = ContextCompactor().compact(given, ContextPolicy(strategy="truncate", max_tokens=10))

        assert found.messages == ["middle message 0019", "newest message 0019"]

    @pytest.mark.parametrize(
        ("ratio", "size", "most"), [(4, 20, 2), (2, 8, 3), (0, 9, 2), (4, 9, 2), (4, 11, 2)]
    )
    def test_what_is_over_the_limit_is_refused_to_the_byte(self, ratio, size, most) -> None:
        with pytest.raises(errors.ContextTooLarge, match=f"allows {most}"):
            ContextCompactor(ratio).compact(ContextBundle(["x" * size]), ContextPolicy(max_tokens=most))

    def test_memory_and_tools_are_never_left_out(self) -> None:
        given = ContextBundle(["x" * 24], {"m": "y" * 8}, {"t": "z" * 8})

        found = ContextCompactor().compact(given, ContextPolicy(strategy="truncate", max_tokens=8))

        assert (found.messages, found.memory, found.tools) == ([], given.memory, given.tools)
        assert found.memory is not given.memory

    def test_nothing_can_be_left_out_of_memory(self) -> None:
        given = ContextBundle(["x"], {"m": "y" * 40})
        with pytest.raises(errors.ContextTooLarge):
            ContextCompactor().compact(given, ContextPolicy(strategy="truncate", max_tokens=8))

    def test_what_stands_in_the_prompt_counts_too(self) -> None:
        policy = ContextPolicy(strategy="truncate", max_tokens=8)

        assert ContextCompactor().compact(ContextBundle(["x" * 16, "y" * 16]), policy, 16).messages == [
            "y" * 16
        ]

    @pytest.mark.parametrize(
        "given",
        [{"strategy": "forget"}, {"max_tokens": -1}, {"max_tokens": 5, "truncate_to": 6}, {"maxtokens": 1}],
    )
    def test_a_policy_that_is_none_is_refused(self, given) -> None:
        with pytest.raises(ValueError, match="validation error"):
            ContextPolicy.model_validate(given)

    def test_what_was_left_out_is_recorded_and_can_be_had_back(self) -> None:
        before = ContextBundle([f"message {n}" for n in range(4)])
        after = ContextCompactor().compact(before, ContextPolicy(strategy="keep_last_n", keep_last_n=1))
        archive: dict[str, str] = {}
        done = context_compactor.record(before, after, "keep_last_n", archive)

        assert done is not None
        assert len(done.dropped) == 3
        assert done.bytes_after < done.bytes_before
        assert context_compactor.undo(done, archive) == before.messages
        with pytest.raises(errors.InvalidInput, match="does not have"):
            context_compactor.undo(done, {})

    def test_no_bundle_is_refused_and_an_empty_one_is_fine(self) -> None:
        with pytest.raises(errors.InvalidInput):
            ContextCompactor().compact(None, ContextPolicy())
        assert ContextCompactor().compact(ContextBundle(), ContextPolicy(max_tokens=1)).messages == []


class TestContextRouter:
    def test_answers_are_routed_under_the_id_of_who_gave_them(self) -> None:
        run, router = running(("a",), ("b",), ("t", "a", "b")), ContextRouter()
        router.route(run, "a", "t", answer("first"))
        router.route(run, "a", "t", answer('odd "words" \n ☃'))
        router.route(run, "b", "t", None)

        assert run.tasks["t"].routed == {"a": 'odd "words" \n ☃', "b": ""}

    def test_an_input_of_the_same_key_stays(self) -> None:
        run = running(("a",), ("t", "a"))
        run.tasks["t"].inputs = TaskInput("{{inputs.a}}", {"a": "mine"})
        ContextRouter().route(run, "a", "t", answer("theirs"))

        assert ContextRouter().values(run, run.tasks["t"], ["{{inputs.a}}"]) == {"inputs.a": "mine"}

    @pytest.mark.parametrize(("source", "target"), [("x", "t"), ("a", "x")])
    def test_unknown_tasks_are_named(self, source, target) -> None:
        with pytest.raises(errors.TaskNotFound, match=r"^x is"):
            ContextRouter().route(running(("a",), ("t", "a")), source, target, None)

    def test_no_run(self) -> None:
        with pytest.raises(errors.InvalidInput):
            ContextRouter().route(None, "a", "b", None)


class TestMemoryManager:
    def test_what_is_put_can_be_read_and_replaced(self) -> None:
        run, memory = Run("r"), MemoryManager()
        for key, value in [("k", "1"), ("", "empty key"), ("v", ""), ("k", "2")]:
            memory.put(run, key, value)

        assert [memory.get(run, key) for key in ("k", "", "v", "x")] == [
            ("2", True), ("empty key", True), ("", True), ("", False),
        ]  # fmt: skip

    def test_a_scope_is_seen_before_the_run_and_by_nobody_else(self) -> None:
        run, memory = Run("r"), MemoryManager()
        memory.put(run, "k", "of the run")
        memory.put(run, "k", "of the part", "p")

        assert memory.get(run, "k", "p") == ("of the part", True)
        assert memory.get(run, "k", "q") == memory.get(run, "k") == ("of the run", True)
        assert memory.seen(run, "p") == {"k": "of the part"}

    def test_no_run_never_raises(self) -> None:
        MemoryManager().put(None, "k", "v")
        assert MemoryManager().get(None, "k") == ("", False)

    def test_many_threads_lose_nothing(self) -> None:
        run, memory = Run("r"), MemoryManager()

        def write(number: int) -> None:
            for each in range(50):
                memory.put(run, f"{number}-{each}", "x")

        threads = [threading.Thread(target=write, args=(number,)) for number in range(40)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

        assert len(run.memory) == 2_000
