"""What a reader copies from a page works: shell blocks run, JSON keeps the contract, snippets verify."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from runtime_contract import normalize_queue, validate_queue_contract
from testing.running_daemon import free_port
from tests.unit.audit_log.audit_home import audit_home_at

pytestmark = pytest.mark.xdist_group("examples")

HOME = Path(__file__).resolve().parents[2]
README = (HOME / "README.md").read_text("utf-8")
QUEUE = (HOME / "docs" / "queue.md").read_text("utf-8")
EVENTS = (HOME / "docs" / "events.md").read_text("utf-8")
AUDIT = (HOME / "docs" / "audit.md").read_text("utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def environment(**more: str) -> dict[str, str]:
    """A shell of a person who has just installed Skep, and has no model."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SKEP_")}
    return kept | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "SKEP_SWARM_PORT": str(free_port()),
        "SKEP_PANEL_PORT": str(free_port()),
        "SKEP_OLLAMA_URL": f"http://127.0.0.1:{free_port()}",
        **more,
    }


@pytest.fixture(scope="module")
def fresh_home(tmp_path_factory):
    """The home that README's block makes, and what it printed."""
    marked = re.search(r"<!-- run: a fresh home -->\n```sh\n(.*?)```", README, re.DOTALL)
    assert marked is not None
    folder = tmp_path_factory.mktemp("readme")
    (folder / ".venv").symlink_to(sys.prefix)  # as in a checkout
    done = subprocess.run(
        ["sh", "-e", "-c", marked[1]],
        cwd=folder,
        env=environment(HOME=str(folder), PATH=os.defpath),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return folder / "my-home", done.stdout


def test_the_first_steps_of_the_readme_run_as_they_are_written(fresh_home) -> None:
    _, printed = fresh_home

    assert "The log is whole" in printed
    assert '"event": "task.approved"' in printed


def test_the_llm_task_of_the_sample_waits_and_says_why(fresh_home) -> None:
    home, _ = fresh_home
    shown = json.loads((home / "queue.json").read_text("utf-8"))

    assert [(task["id"], task["waiting_for"][:19]) for task in shown["tasks"]] == [
        ("ask-a-model", "no model configured")
    ]


def test_the_snippet_that_verifies_the_log_by_hand_verifies_it(fresh_home, tmp_path) -> None:
    home, _ = fresh_home
    (snippet,) = [block for block in blocks(EVENTS, "python") if "sha256" in block]
    log = (home / "execution_log.jsonl").read_bytes()

    (tmp_path / "execution_log.jsonl").write_bytes(log)
    whole = run_snippet(snippet, tmp_path)
    (tmp_path / "execution_log.jsonl").write_bytes(log.replace(b'"approved"', b'"Approved"', 1))
    changed = run_snippet(snippet, tmp_path)
    lines = log.splitlines(keepends=True)
    (tmp_path / "execution_log.jsonl").write_bytes(b"".join(lines[:2] + lines[3:]))
    shortened = run_snippet(snippet, tmp_path)

    assert (whole.returncode, whole.stdout) == (0, "The chain is whole.\n"), whole.stderr
    assert "was changed" in changed.stderr
    assert "does not continue" in shortened.stderr


def test_the_snippet_that_verifies_the_audit_by_hand_verifies_it(tmp_path) -> None:
    (snippet,) = blocks(AUDIT, "python")
    with audit_home_at(tmp_path) as audit_home:
        for _ in range(4):
            audit_home.decide(20)
            audit_home.export(audit_rotate_bytes=4096)
        whole = run_snippet(snippet, audit_home.home.state)
        audit_home.file.write_bytes(audit_home.file.read_bytes().replace(b"allowed", b"blocked", 1))
        changed = run_snippet(snippet, audit_home.home.state)
        audit_home.files()[1].unlink()
        shortened = run_snippet(snippet, audit_home.home.state)

    assert (whole.returncode, whole.stdout) == (0, "The chain is whole.\n"), whole.stderr
    assert "was changed" in changed.stderr
    assert "does not continue" in shortened.stderr


def run_snippet(snippet: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", snippet], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("text", blocks(README, "json") + blocks(QUEUE, "json"))
def test_an_example_of_a_queue_keeps_the_contract(text: str) -> None:
    example = json.loads(text)
    queue = example if isinstance(example, dict) else {"tasks": example}

    assert queue["tasks"]
    assert validate_queue_contract(normalize_queue(queue)) == []


def test_a_whole_example_keeps_the_contract_as_it_stands() -> None:
    whole = [json.loads(text) for text in blocks(QUEUE, "json") if '"version"' in text]

    assert len(whole) == 1
    assert validate_queue_contract(whole[0]) == []


@pytest.mark.parametrize("page", sorted((HOME / "docs").glob("*.md")), ids=lambda path: path.stem)
def test_every_block_of_json_is_json(page: Path) -> None:
    for text in blocks(page.read_text("utf-8"), "json"):
        json.loads(text)


def test_every_make_target_that_a_page_names_exists() -> None:
    makefile = (HOME / "Makefile").read_text("utf-8")
    pages = [
        HOME / "README.md",
        HOME / "CONTRIBUTING.md",
        HOME / "CHANGELOG.md",
        *(HOME / "docs").glob("*.md"),
    ]
    named = {name for page in pages for name in re.findall(r"`make ([a-z-]+)", page.read_text("utf-8"))}
    named |= set(re.findall(r"^make ([a-z-]+)", README, re.MULTILINE))

    assert [name for name in sorted(named) if not re.search(rf"^{name}:", makefile, re.MULTILINE)] == []
