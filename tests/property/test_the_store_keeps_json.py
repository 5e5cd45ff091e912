"""What the store writes as JSON is JSON, says what it was given, and says the same of the same."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.transaction import dump

TEXTS = st.text() | st.sampled_from(["NaN", "Infinity", "\ud800", "\u2028", '"\\'])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_written_reads_back_as_it_was(value):
    text = dump(value)
    assert json.loads(text) == value
    assert "\n" not in text
    text.encode()


@given(VALUES)
def test_the_same_value_is_always_the_same_text(value):
    assert dump(copy.deepcopy(value)) == dump(value)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_what_json_lacks_is_refused_wherever_it_stands(number):
    for value in (number, [1, number], {"a": {"b": number}}):
        with pytest.raises(ValueError, match="not JSON compliant"):
            dump(value)
