"""What a task that runs as one forbids of its own answer, and what only sounds like it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from outcome import Outcome
from review import critics
from review.intent_critic import compare
from review.own_must_nots import MOST_CHARS, own_must_nots
from runtime_contract import Task

HERE = Path(__file__).resolve().parents[3]
CORPORA = [
    "tests/safety/corpus/benign.jsonl",
    "tests/safety/corpus/prompts.jsonl",
    "benchmarks/planning/tuned.jsonl",
    "benchmarks/planning/held_out.jsonl",
    "benchmarks/tool_routing/requests.jsonl",
]
#: An answer with every form that can be forbidden.
EVERYTHING = (
    "\n😀! ? https://example.org\n```\nx\n```\n| a | b |\n|---|---|\n"
    "- a\n1. b\n# Head\n#tag ; — **bold** <b> ( ) 1\n"
)


@pytest.mark.parametrize(
    "prompt",
    [
        "Write a haiku without exclamation marks.",
        "Tell me about bees but do not mention honey.",
        "Describe our tent. Never mention the price.",
        "Write an ad that does not mention the price.",
        "Write about spring and never use exclamation marks.",
        "Draft a tweet. Keep it short, include a hashtag, and do not use emojis.",
        "Note: please do not use emojis. Write a greeting.",
        "Write a greeting.\n\n## Rules\n- No emojis\n- Be warm",
        "Summarise notes.md in a paragraph. Do not mention prices.",
        "The answer must not mention 'rain'.",
        "Describe DNA. Do not exceed 50 words.",
        "Tell me about bees. You must not say honey.",
        'Write about bees. It must not contain the word "honey".',
    ],
)
def test_an_order_about_the_answer_is_seen(prompt):
    assert len(own_must_nots(prompt)) == 1


@pytest.mark.parametrize(
    "prompt",
    [
        "Rewrite this sentence: Do not mention the price.",
        "Translate to French: Do not use emojis!",
        "Summarise the email below.\n\nHi, do not mention the price.\nBest",
        "Proofread:\n- Do not use emojis\n- never mention Bob",
        "What does this sign mean?\nExplain it: Do not use the word 'fire'.",
        "Explain why good ads never mention the price.",
        "List reasons why people do not use emojis.",
        "Write a policy that says staff must not mention the price.",
        "Write a story about a man who never uses the word 'I'.",
        "Write a poem about a robot that must never use the word 'human'.",
        "The hero must not mention 'rain'. Write his diary.",
        "What happens if you never mention taxes?",
        "How do I write without using emojis?",
        "Fix the bug where users cannot use the word 'admin'.",
        "Write a Python function that sums numbers. Do not use lists.",
        "Write an SQL query. Do not use the name 'users'.",
        "My teacher says never to use exclamation marks. Is she right?",
        'Write a test which checks that "do not use emojis" is obeyed.',
        f"Write a greeting. Do not use emojis. {'x' * MOST_CHARS}",
        # written afterwards, to mislead it
        "Write ten rules for texting. One is: never use emojis.",
        "Draft a code of conduct: members must not mention politics.",
        "Write a dialogue in which Anna must not mention Bob.",
        "Write a story about Tom. Tom does not mention his brother.",
        "List fruits without digits in their names.",
        "Write a memo about why we do not name suppliers.",
        "Describe a park where there are no links between the paths.",
        "Write instructions for a form: users must not use brackets.",
        "Write a letter. I do not want to mention the divorce, just the move.",
        "Teach me to write emails. Don't mention salary is advice 3; expand on it.",
        "Explain headings in HTML. Do not use headings h4 to h6.",
        "Write a limerick about someone who can't use the word 'the'.",
        "Never mention ex-partners on a first date, right?",
    ],
)
def test_what_may_be_anything_else_is_not_held_against_an_answer(prompt):
    rules = list(own_must_nots(prompt))
    assert [
        each for each in compare({"must_nots": rules}, prompt, prompt + EVERYTHING) if each.is_violation
    ] == []


def honest_prompts() -> Iterator[tuple[str, str]]:
    for name in CORPORA:
        for line in (HERE / name).read_text("utf-8").splitlines():
            row: dict[str, Any] = json.loads(line)
            text = row.get("text") or row.get("prompt")
            if isinstance(text, str):
                yield row["id"], text


def test_of_all_prompts_that_are_kept_here_only_those_can_be_failed_that_say_so_themselves():
    armed = {}
    for name, prompt in honest_prompts():
        rules = list(own_must_nots(prompt))
        answer = prompt.replace("'", "").replace('"', "") + EVERYTHING
        if any(each.is_violation for each in compare({"must_nots": rules}, prompt, answer)):
            armed[name] = rules
    assert armed == {
        "t017": ["Do not mention prices."],
        "t018": ["Never use exclamation marks."],
        "t029": ["Do not mention competitors"],
        "t203": ["Do not mention owners."],
        "t238": ["Without using the words 'then' or 'finally', write a short story about a race."],
        "t243": ["Keep it under 200 characters, include a hashtag, and do not use emojis."],
        "t305": ["Never mention the price."],
    }


def judged(mode: str = "llm", **fields: Any) -> critics.Work:
    task = Task.model_validate(
        {"id": "t", "mode": "llm", "prompt": "Write a greeting. Do not use emojis. At most 1 word."} | fields
    )
    outcome = Outcome(
        task_id="t", lease=1, mode=mode, status="completed", result="", started_at=0.0, ended_at=1.0
    )
    return critics.Work(task, outcome, "good day 😀", Path())


def test_a_violated_must_not_rejects_and_nothing_else_of_the_intent_is_looked_at():
    assert critics.judge(judged()).issues == ["the answer has emoji, though it must not: Do not use emojis."]
    assert critics.drift_of(judged()) == []


def test_nothing_is_held_against_a_tools_output_or_what_is_not_reviewed():
    assert critics.judge(judged("local")).decision == "APPROVE"
    assert critics.judge(judged(review="none")).decision == "APPROVE"
