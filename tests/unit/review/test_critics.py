"""The deterministic critics, field by field of `expect`."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from outcome import Failure, Outcome, Verdict
from review import critics
from runtime_contract import Limits, normalize_task


def judge(
    workspace: Path,
    text: str = "fine",
    expect: dict[str, Any] | None = None,
    review: str = "auto",
    **fields: Any,
) -> Verdict:
    mode = fields.pop("mode", "llm")
    work = {"prompt": "x"} if mode == "llm" else {"command": "true"}
    raw = {"id": "t", "review": review, "expect": expect, **work}
    task, _ = normalize_task(raw, Limits(), is_expect_known=True)  # it may have come before the rules
    base = {
        "status": "completed",
        "task_id": "t",
        "lease": 1,
        "mode": mode,
        "started_at": 1.0,
        "ended_at": 8.0,
    }
    outcome = Outcome(**(base | fields))
    return critics.judge(critics.Work(task, outcome, text, workspace))


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    root.mkdir()
    (root / "a.txt").write_text("x")
    (root / "good.py").write_text("x = 1\n")
    (root / "bad.py").write_text("x = 1\nif x\n")
    (root / "large.py").write_text("x = 1\n" * 1_000_000)
    os.mkfifo(root / "pipe.py")
    (root / "folder").mkdir()
    (root / "out").symlink_to("/etc")
    (root / "loop").symlink_to("loop")
    return root


#: Asks for the same again, twice, thirty times over.
DOUBLED = {
    "$ref": "#/$defs/d30",
    "$defs": {
        "d0": {"type": "integer"},
        **{f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n - 1}"}] * 2} for n in range(1, 31)},
    },
}
NESTED = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}


@pytest.mark.parametrize(
    ("expect", "text"),
    [
        ({}, "anything"),
        ({"files": ["a.txt"]}, "x"),
        ({"files": "a.txt"}, "x"),
        ({"files": ["folder", "folder/../a.txt"]}, "x"),
        ({"format": "json"}, '{"a": 1}'),
        ({"format": "json"}, "```json\n[1]\n```"),
        ({"format": "json"}, "null"),
        ({"schema": NESTED}, '{"n": 1}'),
        ({"schema": {"$ref": "#/$defs/n", "$defs": {"n": {"type": "integer"}}}}, "5"),
        ({"schema": {}}, "5"),
        ({"contains": ["b", "a"]}, "abc"),
        ({"contains": "b"}, "abc"),
        ({"not_contains": ["B"]}, "abc"),
        ({"python_compiles": True}, "x = 1"),
        ({"python_compiles": True}, "```python\nx = 1\n```"),
        ({"python_compiles": False}, "if x"),
        ({"python_compiles": ["good.py"]}, "x"),
        ({"python_compiles": "good.py"}, "x"),
    ],
)
def test_an_answer_that_is_as_expected_is_approved(workspace, expect, text):
    verdict = judge(workspace, text, expect)
    assert (verdict.decision, verdict.confidence, verdict.issues) == ("APPROVE", 0.95, [])


@pytest.mark.parametrize(
    ("expect", "text", "finding"),
    [
        ({}, " \n", "the answer is empty"),
        ({"files": ["b.txt"]}, "x", "the file 'b.txt' does not exist in the workspace"),
        ({"format": "json"}, "hello", "the answer is not JSON from line 1, column 1 on"),
        ({"format": "json"}, "{'a': 1}", "the answer is not JSON"),
        ({"format": "json"}, '{"a": NaN}', "the answer is not JSON: NaN is no JSON value"),
        ({"format": "json"}, "1" * 5_000, "the answer is not JSON: a number in it has too many digits"),
        ({"files": ["pipe.py"]}, "x", "'pipe.py' in the workspace is neither a file nor a folder"),
        ({"format": "json"}, "-Infinity", "the answer is not JSON: -Infinity is no JSON value"),
        ({"format": "json"}, 'Sure! {"a": 1}', "the answer is not JSON"),
        ({"schema": NESTED}, "hello", "the answer is not JSON"),
        (
            {"schema": NESTED},
            '{"n": "1"}',
            "the answer breaks its schema at $.n: '1' is not of type 'integer'",
        ),
        ({"schema": NESTED}, "{}", "the answer breaks its schema at $: 'n' is a required property"),
        ({"schema": NESTED}, '{"n": true}', "True is not of type 'integer'"),
        ({"contains": ["a", "z"]}, "abc", "the answer does not contain 'z'"),
        ({"contains": ["A"]}, "abc", "the answer does not contain 'A'"),
        ({"not_contains": ["z", "b"]}, "abc", "the answer contains 'b'"),
        ({"python_compiles": True}, "x = 1\nif x", "the answer is not Python that compiles in line 2"),
        ({"python_compiles": True}, "a\0b", "the answer is not Python that compiles"),
        ({"python_compiles": True}, "(" * 5000, "the answer is not Python that compiles"),
        ({"python_compiles": ["bad.py"]}, "x", "bad.py is not Python that compiles in line 2"),
        ({"python_compiles": ["none.py"]}, "x", "the file 'none.py' does not exist in the workspace"),
        ({"python_compiles": ["pipe.py"]}, "x", "'pipe.py' in the workspace is no file"),
        ({"python_compiles": ["folder"]}, "x", "'folder' in the workspace is no file"),
        ({"python_compiles": ["loop"]}, "x", "the file 'loop' does not exist in the workspace"),
        ({"files": ["loop"]}, "x", "the file 'loop' does not exist in the workspace"),
    ],
)
def test_an_answer_that_is_not_is_rejected_with_the_finding(workspace, expect, text, finding):
    verdict = judge(workspace, text, expect)
    assert (verdict.decision, verdict.confidence) == ("REJECT", 0.9)
    assert len(verdict.issues) == 1
    assert finding in verdict.issues[0]


@pytest.mark.parametrize(
    ("expect", "text", "trouble"),
    [
        ({"files": ["/etc/passwd"]}, "x", "'/etc/passwd' lies outside the workspace"),
        ({"files": ["../workspace2"]}, "x", "lies outside the workspace"),
        ({"files": ["out/passwd"]}, "x", "lies outside the workspace"),
        ({"files": ["a\0b"]}, "x", "null byte"),
        ({"python_compiles": ["/etc/hostname"]}, "x", "lies outside the workspace"),
        ({"schema": {"type": "nonsense"}}, "5", "expect.schema is not a JSON Schema"),
        ({"schema": {"pattern": "("}}, '"x"', "could not judge"),
        ({"schema": {"$ref": "#/nowhere"}}, "5", "could not judge"),
        ({"schema": {"$ref": "#"}}, "5", "could not judge"),
        ({"schema": {"pattern": "^(a+)+$"}}, f'"{"a" * 60}!"', "could not be judged within"),
        ({"schema": DOUBLED}, "5", "could not be judged within"),
        ({"python_compiles": ["large.py"]}, "x", "'large.py' is larger than 4,000,000 bytes"),
        ({"format": "json"}, "[" * 100_000, "the answer is nested too deeply to be read"),
    ],
)
def test_a_critic_that_cannot_do_its_work_is_no_approval_but_a_question(workspace, expect, text, trouble):
    verdict = judge(workspace, text, expect)
    assert (verdict.decision, verdict.confidence) == ("HELD", 0.0)
    assert trouble in verdict.issues[0].replace("_", " ")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"output_cut": 10}, "could not judge whether its text is whole: 10 more bytes were not kept"),
        (
            {"expect": {"files": ["a\0b"]}},
            "could not judge whether its files are there: "
            "'a\\x00b' cannot be the name of a file: it holds a null byte",
        ),
        (
            {"expect": {"python_compiles": ["n" * 300]}},
            "could not judge whether its Python compiles: "
            f"'{'n' * 200}...' cannot be the name of a file: it is too long",
        ),
        (
            {"expect": {"python_compiles": ["gone/" * 300 + "x"]}},
            "the file 'gone/gone/",
        ),
    ],
    ids=["cut", "null byte", "too long", "long and missing"],
)
def test_what_cannot_be_judged_is_told_in_words_and_names_no_code_and_no_place(workspace, fields, words):
    (issue,) = judge(workspace, "half", **fields).issues

    assert issue.startswith(words)
    assert "_" not in issue
    assert str(workspace) not in issue


@pytest.mark.parametrize(
    "name", ["loop/../link/", "link/../loop/../link/", "through/", "missing/../link/", "link/"]
)
@pytest.mark.parametrize("file", ["secret.txt", "bad.py", "none.txt"])
@pytest.mark.parametrize("field", ["files", "python_compiles"])
def test_no_circle_of_links_leads_out_of_the_workspace(workspace, name, file, field):
    outside = workspace.parent / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("x = 1")
    (outside / "bad.py").write_text("if x")
    (workspace / "link").symlink_to(outside)
    (workspace / "through").symlink_to("loop/../link")

    verdict = judge(workspace, "x", {field: [name + file]})
    assert verdict.decision == "HELD"
    assert "lies outside the workspace" in str(verdict.issues), "nothing else is told, not even what is there"


@pytest.mark.parametrize("text", ["", " \n", "\u200b\u2800", "\u2066 \u2069"])
def test_an_answer_that_draws_nothing_is_empty(workspace, text):
    assert judge(workspace, text).issues == ["the answer is empty"]


@pytest.mark.parametrize(
    ("mode", "text", "expect", "decision"),
    [
        ("llm", "half", {}, "HELD"),
        ("llm", "", {}, "HELD"),
        ("llm", "half", {"contains": ["half"]}, "HELD"),
        ("local", "half", {}, "APPROVE"),
        ("local", "half", {"files": ["a.txt"]}, "APPROVE"),
        ("local", "half", {"contains": ["half"]}, "APPROVE"),
        ("local", "half", {"contains": ["half", "whole"]}, "HELD"),
        ("local", "half", {"not_contains": ["error"]}, "HELD"),
        ("local", "half, error", {"not_contains": ["error"]}, "REJECT"),
        ("local", '{"a": 1}', {"format": "json"}, "HELD"),
        ("local", "5", {"schema": {"type": "integer"}}, "HELD"),
        ("local", "x = 1", {"python_compiles": True}, "HELD"),
    ],
)
def test_what_was_not_kept_of_a_text_is_judged_by_nobody(workspace, mode, text, expect, decision):
    verdict = judge(workspace, text, expect, mode=mode, output_cut=10)

    assert verdict.decision == decision
    if decision == "HELD":
        assert any("10 more bytes were not kept" in issue for issue in verdict.issues)


def test_a_failing_command_fails_whatever_was_kept_of_its_words(workspace):
    verdict = judge(
        workspace, "half", {"not_contains": ["x"]}, mode="local", status="failed", exit_code=2, output_cut=10
    )

    assert verdict.decision == "REJECT"


def test_a_schema_cannot_make_the_critic_fetch_anything(workspace):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        verdict = judge(
            workspace, "5", {"schema": {"$ref": f"http://127.0.0.1:{listening.getsockname()[1]}/x"}}
        )

        assert verdict.decision == "HELD"
        with pytest.raises(BlockingIOError):
            listening.accept()


def test_a_schema_cannot_make_the_critic_read_a_file(workspace):
    path = workspace.parent / "schema.json"
    path.write_text('{"type": "string"}')

    verdict = judge(workspace, "5", {"schema": {"$ref": path.as_uri()}})

    assert verdict.decision == "HELD"
    assert "string" not in verdict.issues[0]


def test_what_is_bad_outweighs_what_could_not_be_judged(workspace):
    verdict = judge(workspace, "abc", {"files": ["/etc/passwd"], "contains": ["z"]})
    assert verdict.decision == "REJECT"
    assert len(verdict.issues) == 2


def test_findings_are_few_and_short_enough_for_the_next_prompt(workspace):
    schema = {"items": {"type": "string"}}
    verdict = judge(workspace, str(list(range(50))), {"schema": schema})
    assert len(verdict.issues) == critics.MOST_FINDINGS
    verdict = judge(workspace, "x", {"contains": ["y" * 2000]})
    assert [len(issue) for issue in verdict.issues] == [critics.LONGEST_FINDING]


@pytest.mark.parametrize("review", ["auto", "critic", "human", "none"])
@pytest.mark.parametrize(
    ("fields", "text", "finding"),
    [
        ({"exit_code": 1, "status": "failed"}, "a\nno such file\n", "exit code 1: no such file"),
        ({"exit_code": 1, "status": "completed"}, "", "exit code 1: it printed nothing"),
        ({"exit_code": -9, "status": "failed"}, "", "ended by signal 9"),
        ({"exit_code": -9, "status": "failed", "timed_out": True}, "", "did not end within 7 seconds"),
        ({"exit_code": 0, "status": "completed", "timed_out": True}, "", "did not end within 7 seconds"),
        ({"status": "failed", "failure": Failure(code="x", message="it broke")}, "", "it broke"),
        ({"status": "failed"}, "", "it did not come to its end"),
        ({"status": "cancelled"}, "", "it did not come to its end"),
    ],
)
def test_a_command_that_failed_is_refused_under_every_review(workspace, review, fields, text, finding):
    verdict = judge(workspace, text, review=review, mode="local", **fields)
    assert verdict.decision == "REJECT"
    assert finding in verdict.issues[0]


@pytest.mark.parametrize(
    ("ended_at", "told"), [(2.0, "1 second"), (3.0, "2 seconds"), (1.0, "0 seconds"), (2.2, "1 second")]
)
def test_a_limit_of_one_second_is_told_as_one(workspace, ended_at, told):
    verdict = judge(workspace, mode="local", status="failed", timed_out=True, ended_at=ended_at)
    assert verdict.issues == [f"it did not end within {told}"]


def test_a_command_may_print_nothing(workspace):
    assert judge(workspace, "", mode="local", exit_code=0).decision == "APPROVE"


def test_without_review_only_the_plain_facts_count_and_nobody_is_sure(workspace):
    verdict = judge(workspace, "", {"contains": ["z"]}, review="none")
    assert (verdict.decision, verdict.reviewer, verdict.confidence) == ("APPROVE", "none", 0.0)


@pytest.mark.parametrize(
    ("answer", "bare"),
    [
        ("```\nx\n```", "x"),
        ("  ```json\nx\ny\n```  \n", "x\ny"),
        ("```x```", "```x```"),
        ("```\nx", "```\nx"),
        ("a\n```\nx\n```", "a\n```\nx\n```"),
        ("```\n```", ""),
        ("", ""),
    ],
)
def test_only_one_fence_around_the_whole_answer_is_taken_off(answer, bare):
    assert critics.bare_answer(answer) == bare


def test_a_workspace_that_is_itself_a_link_is_looked_into(workspace, tmp_path):
    (tmp_path / "link").symlink_to(workspace)
    assert judge(tmp_path / "link", "x", {"files": ["a.txt"]}).decision == "APPROVE"
