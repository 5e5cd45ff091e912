"""A verdict of a model is of the asked form and says each thing once, or it is none."""

from __future__ import annotations

import pytest

from review.model_verdict import NoVerdict, read_verdict


@pytest.mark.parametrize(
    "answer",
    [
        '{"decision": "reject", "decision": "approve", "confidence": 0.99, "issues": []}',
        '{"decision": "approve", "confidence": 0.99, "issues": [], "really": "reject"}',
        '{"decision": "approve", "confidence": NaN, "issues": []}',
        '{"decision": "approve", "issues": []}',
        '{"decision": "approve", "confidence": 0.9, "issues": []} {"decision": "reject"}',
        "approve",
        "[" * 50_000,
    ],
)
def test_an_answer_that_contradicts_itself_or_says_more_is_none(answer: str) -> None:
    with pytest.raises(NoVerdict):
        read_verdict(answer, 0.7)


def test_a_plain_verdict_in_a_fence_is_read() -> None:
    fence = "```"
    told = f'{fence}json\n{{"decision": "approve", "confidence": 0.9, "issues": []}}\n{fence}'

    assert read_verdict(told, 0.7).decision == "APPROVE"
