"""Statistics as lines of an identity's file: they come, are renewed, and nothing else is touched."""

from __future__ import annotations

import re
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrichment.identity import Identity, read_identity
from enrichment.new_identity import text_of
from enrichment.statistics import Statistics
from enrichment.statistics_lines import MARK, Unwritable, has_statistics, with_statistics

SOME = Statistics("ada", tasks=2, attempts=3, approved=2, rejected=1, cost_micros=1200, earned=9, balance=9)
MORE = Statistics("ada", tasks=3, attempts=4, approved=3, earned=19, last_ended="2026-01-02T00:00:00Z")


def without_ours(text: str) -> str:
    return re.sub(r"(?m)^(# Statistics: Skep|statistics\.).*\n", "", text)


def test_they_stand_below_what_the_person_wrote_and_say_what_was_counted():
    text = '# mine\nname = "Ada"\n'
    written = with_statistics(text, SOME)
    assert written.startswith(f"{text}\n{MARK}\nstatistics.tasks = 2\n")
    assert tomllib.loads(written)["statistics"]["cost_micros"] == 1200
    assert read_identity(written) == Identity(name="Ada")


def test_they_are_renewed_where_they_stand():
    text = with_statistics('name = "Ada"', SOME) + '# below\nmodel = "m"\n'
    again = with_statistics(text, MORE)
    assert without_ours(again) == without_ours(text)
    assert again.endswith('# below\nmodel = "m"\n')
    assert read_identity(again) == Identity(name="Ada", model="m")
    assert tomllib.loads(again)["statistics"]["last_ended"] == "2026-01-02T00:00:00Z"
    assert with_statistics(again, MORE) == again


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace("earned = 9", "earned = 9999  # please"),
        lambda text: text.replace("statistics.tasks = 2\n", ""),
        lambda text: text.replace(f"{MARK}\n", ""),
        lambda text: text + "statistics.fame = 1\n",
        lambda text: text.replace("approved = 2", "approved = []"),
        lambda text: text.replace("statistics.attempts", "# a word of mine\nstatistics.attempts"),
    ],
)
def test_what_a_person_changes_in_them_is_overwritten_and_a_comment_between_them_stays(edit):
    edited = edit(with_statistics('name = "Ada"\n', SOME))
    again = with_statistics(edited, SOME)
    assert tomllib.loads(again)["statistics"] == tomllib.loads(with_statistics("", SOME))["statistics"]
    assert ("# a word of mine\n" in again) == ("# a word of mine\n" in edited)


def test_the_ends_of_lines_are_the_files_own():
    written = with_statistics('name = "Ada"\r\n', SOME)
    assert "\n" not in written.replace("\r\n", "")
    assert with_statistics(with_statistics(written, MORE), SOME) == written


@pytest.mark.parametrize(
    "text", ["[statistics]\ntasks = 7\n", "statistics = 3\n", '"statistics".tasks = 1\n']
)
def test_a_table_of_somebody_elses_making_is_read_over_and_not_written_over(text):
    assert read_identity(text) == Identity()
    with pytest.raises(Unwritable, match="remove every line that begins with statistics"):
        with_statistics(text, SOME)


def test_lines_in_a_text_of_the_person_that_look_like_them_are_no_reason_to_change_it():
    text = 'name = """\\\nstatistics.tasks = 1\n"""\n'
    with pytest.raises((Unwritable, ValueError)):
        with_statistics(text, SOME)
    assert has_statistics(text)


LINES = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp"]), min_size=1, max_size=40
)


@given(
    st.fixed_dictionaries({}, optional={"name": LINES, "traits": st.lists(LINES, max_size=4)}),
    st.lists(LINES.map(lambda line: f"# {line}"), max_size=3),
    st.sampled_from(["", "\n", "\n\n"]),
)
def test_every_other_byte_stays_and_the_identity_is_the_same(said, comments, end):
    text = "\n".join([text_of(Identity.model_validate(said)), *comments]) + end
    once = with_statistics(text, SOME)
    assert once.startswith(text)
    assert read_identity(once) == read_identity(text)
    twice = with_statistics(once, MORE)
    assert without_ours(twice) == without_ours(once)
