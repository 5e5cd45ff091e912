"""An identity's file: what it may say, what it adds to a prompt, and how a mistake is told."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrichment.hats import HATS
from enrichment.identity import Identity, Unreadable, read_identity
from enrichment.new_identity import text_of
from runtime_contract import Limits, normalize_task
from safety.gateway import SafetyGateway
from settings import Settings


def test_an_identity_says_who_works_and_how():
    identity = read_identity(
        'name = "Ada"\nhat = "builder"\n'
        'traits = ["careful", "plain-spoken"]\npreferences = ["short functions"]'
    )
    assert identity.block("ada") == (
        f"You work as Ada, a builder. {HATS['builder']}\n"
        "Your traits: careful; plain-spoken.\n"
        "Your preferences: short functions."
    )


def test_an_identity_that_says_nothing_adds_nothing():
    assert read_identity("").block("ada") == ""
    assert read_identity('model = "small"').block("ada") == ""


def test_an_identity_without_a_name_goes_by_its_id():
    assert read_identity('traits = ["calm"]').block("ada") == "You work as ada.\nYour traits: calm."


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name = 3", "name: should be a valid string"),
        ('hat = "king"', "hat: should be 'strategist', 'builder', 'reviewer' or 'documenter'"),
        ('colour = "red"', "colour: is not known here; there are name, hat, traits"),
        ('name = "a\\nb"', "name: must be one line without control characters"),
        ('name = "a\\u202eb"', "name: must be one line without control characters"),
        ('traits = ["fine", ""]', "traits[1]: "),
        (f"traits = {['x'] * 17}", "traits: "),
        (f'traits = ["{"x" * 301}"]', "traits[0]: "),
        ("\n\nname = x", "line 3"),
        ("a" + ".a" * 8000 + "= 1", ""),
    ],
)
def test_a_mistake_is_told_with_its_field_or_line(text, told):
    with pytest.raises(Unreadable) as caught:
        read_identity(text)
    assert told in str(caught.value)


@pytest.mark.parametrize("hat", HATS)
def test_every_hat_passes_the_safety_gateway(hat, home):
    block = Identity(name="Ada", hat=hat, traits=["careful"], preferences=["short words"]).block("ada")
    task, _ = normalize_task({"id": "t", "prompt": f"{block}\n\nTASK:\nSum up the page."}, Limits())
    passed, report = SafetyGateway(home, Settings()).pre_execute_safety_check(task)
    assert passed, report


LINES = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp"]), min_size=1, max_size=80
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "name": LINES,
            "hat": st.sampled_from(sorted(HATS)),
            "traits": st.lists(LINES, max_size=16),
            "preferences": st.lists(LINES, max_size=16),
            "model": LINES,
            "free_time": st.lists(LINES, max_size=16),
        },
    )
)
def test_the_file_of_a_new_identity_says_what_was_asked_for(said):
    identity = Identity.model_validate(said)
    assert read_identity(text_of(identity)) == identity


@given(st.text(max_size=400) | st.binary(max_size=400).map(lambda raw: raw.decode("utf-8", "replace")))
def test_whatever_a_file_holds_is_read_or_told(text):
    with contextlib.suppress(Unreadable):
        assert isinstance(read_identity(text), Identity)
