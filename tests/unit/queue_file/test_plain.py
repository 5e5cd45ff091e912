from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from errors import InvalidTask
from runtime_contract import ENDED, STATUS_READINGS, Limits, normalize_task
from store.queue_file import plain

LIMITS = Limits(prompt_chars=12, command_chars=6, tags_items=2, name_chars=4, depends_on_items=2)
TEXTS = st.text(alphabet="ab \u200b\ud800é", max_size=14)
NUMBERS = st.one_of(st.integers(-3, 2_000_000), st.floats())
VALUES = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS, st.lists(TEXTS, max_size=3))
KEYS = [
    *("type", "prompt", "command", "mode", "depends_on", "parallel_safe", "status", "priority", "model"),
    *("identity_id", "run_id", "max_attempts", "max_tokens", "timeout_s", "tags", "argv", "task", "extra"),
]
LIKELY = {
    "type": st.just("cycle"),
    "mode": st.sampled_from(["llm", "local"]),
    "status": st.sampled_from(["pending", "queued", "approved", "nonsense"]),
    "prompt": TEXTS,
    "command": st.one_of(TEXTS, st.sampled_from(["\u3164", "\u200b -x", "gr\u00fc\u00df"])),
    "tags": st.lists(TEXTS, max_size=3),
}


@st.composite
def entries(draw: Any) -> dict[str, Any]:
    keys = draw(st.lists(st.sampled_from(KEYS), unique=True, max_size=6))
    return {"id": "t", **{key: draw(st.one_of(LIKELY.get(key, VALUES), VALUES)) for key in keys}}


@given(entries())
def test_the_quick_way_says_nothing_or_what_the_contract_says(raw: dict[str, Any]) -> None:
    found = plain.read(raw, "t", LIMITS)

    if found is not None:
        task, document = normalize_task(raw, LIMITS)
        assert found.task == task
        assert found.task.model_dump() == task.model_dump()
        assert found.task.model_fields_set == task.model_fields_set
        assert list(found.doc.items()) == list(document.items())
        assert STATUS_READINGS[task.status] not in ENDED


@given(entries())
def test_what_breaks_the_contract_is_never_plain(raw: dict[str, Any]) -> None:
    try:
        normalize_task(raw, LIMITS)
    except InvalidTask:
        assert plain.read(raw, "t", LIMITS) is None


def test_ordinary_tasks_are_plain() -> None:
    assert plain.read({"prompt": "say hello", "tags": ["a"], "priority": 3}, "t", Limits()) is not None
    assert plain.read({"id": "x", "command": "ls", "status": "pending"}, "x", Limits()) is not None
