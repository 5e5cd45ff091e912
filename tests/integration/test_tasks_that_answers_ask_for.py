"""Tasks that the answer of another asks for: added once, within its rights, each refused for itself."""

from __future__ import annotations

import functools
import json
from typing import Any

import pytest

from config_files.models import ModelEntry
from cost.model_catalog import ModelCatalog
from run_contract.policy import RunPolicy
from run_contract.records import RunTask, TaskInput, TaskResult
from runs import asked_in_memory
from runs.asked_for import HOW
from runs.entering import forked
from runs.factory import Options, new_orchestrator_with_defaults, new_run
from runs.inline_executor import InlineExecutor
from runs.originals import original_of
from runs.request import read_fork, read_task
from settings import Settings
from store import run_ends, runs
from testing.durable_runs import DurableRuns


@pytest.fixture
def rig(store, who, home) -> DurableRuns:
    made = DurableRuns(store, who, lambda name: f"ok:{name}")
    made.read_outputs(home.outputs)
    return made


def block(*tasks: Any) -> str:
    return "I would look closer.\n\n```skep-tasks\n" + json.dumps({"tasks": [*tasks]}) + "\n```\n"


def asking(*tasks: Any, of: str = "a"):
    return lambda name: block(*tasks) if name == of else f"ok:{name}"


def start(rig: DurableRuns, *tasks: dict[str, Any], policy: dict[str, Any] | None = None, **asks: Any) -> str:
    first = {"id": "a", "prompt": "look", "may_add": True} | asks
    return rig.start(policy=policy or {}, tasks=[first, *tasks])


def refused(rig: DurableRuns) -> list[tuple[str, str]]:
    rows = [row for row in rig.store.reader.events() if row["event"] == "task.add_refused"]
    return [(told["path"], told["reason"]) for row in rows if (told := json.loads(row["data"]))]


def test_an_answer_has_tasks_added_that_wait_for_it_and_for_each_other(rig) -> None:
    rig.work = asking(
        {"id": "x", "prompt": "x {{deps.a.output}}", "deps": ["a"]}, {"id": "y", "prompt": "y", "deps": ["x"]}
    )
    run = start(rig)
    told = rig.go(run)

    assert (told["state"], rig.begun) == ("completed", ["a", "x", "y"])
    assert (told["tasks"]["x"]["added_by"], told["task_count"]) == ("a", 3)
    assert rig.sent["a"].endswith(HOW)
    assert HOW not in rig.sent["x"]
    assert refused(rig) == []


def test_an_answer_of_a_task_that_may_not_add_is_only_an_answer(rig) -> None:
    rig.work = asking({"id": "x", "prompt": "x"})
    run = rig.start(tasks=[{"id": "a", "prompt": "look"}])
    assert rig.go(run)["task_count"] == 1


@pytest.mark.parametrize(
    ("entry", "path", "words"),
    [
        ({"id": "x"}, "tasks[1]", "give one of prompt, command, argv, ask and run"),
        ({"id": "x", "prompt": "x", "mood": 1}, "tasks[1].mood", "is not a key that is known here"),
        ({"id": "x", "argv": ["rm"]}, "tasks[1].argv", "only a command may have commands added"),
        (
            {"id": "x", "prompt": "x", "expect": {"commands": [["rm"]]}},
            "tasks[1].expect.commands", "only a command may have commands added",
        ),
        ({"id": "x", "ask": "Tell me"}, "tasks[1].ask", "only a request can ask a person"),
        ({"id": "x", "prompt": "x", "priority": 1}, "tasks[1].priority", "1 is over the 0"),
        ({"id": "a", "prompt": "x"}, "tasks[1].id", "there is a task a already"),
        ({"id": "fine", "prompt": "x"}, "tasks[1].id", "there is a task fine already"),
        ({"id": "x", "prompt": "x", "deps": ["z"]}, "tasks[1].deps[0]", "z is not there"),
        ({"id": "x", "prompt": "x", "deps": ["x"]}, "tasks[1].deps", "waits for itself"),
        ({"id": "x", "prompt": "{{deps.a.output}}"}, "tasks[1].prompt", "stands for nothing"),
        ({"id": "x", "prompt": "x", "model": "dear"}, "tasks[1].model", "dear is neither the model"),
        ({"id": "x", "prompt": "x", "model_role": "fast"}, "tasks[1].model_role", "not the role"),
        ({"id": "x", "prompt": "x", "timeout_ms": 604_800_000}, "tasks[1].timeout_ms", "is longer than"),
        ("x", "tasks[1]", "dictionary"),
    ],
)  # fmt: skip
def test_what_is_refused_is_told_with_its_path_and_costs_itself_alone(rig, entry, path, words) -> None:
    rig.work = asking({"id": "fine", "prompt": "x"}, entry)
    told = rig.go(start(rig))

    assert (told["state"], sorted(told["tasks"])) == ("completed", ["a", "fine"])
    ((where, why),) = refused(rig)
    assert where == path
    assert words in why
    assert why.startswith(f"{path}: ")


def test_who_waits_for_a_refused_task_is_refused_too(rig) -> None:
    rig.work = asking({"id": "x", "argv": ["rm"]}, {"id": "y", "prompt": "y", "deps": ["x"]})
    assert rig.go(start(rig))["task_count"] == 1
    assert [path for path, _ in refused(rig)] == ["tasks[0].argv", "tasks[1].deps[0]"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("```skep-tasks\n{\n```", "is no JSON"),
        ('```skep-tasks\n{"task": []}\n```', "must hold"),
        ('```skep-tasks\n{"tasks": [{"id": "x", "id": "y", "prompt": "x"}]}\n```', "stands twice"),
        ("```skep-tasks\n" + "[" * 5000 + "\n```", "is no JSON"),
        ("```skep-tasks\n" + json.dumps([{}] * 1001) + "\n```", "1,001 tasks are too many"),
    ],
)
def test_a_block_that_cannot_be_read_adds_nothing_and_fails_nobody(rig, text: str, words: str) -> None:
    rig.work = lambda name: text
    assert rig.go(start(rig))["state"] == "completed"
    ((_, why),) = refused(rig)
    assert words in why


def test_a_block_that_does_not_end_the_answer_is_a_quotation(rig) -> None:
    rig.work = lambda name: block({"id": "x", "prompt": "x"}) + "Such a block would add tasks."
    assert rig.go(start(rig))["task_count"] == 1
    assert refused(rig) == []


def test_a_run_takes_no_more_tasks_than_it_may_have(rig) -> None:
    rig.work = asking(*({"id": f"x{number}", "prompt": "x"} for number in range(4)))
    told = rig.go(start(rig, policy={"max_tasks": 3}))
    assert (told["state"], sorted(told["tasks"])) == ("completed", ["a", "x0", "x1"])
    assert len(refused(rig)) == 2


def test_tasks_that_add_tasks_go_only_so_deep(rig) -> None:
    rig.work = lambda name: block({"id": f"{name}a", "prompt": "x", "may_add": True})
    told = rig.go(start(rig, policy={"max_depth": 2}))
    assert (told["state"], sorted(told["tasks"])) == ("completed", ["a", "aa", "aaa"])
    ((_, why),) = refused(rig)
    assert why == "tasks: they would stand 3 deep; max_depth allows 2"


def test_a_command_may_have_commands_added(rig) -> None:
    rig.work = asking({"id": "x", "argv": ["true"]})
    run = rig.start(tasks=[{"id": "a", "argv": ["list"], "may_add": True}])
    assert rig.go(run)["tasks"]["x"]["state"] == "completed"


def test_they_share_what_is_left_of_the_budget_and_are_reviewed_no_more_mildly(rig) -> None:
    rig.work = asking(
        {"id": "x", "prompt": "x", "budget": 0.5},
        {"id": "y", "prompt": "x"},
        {"id": "z", "prompt": "x"},
        {"id": "dear", "prompt": "x", "budget": 2},
        {"id": "mild", "prompt": "x", "review": "none"},
    )
    told = rig.go(start(rig, budget=1.0, review="critic"))
    docs = {name: json.loads(rig.store.reader.task(f"{told['id']}:{name}")["doc"]) for name in "xyz"}
    assert [docs[name]["max_budget"] for name in "xyz"] == [0.5, 0.25, 0.25]
    assert {doc["review"] for doc in docs.values()} == {"critic"}
    limits = [rig.store.reader.one("subtree_limit", id=f"{told['id']}:{name}") for name in "xyz"]
    assert [row["subtree_micros"] for row in limits] == [500_000, 250_000, 250_000]
    assert [path for path, _ in refused(rig)] == ["tasks[4].review", "tasks[3].budget"]


def test_what_they_spend_counts_against_the_subtree_of_the_task_that_asked(rig) -> None:
    rig.work = asking({"id": "x", "prompt": "x"})
    run = start(rig, subtree_budget=1.0)
    rig.go(run)
    above = rig.store.reader.all("subtrees_above", id=f"{run}:x")
    assert [(row["id"], row["micros"]) for row in above] == [(f"{run}:a", 1_000_000)]


def test_a_run_that_ended_meanwhile_takes_none(rig) -> None:
    rig.work = asking({"id": "x", "prompt": "x"})
    run = start(rig)
    rig.claim()
    rig.store.write(lambda tx: run_ends.decide(tx, 1, "failed", "c", "why", is_stopping=True))
    assert rig.go(run)["task_count"] == 1


def test_a_fork_keeps_what_was_added_unless_it_is_asked_for_anew(rig) -> None:
    rig.work = asking({"id": "x", "prompt": "x {{deps.a.output}}", "deps": ["a"]})
    run = start(rig, {"id": "b", "prompt": "b"})
    rig.go(run)
    row = rig.store.reader.one("get_run", id=run)
    original = original_of(rig.store.reader, row)
    assert original.added_by == {"x": "a"}
    for changed, tasks in (("b", ["a", "b", "x"]), ("a", ["a", "b"]), ("x", ["a", "b", "x"])):
        made = forked(original, read_fork({"task": changed, "id": f"from-{changed}"}), rig.house)
        assert sorted(task.id for task in made.tasks) == tasks
        rig.store.write(functools.partial(runs.start, new=made, source="test", limits=rig.store.limits))
        assert rig.go(f"from-{changed}")["task_count"] == 3


ENOUGH = {"until": {"of": "{{output}}", "test": "equals", "value": "no"}, "most": 1, "otherwise": "take"}
SECRETIVE = [
    {"id": "l", "prompt": "{{item}}", "for_each": ["one"]},
    {"id": "p", "prompt": "p", "repeat": ENOUGH},
    {"id": "open", "prompt": "open"},
    {"id": "secret", "prompt": "secret"},
    {"id": "between", "prompt": "between", "deps": ["open"]},
]
ASKER = {"id": "z", "prompt": "look", "deps": ["between"], "may_add": True}
#: What an asker is refused that names a model with a fallback and a time; and what it is not.
OVERREACHING = [
    {"id": "n0", "prompt": "{{deps.secret.output}}", "deps": ["secret"]},
    {"id": "n1", "prompt": "x", "deps": ["n0"]},
    {"id": "l.7", "prompt": "x"},
    {"id": "p.r2", "prompt": "x"},
    {"id": "n4", "prompt": "x", "model": "dear"},
    {"id": "n5", "prompt": "x", "timeout_ms": 0},
    {"id": "n6", "prompt": "x", "timeout_ms": 6_000},
    {"id": "f1", "prompt": "{{deps.open.output}}", "deps": ["open", "z"]},
    {"id": "f2", "prompt": "x", "deps": ["f1"], "model": "spare", "timeout_ms": 5_000},
]
REFUSED_PATHS = [
    "tasks[0].deps[0]",
    "tasks[1].deps[0]",
    "tasks[2].id",
    "tasks[3].id",
    "tasks[4].model",
    "tasks[5].timeout_ms",
    "tasks[6].timeout_ms",
]
HELD = {"model": "own", "timeout_ms": 5_000, "deps": ["between"]}


def test_what_is_added_reads_only_what_the_asker_was_told_and_has_no_more_than_its_model_and_time(
    rig,
) -> None:
    entries = [f'[[model]]\nname = "{name}"\ninput = 0\noutput = 0\n' for name in ("own", "spare", "dear")]
    rig.store.home.models_file.parent.mkdir(exist_ok=True)
    rig.store.home.models_file.write_text("\n".join(entries))
    rig.work = asking(*OVERREACHING, of="z")
    policy = {"fallbacks": {"own": ["spare"]}, "on_failure": "continue"}
    told = rig.go(rig.start(policy=policy, tasks=[*SECRETIVE, ASKER | HELD]))

    assert sorted(path for path, _ in refused(rig)) == REFUSED_PATHS
    assert {"f1", "f2"} == {name for name, each in told["tasks"].items() if each.get("added_by") == "z"}
    docs = [json.loads(rig.store.reader.task(f"{told['id']}:{name}")["doc"]) for name in ("f1", "f2")]
    assert [(doc["model"], doc["timeout_s"]) for doc in docs] == [("own", 5.0), ("spare", 5.0)]


def test_a_run_in_memory_holds_them_to_the_same(rig) -> None:
    events: list[Any] = []
    policy = RunPolicy(fallbacks={"own": ("spare",)}, on_failure="continue")

    def work(job: Any) -> TaskResult:
        return TaskResult(block(*OVERREACHING) if job.task_id == "z" else "ok")

    listed = [asked_in_memory.run_task(read_task(each)) for each in [*SECRETIVE, ASKER | HELD]]
    entries = [ModelEntry(name=name, input=0, output=0) for name in ("own", "spare", "dear")]
    catalog = ModelCatalog(Settings(), entries)
    options = Options(executor=InlineExecutor(1, work), listener=events.append, catalog=catalog)
    run = new_orchestrator_with_defaults(policy, work, options).run(new_run("r", listed, policy))

    told = [each.fields["path"] for each in events if each.event == "task.add_refused"]
    assert sorted(told) == REFUSED_PATHS
    assert [(run.tasks[name].model, run.tasks[name].timeout_ms) for name in ("f1", "f2")] == [
        ("own", 5_000), ("spare", 5_000)
    ]  # fmt: skip


#: What an asker of 50 tokens is refused that no person judges and whose failure does not count; and what not.
ASKING_PEOPLE = [
    {"id": "n0", "prompt": "x", "review": "human"},
    {"id": "n1", "prompt": "x", "expect": {"files": ["out.md", "../../x"]}},
    {"id": "n2", "prompt": "x", "expect": {"files": ["/etc/passwd"]}},
    {"id": "n3", "prompt": "x", "expect": {"schema": {"type": "no type"}}},
    {"id": "n4", "prompt": "x", "expect": {"python_compiles": ["out.py"]}},
    {"id": "n5", "prompt": "x", "max_tokens": 51},
    {"id": "f1", "prompt": "x", "required": True},
    {"id": "f2", "prompt": "x", "max_tokens": 20, "expect": {"contains": ["f2"]}},
]
REFUSED_QUESTIONS = [
    "tasks[0].review",
    "tasks[1].expect.files[1]",
    "tasks[2].expect.files[0]",
    "tasks[3].expect.schema",
    "tasks[4].expect.python_compiles",
    "tasks[5].max_tokens",
]
MEEK = {"id": "a", "prompt": "look", "may_add": True, "required": False, "max_tokens": 50}


def failing_once_added(*names: str):
    def work(name: str) -> str:
        if name in names:
            raise ValueError("it broke")
        return block(*ASKING_PEOPLE) if name == "a" else f"ok:{name}"

    return work


def test_what_is_added_asks_no_person_and_is_required_only_where_the_asker_is(rig) -> None:
    rig.work = failing_once_added("f1")
    tasks = [MEEK, {"id": "b", "prompt": "x"}, {"id": "c", "prompt": "x", "deps": ["b"]}]
    told = rig.go(rig.start(policy={"on_failure": "required"}, tasks=tasks))

    assert [path for path, _ in refused(rig)] == REFUSED_QUESTIONS
    assert refused(rig)[1][1].endswith("'../../x' is no path of a file in the workspace")
    assert (told["state"], told["tasks"]["c"]["state"], told["tasks"]["f1"]["state"]) == (
        "completed", "completed", "failed"
    )  # fmt: skip
    docs = [json.loads(rig.store.reader.task(f"{told['id']}:{name}")["doc"]) for name in ("f1", "f2")]
    assert [doc["max_tokens"] for doc in docs] == [50, 20]


def test_what_a_required_task_adds_is_required_and_held_to_the_tokens_of_the_home(rig) -> None:
    rig.work = failing_once_added("f1")
    most = rig.store.settings.llm_max_tokens
    asked = [{"id": "f1", "prompt": "x"}, {"id": "n", "prompt": "x", "max_tokens": most + 1}]
    rig.work = lambda name: block(*asked) if name == "a" else failing_once_added("f1")(name)
    told = rig.go(start(rig, policy={"on_failure": "required"}))
    assert told["error"]["message"] == "task f1: it broke"
    assert [path for path, _ in refused(rig)] == ["tasks[1].max_tokens"]


def test_in_memory_what_is_added_is_held_to_the_same(rig) -> None:
    events: list[Any] = []
    policy, answers = RunPolicy(on_failure="required"), failing_once_added("f1")
    options = Options(
        executor=InlineExecutor(1, lambda job: TaskResult(answers(job.task_id))), listener=events.append
    )
    tasks = [asked_in_memory.run_task(read_task(MEEK)), RunTask("b", TaskInput("x"))]
    run = new_orchestrator_with_defaults(policy, None, options).run(new_run("r", tasks, policy))

    assert [each.fields["path"] for each in events if each.event == "task.add_refused"] == REFUSED_QUESTIONS
    assert (str(run.state), str(run.tasks["f1"].state)) == ("completed", "failed")
    assert [run.tasks[name].max_tokens for name in ("f1", "f2")] == [50, 20]


def test_a_list_that_is_added_needs_ids_that_nobody_has(rig) -> None:
    rig.work = asking(
        {"id": "b", "prompt": "{{item}}", "for_each": ["one"]},
        {"id": "c", "prompt": "{{item}}", "for_each": ["one"]},
        {"id": "c.1", "prompt": "x"},
    )
    told = rig.go(start(rig, {"id": "b.1", "prompt": "x"}))
    assert told["state"] == "completed"
    assert [path for path, _ in refused(rig)] == ["tasks[0].for_each", "tasks[2].id"]
    assert {"c", "c.1"} < set(told["tasks"])


def test_a_run_in_memory_does_the_same(rig) -> None:
    entries = [
        {"id": "x", "prompt": "x", "deps": ["a"]},
        {"id": "y", "argv": ["rm"]},
        {"id": "z", "prompt": "z"},
    ]
    events: list[Any] = []
    policy = RunPolicy(max_tasks=2, on_failure="continue")

    def work(job: Any) -> TaskResult:
        return TaskResult(block(*entries) if job.task_id == "a" else "ok")

    options = Options(executor=InlineExecutor(1, work), listener=events.append)
    tasks = [RunTask("a", TaskInput("look"), may_add=True)]
    run = new_orchestrator_with_defaults(policy, work, options).run(new_run("r", tasks, policy))
    assert {name: str(each.state) for name, each in run.tasks.items()} == {"a": "completed", "x": "completed"}
    told = [each.fields["path"] for each in events if each.event == "task.add_refused"]
    assert told == ["tasks[1].argv", "tasks[2]"]
