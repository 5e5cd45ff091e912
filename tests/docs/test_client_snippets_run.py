"""Every piece of Python in the client's README runs as it is written, against a real swarm and worker."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from testing.model_server import ModelServer
from tests.integration.worker_rig import PRICED, WorkerRig

README = (Path(__file__).resolve().parents[2] / "sdk" / "README.md").read_text("utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("home")
    with ModelServer() as model, WorkerRig(root, llm_base_url=model.url, **PRICED) as rig:
        yield str(rig.home.root)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=[str(number) for number in range(1, len(SNIPPETS) + 1)])
def test_a_snippet_runs(
    snippet: str, home: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SKEP_HOME", home)
    names: dict[str, Any] = {"__name__": "snippet"}
    exec(compile(snippet, "sdk/README.md", "exec"), names)
    if "skep" in names:
        names["skep"].shut()

    printed = capsys.readouterr().out
    assert ("too dear: " if "too dear" in snippet else "ok" if "ask(" in snippet else "") in printed
    assert printed.strip()


def test_a_run_takes_three_lines() -> None:
    lines = [line for line in SNIPPETS[0].splitlines() if line and not line.startswith("from ")]
    assert len(lines) == 3
