"""The corpus: hostile and honest inputs as lines of JSON, read into entries. ``corpus/README.md`` says what
each field means."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

FILES: Final = Path(__file__).resolve().parent / "corpus"
NAMES: Final = ("prompts", "commands", "queue_files", "http", "secrets")
FACES: Final = ("prompt", "command", "queue_file", "cycle", "panel", "secret")

Half = Literal["tuning", "held out"]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line."""

    id: str
    face: str
    mode: str | None
    allowed: bool
    rule: str | list[str] | None
    family: str
    why: str
    text: str = ""
    file: str = ""
    file_base64: str | None = None
    request: Mapping[str, Any] = field(default_factory=dict)
    repeat: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    tasks: Mapping[str, str | list[str]] = field(default_factory=dict)
    secret: tuple[str, ...] = ()
    environment: str | None = None
    form: str = "plain"
    redacted: bool = False

    @property
    def half(self) -> Half:
        """Which half it belongs to."""
        return half_of(self.id)

    @property
    def rules(self) -> frozenset[str]:
        """Any of these should answer; none where it is honest."""
        return frozenset([self.rule] if isinstance(self.rule, str) else self.rule or [])

    @property
    def whole_text(self) -> str:
        """The text with every mark filled in."""
        return self.fill(self.text)

    @property
    def whole_file(self) -> bytes:
        """The bytes of the queue file."""
        if self.file_base64 is not None:
            return base64.b64decode(self.file_base64)
        return self.fill(self.file).encode()

    def fill(self, text: str) -> str:
        """Put what is repeated in the place of its marks."""
        for mark, (piece, times) in self.repeat.items():
            text = text.replace(mark, piece * times)
        return text


def half_of(name: str) -> Half:
    """The half that an id belongs to: for good, and whatever else is in the corpus."""
    return "held out" if hashlib.sha256(name.encode()).digest()[0] % 2 else "tuning"


def load(*names: str) -> list[Entry]:
    """The entries of these files, or of all. Raises `TypeError` for a field that is not known."""
    return [
        Entry(**json.loads(line))
        for name in names or NAMES
        for line in (FILES / f"{name}.jsonl").read_text("utf-8").splitlines()
    ]


def digest() -> str:
    """Twelve digits that change with any line of the corpus."""
    found = hashlib.sha256()
    for name in NAMES:
        found.update((FILES / f"{name}.jsonl").read_bytes())
    return found.hexdigest()[:12]
