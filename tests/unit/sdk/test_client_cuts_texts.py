"""A text that comes in pieces ends where the whole would end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from skep_client.cutting import Cut

LETTERS = st.text("abc", max_size=12)


@given(st.lists(LETTERS, max_size=8), st.lists(st.text("abc", max_size=4), max_size=3))
def test_pieces_are_cut_as_the_whole_is_and_no_word_is_told(pieces: list[str], words: list[str]) -> None:
    whole, cut = "".join(pieces), Cut(words)
    ends = [whole.find(word) for word in words if word and word in whole]

    assert "".join(map(cut.take, pieces)) + cut.rest() == whole[: min(ends, default=None)]
    assert cut.is_cut == bool(ends)


def test_what_cannot_be_the_beginning_of_a_word_is_told_at_once() -> None:
    cut = Cut(["STOP"])

    told = [cut.take(piece) for piece in ("a S", "o ST", "ay", "STOP b", "c")]
    assert told == ["a ", "So ", "STay", "", ""]
