"""The corpora of `tests/safety/corpus`: one JSON object a line, with what the gateway should say to it.

`half` tells which the rules were tuned on. The families whose names end in 3 or later were written after
the rules, and those of them with an odd hash have never been looked at while tuning, so that their figures
tell how the rules do on what they have not seen.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

CORPUS = Path(__file__).resolve().parent / "corpus"


@dataclass(frozen=True)
class Case:
    """A text and the verdict it should get."""

    id: str
    mode: str
    text: str
    allowed: bool
    #: the rule that should answer, where one should
    rule: str | None
    family: str

    @property
    def half(self) -> Literal["tuned", "held-out"]:
        digest = hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).digest()
        is_held_out = self.family[-1] in "345" and digest[-1] % 2 == 1
        return "held-out" if is_held_out else "tuned"


def cases(name: str) -> Iterator[Case]:
    """The cases of one file."""
    for line in (CORPUS / f"{name}.jsonl").read_text("utf-8").splitlines():
        yield Case(**json.loads(line))
