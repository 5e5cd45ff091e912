"""What the tests of the panel's runs start with and ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.panel.furnish_runs import ANSWERS, RunFurnisher, compare_request

COMPARE = (Path(__file__).parents[2] / "examples" / "workflows" / "compare.yaml").read_text("utf-8")
#: What is known of a model, as the daemon keeps it.
PRICE = {"price": '["2", "10", "0", []]', "source": "a test", "context_window": 1000, "max_output": 100}


def know(store, model):
    store.write(lambda tx: tx.run("put_price", model=model, now=1.0, **PRICE))


@pytest.fixture
def work(store, home, clock):
    return RunFurnisher(store, home, clock)


@pytest.fixture
def compared(work, store):
    """A run that completed."""
    know(store, "gpt-4o")
    run = work.start(**compare_request(id="compare-1"))
    work.go(ANSWERS.__getitem__)
    return run


def told(browser, path):
    answer = browser.get(f"/api/v1/runs{path}")
    assert answer.status_code == 200, answer.text
    return answer.json


def ids(found):
    return [run["id"] for run in found["runs"]]
