"""Named outputs of a run's tasks: of a JSON answer and of a command's files, kept by hash, told by name."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from run_contract.errors import InvalidInput
from run_contract.policy import RunPolicy
from run_contract.records import RunTask, TaskInput, TaskResult
from runs.entering import forked
from runs.factory import Options, new_orchestrator_with_defaults, new_run
from runs.inline_executor import InlineExecutor
from runs.originals import original_of
from runs.prompting import plain_prompt
from runs.request import read_fork
from store import runs
from store.outputs import read_output
from testing.durable_runs import DurableRuns

ANSWER = 'Here it is.\n```json\n{"title": "Bees", "score": 7, "more": true}\n```\n'


@pytest.fixture
def rig(store, who, home) -> DurableRuns:
    made = DurableRuns(store, who, lambda name: f"ok:{name}")
    made.read_outputs(home.outputs)
    home.workspace.mkdir(exist_ok=True)
    return made


def tasks(**more: Any) -> list[dict[str, Any]]:
    return [
        {"id": "a", "prompt": "x", "outputs": ["title", "score", "missing"]} | more,
        {"id": "b", "prompt": "On {{deps.a.outputs.title}}: {{deps.a.outputs.score}}", "deps": ["a"]},
    ]


def test_values_of_a_json_answer_are_told_by_their_names_and_kept_by_their_hash(rig, home) -> None:
    rig.work = lambda name: ANSWER
    told = rig.go(rig.start(tasks=tasks()))

    assert told["state"] == "completed"
    assert "Bees" in rig.sent["b"]
    assert '"more"' not in rig.sent["b"]
    title = told["tasks"]["a"]["outputs"]["title"]
    assert title == {"ref": hashlib.sha256(b"Bees").hexdigest(), "bytes": 4}
    assert read_output(home.outputs, title["ref"]) == b"Bees"
    assert set(told["tasks"]["a"]["outputs"]) == {"title", "score"}


def test_who_needs_an_output_that_is_not_there_fails_before_anything_is_sent(rig) -> None:
    told = rig.go(rig.start(policy={"on_failure": "continue"}, tasks=tasks()))
    assert told["tasks"]["b"]["error"]["code"] == "context_build_failed"
    assert "deps.a.outputs.title" in told["tasks"]["b"]["error"]["message"]


def test_a_file_that_a_command_left_is_its_output(rig, home) -> None:
    (home.workspace / "out").mkdir()

    def work(name: str) -> str:
        if name == "a":
            (home.workspace / "out" / "page.md").write_text("A page.")
        return "done"

    rig.work = work
    made = [
        {"id": "a", "argv": ["make"], "files": {"page": "out/page.md"}},
        {"id": "b", "prompt": "Read: {{deps.a.outputs.page}}", "deps": ["a"]},
    ]
    run = rig.start(tasks=made)
    told = rig.go(run)
    assert "A page." in rig.sent["b"]
    assert told["tasks"]["a"]["outputs"]["page"]["bytes"] == 7
    expected = json.loads(rig.store.reader.task(f"{run}:a")["doc"])["expect"]
    assert expected == {"files": ["out/page.md"]}


@pytest.mark.parametrize(
    "make",
    [
        lambda folder: (folder / "secret").symlink_to("/etc/passwd"),
        lambda folder: (folder / "secret").mkdir(),
        lambda folder: (folder / "secret").write_bytes(b"x" * (1024 * 1024 + 1)),
        lambda folder: None,
    ],
    ids=["a link", "a folder", "too large", "missing"],
)
def test_what_is_no_file_of_the_workspace_is_no_output(rig, home, make) -> None:
    make(home.workspace)
    told = rig.go(rig.start(tasks=[{"id": "a", "argv": ["make"], "files": {"page": "secret"}}]))
    assert told["tasks"]["a"]["error"]["code"] == "invalid_result"
    assert "'secret'" in told["tasks"]["a"]["error"]["message"]


def test_a_folder_that_became_a_link_is_not_gone_through(rig, home) -> None:
    (home.workspace / "out").symlink_to("/etc")
    told = rig.go(rig.start(tasks=[{"id": "a", "argv": ["make"], "files": {"page": "out/passwd"}}]))
    assert told["tasks"]["a"]["error"]["code"] == "invalid_result"


def test_a_fork_keeps_the_outputs_before_the_changed_task(rig) -> None:
    rig.work = lambda name: ANSWER
    run = rig.start(tasks=tasks())
    rig.go(run)
    row = rig.store.reader.one("get_run", id=run)
    made = forked(original_of(rig.store.reader, row), read_fork({"task": "b", "id": "again"}), rig.house)
    rig.store.write(lambda tx: runs.start(tx, made, "test", rig.store.limits))
    rig.sent.clear()
    assert rig.go("again")["state"] == "completed"
    assert "Bees" in rig.sent["b"]


def test_rounds_have_the_outputs_of_the_last(rig) -> None:
    rig.work = lambda name: json.dumps({"title": name, "score": 9 if name == "a.r2" else 1})
    until = {"of": "{{output}}", "test": "contains", "value": '"score": 9'}
    rig.go(rig.start(tasks=tasks(repeat={"until": until})))
    assert "a.r2" in rig.sent["b"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"prompt": "x", "files": {"p": "a"}}, "files are of a command"),
        ({"argv": ["x"], "files": {"p": "../a"}}, "is no path of a file in the workspace"),
        ({"argv": ["x"], "files": {"p": "/a"}}, "must be a path within the workspace"),
        ({"argv": ["x"], "files": {"p": ".git/config"}}, "is no path of a file in the workspace"),
        ({"argv": ["x"], "files": {"p": "a"}, "outputs": ["p"]}, "in outputs and in files"),
        ({"prompt": "x", "outputs": ["a b"]}, "must be letters, digits"),
    ],
)
def test_outputs_that_cannot_be_are_refused(rig, change: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        rig.start(tasks=[{"id": "a"} | change])


def test_an_output_that_nobody_declares_is_refused_where_it_is_named(rig) -> None:
    with pytest.raises(InvalidInput) as error:
        rig.start(tasks=[{"id": "a", "prompt": "x"}, tasks()[1]])
    assert error.value.details["path"] == "tasks[1].prompt"


def test_a_run_in_memory_has_them_too() -> None:
    prompts: dict[str, str] = {}

    def work(job: Any) -> TaskResult:
        prompts[job.task_id] = plain_prompt(job)
        return TaskResult(ANSWER)

    policy = RunPolicy()
    made = [
        RunTask("a", TaskInput("x"), named=("title",)),
        RunTask("b", TaskInput("On {{deps.a.outputs.title}}"), deps=["a"]),
    ]
    options = Options(executor=InlineExecutor(1, work))
    run = new_orchestrator_with_defaults(policy, work, options).run(new_run("r", made, policy))
    assert (str(run.state), prompts["b"].endswith("On Bees")) == ("completed", True)
