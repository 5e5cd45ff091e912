"""Prompts, commands and secrets, sent to ``skep check --jsonl`` in one process."""

from __future__ import annotations

import base64
import json
import re
import urllib.parse
from collections.abc import Callable, Iterable
from typing import Any, Final

from testing.running_daemon import RunningDaemon
from tests.safety.corpus import Entry
from tests.safety.homes import ENVIRONMENT
from tests.safety.verdicts import Verdict

_FORMS: Final[dict[str, Callable[[str], str]]] = {
    "plain": str,
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "base64url": lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
    "url": lambda value: urllib.parse.quote(value, safe=""),
}


def ask(home: RunningDaemon, entries: Iterable[Entry]) -> list[Verdict]:
    """The verdict on each. Raises `AssertionError` unless every line was answered once, in order."""
    entries = list(entries)
    lines = [json.dumps({"id": each.id, "mode": each.mode, "text": text_of(each)}) for each in entries]
    told = home.skep("check", "--jsonl", given="\n".join(lines) + "\n")
    assert told.returncode == 0, told.stderr
    answers = [json.loads(line) for line in told.stdout.splitlines()]
    assert [answer["id"] for answer in answers] == [each.id for each in entries]
    return [_judge(each, answer) for each, answer in zip(entries, answers, strict=True)]


def text_of(entry: Entry) -> str:
    """What is sent: for a secret, the sentence with the secret in it."""
    return entry.whole_text.replace("{secret}", secret_of(entry)) if entry.secret else entry.whole_text


def secret_of(entry: Entry) -> str:
    """The secret, or its look-alike, as it stands in the text."""
    if entry.environment is not None:
        return _FORMS[entry.form](ENVIRONMENT[entry.environment])
    return "".join(entry.secret)


def _judge(entry: Entry, answer: dict[str, Any]) -> Verdict:
    rules = frozenset({answer["rule"]} - {None})
    if entry.face == "secret":
        text = answer["text"] or ""
        return Verdict(entry, _is_left(entry, text), rules, text, is_sentence_refused=not answer["allowed"])
    return Verdict(entry, answer["allowed"], rules, str(answer["reason"]))


def _is_left(entry: Entry, text: str) -> bool:
    """Whether the secret can still be read, be it a line of it; or whether the look-alike is whole."""
    secret = secret_of(entry)
    if not entry.redacted:
        return secret in text
    return any(part in text for part in re.split(r"\n|\\n", secret) if not part.startswith("-----"))
