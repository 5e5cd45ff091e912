"""The parallel executor with real threads: slots, time limits, cancellation, work that does not listen."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from run_contract import errors
from run_contract.job import ContextBundle, Job
from run_contract.policy import ContextPolicy, RunPolicy
from run_contract.records import Run, RunState, TaskResult, TaskState, Usage
from runs.factory import new_run
from runs.inline_executor import InlineExecutor
from runs.parallel_executor import ParallelExecutor
from runs.work import Work, WorkFailed
from testing.clock import FakeClock
from testing.runs import answer, ok, task

#: Seconds after which a test that waits has failed.
SOON = 20.0


def running(*names: str) -> Run:
    run = new_run("r", [task(name) for name in names])
    run.state = RunState.RUNNING
    return run


def job(name: str, timeout_s: float | None = None) -> Job:
    return Job("r", name, 1, "m", "x", {}, ContextBundle(), {}, 10, timeout_s, ContextPolicy())


def executor(slots: int, work: Work, grace_s: float = SOON) -> ParallelExecutor:
    return ParallelExecutor(slots, work, grace_s=grace_s)


def end_of(made: Any) -> Any:
    """The next end; there must be one."""
    ended = made.next_end(SOON)
    assert ended is not None
    return ended


@pytest.fixture(params=[ParallelExecutor, InlineExecutor])
def kind(request):
    return request.param


def test_no_run_a_stopped_run_and_unknown_tasks_are_refused(kind) -> None:
    made = kind(1, ok)
    stopped = running("a")
    stopped.state = RunState.PENDING
    for run, name, error in [(None, "a", errors.InvalidInput), (stopped, "a", errors.TaskNotReady),
                             (running("a"), "b", errors.TaskNotFound)]:  # fmt: skip
        with pytest.raises(error):
            made.start(run, job(name))


@pytest.mark.parametrize("state", ["completed", "failed", "skipped"])
def test_a_task_that_has_ended_is_refused(kind, state) -> None:
    run = running("a")
    run.tasks["a"].state = TaskState(state)
    with pytest.raises(errors.TaskNotReady):
        kind(1, ok).start(run, job("a"))


@pytest.mark.parametrize("state", ["pending", "ready", "running"])
def test_work_gives_its_result_as_it_is(kind, state) -> None:
    run, made = running("a"), kind(0, lambda _: answer("x", outputs={"k": "v"}))
    run.tasks["a"].state = TaskState(state)
    made.start(run, job("a"))
    ended = end_of(made)
    made.close()

    assert made.max_parallelism == 1
    assert ended.result == answer("x", outputs={"k": "v"})
    assert (run.tasks["a"].state, run.tasks["a"].outputs) == (TaskState(state), None)


def test_the_policy_says_how_many_slots_there_are() -> None:
    assert ParallelExecutor.of_policy(RunPolicy(max_parallelism=3), ok).free == 3


def test_an_error_of_any_kind_is_a_failure_and_ends_nothing_else(kind) -> None:
    def work(each: Job) -> TaskResult:
        raise RecursionError("too deep") if each.task_id == "a" else WorkFailed("spent it", Usage(3, 4))

    run, made = running("a", "b"), kind(1, work)
    ends = []
    for name in "ab":
        made.start(run, job(name))
        ends.append(end_of(made))
    made.close()

    assert [type(each.error) for each in ends] == [errors.TaskFailed] * 2
    assert ends[0].error.message == "RecursionError: too deep"
    assert ends[1].cause.usage == Usage(3, 4)


@pytest.mark.parametrize("result", [None, "text", TaskResult("x", usage=Usage(-1))])
def test_what_is_no_result_is_told(kind, result) -> None:
    run, made = running("a"), kind(1, lambda _: result)
    made.start(run, job("a"))
    ended = end_of(made)
    made.close()

    assert isinstance(ended.error, errors.InvalidResult)


def test_a_result_that_used_nothing_is_one(kind) -> None:
    run, made = running("a"), kind(1, lambda _: TaskResult("from a cache"))
    made.start(run, job("a"))
    ended = end_of(made)
    made.close()

    assert (ended.error, ended.result.usage) == (None, Usage())


def test_the_same_task_is_not_worked_on_twice_at_once(kind) -> None:
    go = threading.Event()
    run, made = running("a"), kind(2, lambda each: ok(each) if go.wait(SOON) else None)
    made.start(run, job("a"))
    with pytest.raises(errors.TaskNotReady, match="being worked on"):
        made.start(run, job("a"))
    go.set()
    assert end_of(made).error is None
    made.close()


def test_never_more_than_the_slots_run_at_once() -> None:
    lock, most, now = threading.Lock(), [0], [0]
    pairs = threading.Barrier(2)

    def work(each: Job) -> TaskResult:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        pairs.wait(SOON)
        with lock:
            now[0] -= 1
        return ok(each)

    run, made = running(*"abcd"), executor(2, work)
    for name in "abcd":
        made.start(run, job(name))
    assert made.free == -2
    ends = [end_of(made) for _ in range(4)]
    made.close()

    assert most == [2]
    assert {each.error for each in ends} == {None}


def test_work_that_is_too_slow_is_told_so_and_its_late_result_counts_for_nothing() -> None:
    def work(each: Job) -> TaskResult:
        told = threading.Event()
        each.asked.on_stop(told.set)
        assert told.wait(SOON)
        return answer("too late", 7, 8)

    run, made = running("a"), executor(1, work)
    made.start(run, job("a", timeout_s=0.02))
    ended = end_of(made)
    made.close()

    assert isinstance(ended.error, errors.TaskTimeout)
    assert "longer than 0.02 s" in ended.error.message
    assert ended.result.usage == Usage(7, 8)


def test_a_slot_is_free_only_when_its_work_has_really_ended() -> None:
    go, has_begun, begun = threading.Event(), threading.Event(), []

    def work(each: Job) -> TaskResult:
        begun.append(each.task_id)
        has_begun.set()
        if each.task_id == "deaf":
            assert go.wait(SOON)
        return ok(each)

    run, made = running("deaf", "next"), executor(1, work, grace_s=0.02)
    made.start(run, job("deaf", timeout_s=0.02))
    ended = end_of(made)
    assert (ended.lingers, type(ended.error)) == (True, errors.TaskTimeout)
    assert (made.free, made.lingering("r")) == (0, ["deaf"])
    made.start(run, job("next"))
    assert has_begun.wait(SOON)
    assert begun == ["deaf"]

    go.set()
    assert made.next_end(SOON) is None  # the late end of what was given up
    assert end_of(made).job.task_id == "next"
    assert (made.free, made.lingering("r")) == (1, [])
    made.close()


def test_what_is_cancelled_before_it_has_a_slot_never_begins() -> None:
    go, begun = threading.Event(), []

    def work(each: Job) -> TaskResult:
        begun.append(each.task_id)
        assert go.wait(SOON)
        return ok(each)

    run, made = running("a", "b"), executor(1, work)
    made.start(run, job("a"))
    made.start(run, job("b"))
    made.stop("b", "r")
    ended = end_of(made)
    assert (ended.job.task_id, type(ended.error)) == ("b", errors.TaskCancelled)
    go.set()
    assert end_of(made).job.task_id == "a"
    made.close()

    assert begun == ["a"]


def test_work_that_is_done_when_it_is_cancelled_counts() -> None:
    def work(each: Job) -> TaskResult:
        told = threading.Event()
        each.asked.on_stop(told.set)
        assert told.wait(SOON)
        return ok(each)

    run, made = running("a"), executor(1, work)
    made.start(run, job("a"))
    made.stop("a", "r")
    ended = end_of(made)
    made.close()

    assert (ended.error, ended.result) == (None, ok(job("a")))


def test_another_thread_can_wake_who_waits(kind) -> None:
    made = kind(1, ok)
    threading.Timer(0.01, made.wake).start()

    assert made.next_end() is None
    made.close()


def test_in_the_run_s_own_thread_a_time_limit_is_noticed_when_the_work_returns() -> None:
    clock = FakeClock()

    def work(each: Job) -> TaskResult:
        clock.advance(2.0)
        return answer("late", 3, 4)

    run, made = running("a", "b"), InlineExecutor(2, work, clock)
    made.start(run, job("a", timeout_s=1.0))
    made.start(run, job("b", timeout_s=3.0))
    late, fine = end_of(made), end_of(made)

    assert (type(late.error), late.result.usage) == (errors.TaskTimeout, Usage(3, 4))
    assert fine.error is None


def test_in_the_run_s_own_thread_what_is_cancelled_never_begins() -> None:
    begun: list[str] = []

    def work(each: Job) -> TaskResult:
        begun.append(each.task_id)
        return ok(each)

    run, made = running("a", "b"), InlineExecutor(2, work)
    made.start(run, job("a"))
    made.start(run, job("b"))
    made.stop("b", "r")

    assert made.free == 0
    assert [type(end_of(made).error) for _ in range(2)] == [type(None), errors.TaskCancelled]
    assert begun == ["a"]
    assert made.lingering("r") == []
