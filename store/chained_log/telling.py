"""What a check of a copy came to, as every face tells it."""

from __future__ import annotations

from typing import Any

from store.chained_log.verify import VerifyResult


def to_json(found: VerifyResult) -> dict[str, Any]:
    """The result as JSON tells it."""
    bad = found.first_bad
    return {
        "ok": found.ok,
        "lines": found.lines,
        "files": found.files,
        "first_bad": None if bad is None else bad._asdict(),
        "note": found.note or None,
    }


def told(found: VerifyResult, what: str = "The log") -> str:
    """The result in a sentence."""
    note = f" {found.note}" if found.note else ""
    if found.first_bad is not None:
        return f"{found.first_bad.file}:{found.first_bad.line}: {found.first_bad.what}.{note}"
    files = f"{found.files} files" if found.files != 1 else "one file"
    return f"{what} is whole: {found.lines:,} lines in {files}, each as the store has it.{note}"
