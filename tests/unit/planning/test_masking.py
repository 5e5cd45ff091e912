"""What is protected keeps its length and its lines, and nothing looks inside."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planning.masking import HIDDEN, mask


def shown(ask: str) -> str:
    return mask(ask).replace(HIDDEN, "#")


@pytest.mark.parametrize(
    ("ask", "masked"),
    [
        ('say "a, b" now', "say ###### now"),
        ("say “a, b” now", "say ###### now"),
        ("say 'don't, b' now", "say ########## now"),
        ("the bees' honey, it's sweet", "the bees' honey, it's sweet"),
        ('5" wide, 6" high', '5" wide, 6" high'),
        ('an "open end\nof it\n\nnext', "an #########\n#####\n\nnext"),
        ("run `a; b` and ``c ` d``", "run ###### and #########"),
        ("one ` alone", "one ` alone"),
        ("(1) a (b, c) [ ] d", "(1) a ###### [ ] d"),
        ("~~~\na\n~~~\nb", "###\n#\n###\nb"),
        ("```\na, never closed", "###\n###############"),
        ("text\n\n    code, here\n\nmore", "text\n\n##############\n\nmore"),
        ("- item\n\n    still, the item", "- item\n\n    still, the item"),
        ("> quoted, line\nb", "##############\nb"),
        ("<a>x<a>y</a>z</a> b", "################# b"),
        ("<a>never closed, b", "<a>never closed, b"),
        ("see https://a.b/c,d?e. Then", "see #################. Then"),
        ('he said "no." Then', "he said ####. Then"),
    ],
)
def test_what_is_hidden(ask, masked):
    assert shown(ask) == masked


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("ab \n\t`'\"“”\u2018\u2019«»„()[]{}<>/#-*>~1.,:"), max_size=200))
def test_length_and_lines_stay(ask):
    masked = mask(ask)
    assert len(masked) == len(ask)
    assert [place for place, one in enumerate(ask) if one == "\n"] == [
        place for place, one in enumerate(masked) if one == "\n"
    ]
