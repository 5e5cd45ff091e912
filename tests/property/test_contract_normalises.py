"""Whatever a file holds: it is refused with a path, or normalising it twice equals once and loses nothing."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from errors import InvalidTask
from runtime_contract import FIELD_ALIASES, Limits, Task, normalize_queue, normalize_task

TEXTS = st.text(max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
#: values that are right often enough for whole tasks to pass
LIKELY: dict[str, st.SearchStrategy[Any]] = {
    "id": st.sampled_from(["a", "b.c", "-", ""]),
    "type": st.just("cycle"),
    "mode": st.sampled_from(["llm", "local", None]),
    "prompt": st.sampled_from(["x", "", None]),
    "command": st.sampled_from(["ls", "", None]),
    "argv": st.sampled_from([["ls"], [], None]),
    "profile": st.sampled_from(["agent", "", None]),
    "status": st.sampled_from(["pending", "requeue", "approved"]),
    "not_before": st.sampled_from([0, 1.5, "2030-01-01", None]),
    "timeout_s": st.sampled_from([1, 0.5, 0, None]),
    "decompose": st.booleans() | st.just("auto"),
    "expect": st.sampled_from([{}, {"schema": {}}, {"files": "a"}, None]),
}
ALIASES = [alias for aliases in FIELD_ALIASES.values() for alias in aliases]
KEYS = st.sampled_from([*Task.model_fields, *ALIASES, "note", "artifacts"]) | TEXTS


@st.composite
def tasks(draw: st.DrawFn) -> dict[str, Any]:
    keys = draw(st.lists(KEYS, unique=True, max_size=8))
    task: dict[str, Any] = {}
    for key in keys:
        likely = LIKELY.get(key, st.sampled_from(["x", 1, None, ["a"]]))
        task[key] = draw(st.one_of(likely, likely, likely, JSON))
    return {"id": "a", "prompt": "x"} | task if draw(st.booleans()) else task


def read(raw: dict[str, Any]) -> tuple[Task, dict[str, Any]] | InvalidTask:
    try:
        return normalize_task(raw, Limits(), "tasks[0]")
    except InvalidTask as error:
        return error


@given(tasks())
def test_a_task_is_refused_by_path_or_normalising_it_twice_equals_once(raw):
    before = repr(raw)
    found = read(raw)
    assert repr(raw) == before
    if isinstance(found, InvalidTask):
        assert found.message.startswith("tasks[0]")
        assert found.details["path"].startswith("tasks[0]")
        return
    task, document = found
    again, document_again = normalize_task(document, Limits())
    assert again == task
    assert list(document_again.items()) == list(document.items())


@given(tasks())
def test_what_passes_can_be_stored_and_read_again(raw):
    try:
        task, document = normalize_task(raw, Limits())
    except InvalidTask:
        return
    stored = json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    assert normalize_task(json.loads(stored), Limits())[0] == task


@given(tasks())
def test_no_key_is_lost_or_moved(raw):
    try:
        _, document = normalize_task(raw, Limits())
    except InvalidTask:
        return
    canonical = {alias: field for field, aliases in FIELD_ALIASES.items() for alias in aliases}
    kept = [key for key in raw if key in document]
    assert [key for key in document if key in raw] == kept
    for key in raw.keys() - document.keys():
        renamed = canonical.get(key) in document or (key == "task" and "command" in document)
        assert renamed or raw[key] in ("", None)
    for key in document.keys() & raw.keys():
        if raw[key] not in ("", None):
            assert document[key] is raw[key]


@given(st.dictionaries(st.sampled_from(["version", "tasks", "completed", "failed", "mine"]), JSON))
def test_normalising_a_queue_twice_equals_once(raw):
    once = normalize_queue(raw)
    assert repr(normalize_queue(once)) == repr(once)
