"""Any program of this machine may ask for the description, as often as it likes."""

from __future__ import annotations

import importlib.util
from concurrent.futures import ThreadPoolExecutor

from execution import openapi
from localhost import model_schemas


def test_the_description_is_made_once_however_many_ask_at_once(monkeypatch):
    made, make = [], model_schemas.components

    def components(models):
        made.append(models)
        return make(models)

    monkeypatch.setattr(model_schemas, "components", components)
    spec = importlib.util.find_spec(openapi.__name__)
    assert spec is not None
    assert spec.loader is not None
    fresh = importlib.util.module_from_spec(spec)  # nobody has asked this one yet
    spec.loader.exec_module(fresh)

    with ThreadPoolExecutor(8) as threads:
        texts = list(threads.map(lambda _: fresh.text(), range(16)))

    assert len(made) == 1
    assert all(text is texts[0] for text in texts)
