"""`skep check --jsonl` answers every line, whatever stands in it."""

from __future__ import annotations

import json
import subprocess
import sys


def test_what_json_lacks_costs_only_its_own_line() -> None:
    twice = '{"id":1,"text":"Write a haiku.","text":"x"}'
    lines = ['{"id":NaN,"text":"x"}', '{"id":1e999,"text":"x"}', twice, '{"id":2,"text":"Write a haiku."}']
    ran = subprocess.run(
        [sys.executable, "-m", "skep", "check", "--jsonl"],
        input="\n".join(lines) + "\n",
        capture_output=True,
        text=True,
        check=False,
    )

    answers = [json.loads(line) for line in ran.stdout.splitlines()]
    assert ran.returncode == 0
    assert [each["allowed"] for each in answers] == [False, False, False, True]
    assert "no number that JSON has" in answers[0]["error"]
