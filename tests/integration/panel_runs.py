"""What the tests of the panel's runs ask for."""

from __future__ import annotations

#: What is known of a model, as the daemon keeps it.
PRICE = {"price": '["2", "10", "0", []]', "source": "a test", "context_window": 1000, "max_output": 100}


def know(store, model):
    store.write(lambda tx: tx.run("put_price", model=model, now=1.0, **PRICE))


def told(browser, path):
    answer = browser.get(f"/api/v1/runs{path}")
    assert answer.status_code == 200, answer.text
    return answer.json


def ids(found):
    return [run["id"] for run in found["runs"]]
