"""What may start beside what runs: no limit is passed, and nothing is held back without a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from runtime_contract import Limits, normalize_task
from store.lanes import ALONE, ConcurrencyLimits, Gate, Head, at_once, choose, full_limit, lane_of
from testing.tasks import new_task

NAMES = st.sampled_from(["a", "b:c", "alone"])
LIMITS = st.builds(
    ConcurrencyLimits,
    st.dictionaries(NAMES, st.integers(1, 3)),
    st.dictionaries(NAMES, st.integers(1, 3)),
)
GATES = st.builds(
    Gate,
    st.none() | st.just("paused by me"),
    st.dictionaries(st.sampled_from(["llm", "local"]), st.just("no model"), max_size=1),
)
TASKS = st.fixed_dictionaries(
    {"tags": st.lists(NAMES, max_size=3), "parallel_safe": st.sampled_from([True, True, False])},
    optional={"model": NAMES, "priority": st.integers(-2, 2), "prompt": st.just("x")},
)


def lanes_of(tasks: list[dict], limits: ConcurrencyLimits) -> list[str]:
    return [
        lane_of(normalize_task({"command": "x"} | {"id": "t"} | _work(task), Limits())[0], limits)
        for task in tasks
    ]


def _work(task: dict) -> dict:
    return {**task, "command": None} if "prompt" in task else task


def heads_of(lanes: list[str], tasks: list[dict]) -> list[Head]:
    heads: dict[str, Head] = {}
    for seq, (lane, task) in enumerate(zip(lanes, tasks, strict=True)):
        head = Head(lane, task.get("priority", 0), seq)
        known = heads.get(lane)
        if known is None or (-head.priority, head.seq) < (-known.priority, known.seq):
            heads[lane] = head
    return list(heads.values())


def keeps_the_limits(running: list[str], limits: ConcurrencyLimits) -> bool:
    counts = Counter(part for lane in running for part in lane.split("|")[1:])
    within = all(counts[part] <= (limits.of(part) or 10**9) for part in counts if part != ALONE)
    return within and (counts[ALONE] == 0 or len(running) == 1)


@given(st.lists(TASKS, max_size=12), LIMITS, GATES)
def test_filling_up_never_passes_a_limit_nor_a_gate(tasks, limits, gate):
    lanes = lanes_of(tasks, limits)
    running: list[str] = []
    waiting = list(zip(lanes, tasks, strict=True))
    while waiting:
        chosen = choose(
            heads_of([lane for lane, _ in waiting], [t for _, t in waiting]), running, gate, limits
        )
        if chosen is None:
            break
        assert gate.paused is None
        assert chosen.partition("|")[0] not in gate.closed_modes
        running.append(chosen)
        waiting.remove(next(pair for pair in waiting if pair[0] == chosen))
        assert keeps_the_limits(running, limits)


@given(st.lists(TASKS, max_size=8), st.lists(TASKS, max_size=4), LIMITS, GATES)
def test_when_something_may_run_the_most_urgent_of_that_is_chosen(tasks, others, limits, gate):
    heads = heads_of(lanes_of(tasks, limits), tasks)
    running = lanes_of(others, limits)
    chosen = choose(heads, running, gate, limits)
    order = sorted(heads, key=lambda head: (-head.priority, head.seq))
    open_ones = [head for head in order if head.lane.partition("|")[0] not in gate.closed_modes]
    if gate.paused is not None or not open_ones:
        assert chosen is None
        return
    # What stands behind a task that runs alone does not overtake it.
    alone = next((at for at, head in enumerate(open_ones) if ALONE in head.lane.split("|")), len(open_ones))
    before = open_ones[:alone]
    is_alone_running = any(ALONE in lane.split("|") for lane in running)
    fits = [
        head.lane
        for head in before
        if not is_alone_running and full_limit(head.lane, running, limits) is None
    ]
    if fits:
        assert chosen == fits[0]
    elif alone < len(open_ones) and not running:
        assert chosen == open_ones[alone].lane
    else:
        assert chosen is None


@given(st.lists(TASKS, min_size=1, max_size=8), LIMITS)
def test_an_idle_home_with_open_gates_always_starts_something(tasks, limits):
    heads = heads_of(lanes_of(tasks, limits), tasks)
    first = min(heads, key=lambda head: (-head.priority, head.seq))
    assert choose(heads, [], Gate(), limits) == first.lane


@given(st.lists(TASKS, max_size=10), LIMITS, st.randoms(use_true_random=False))
def test_nothing_starves_everything_ends_however_the_running_ones_finish(tasks, limits, chance):
    waiting = list(zip(lanes_of(tasks, limits), tasks, strict=True))
    running: list[str] = []
    ended = 0
    while waiting or running:
        chosen = choose(
            heads_of([lane for lane, _ in waiting], [t for _, t in waiting]), running, Gate(), limits
        )
        if chosen is not None:
            waiting.remove(next(pair for pair in waiting if pair[0] == chosen))
            running.append(chosen)
        else:
            assert running, "everything is held back and nothing runs"
            running.pop(chance.randrange(len(running)))
            ended += 1
    assert ended == len(tasks)


@given(st.lists(TASKS, max_size=12), LIMITS, GATES, st.integers(1, 12))
def test_taking_several_at_once_takes_what_taking_one_by_one_would(tasks, limits, gate, slots):
    waiting = list(enumerate(zip(lanes_of(tasks, limits), tasks, strict=True)))
    order = sorted(waiting, key=lambda each: (-each[1][1].get("priority", 0), each[0]))

    def fill(most: Callable[[str, list[Head], int], int]) -> list[int]:
        left = [(seq, lane, task.get("priority", 0)) for seq, (lane, task) in order]
        taken: list[tuple[int, str, int]] = []
        while len(taken) < slots:
            heads = list({lane: Head(lane, priority, seq) for seq, lane, priority in reversed(left)}.values())
            lane = choose(heads, [lane for _, lane, _ in taken], gate, limits)
            if lane is None:
                break
            some = [each for each in left if each[1] == lane][: most(lane, heads, slots - len(taken))]
            taken += some
            left = [each for each in left if each not in some]
        return [seq for seq, _, _ in taken]

    one_by_one = fill(lambda lane, heads, free: 1)
    assert fill(lambda lane, heads, free: at_once(lane, heads, gate, free)) == one_by_one


def test_a_lane_names_every_limit_a_task_falls_under_and_no_other():
    limits = ConcurrencyLimits({"gpu": 1, "disk": 2}, {"big:7b": 1})
    assert lane_of(new_task(id="a", tags=["gpu", "x"]).task, limits) == "local|tag:gpu"
    task = new_task(id="a", prompt="x", model="big:7b", tags=["gpu", "disk", "gpu"], parallel_safe=False).task
    assert lane_of(task, limits) == "llm|alone|model:big:7b|tag:disk|tag:gpu"
    assert lane_of(task, ConcurrencyLimits()) == "llm|alone"
    assert limits.of("model:big:7b") == 1
    assert limits.of("tag:gpu") == 1
    assert limits.of("tag:big:7b") is None
