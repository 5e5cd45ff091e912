"""The verdicts that are known to be wrong: by id and kind alone, in ``corpus/known.jsonl``.

``make safety-report`` writes the list. A test fails for a wrong verdict that is not in it, and for one in it
that is right by now, so that the list says what holds and gets shorter only by measuring.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from tests.safety.corpus import FILES
from tests.safety.verdicts import Verdict

LIST: Final = FILES / "known.jsonl"


def load() -> dict[str, str]:
    """The kind of each, by id."""
    lines = LIST.read_text("utf-8").splitlines() if LIST.exists() else []
    return {line["id"]: line["kind"] for line in map(json.loads, lines)}


def write(verdicts: Iterable[Verdict]) -> None:
    """Put these in the place of the list."""
    lines = [json.dumps({"id": each.entry.id, "kind": each.kind}) for each in verdicts if each.is_wrong]
    LIST.write_text("".join(f"{line}\n" for line in sorted(lines)), "utf-8")


def news(verdicts: Iterable[Verdict]) -> list[str]:
    """A line for each verdict that is wrong and not known, or known and right by now."""
    listed = load()
    lines = []
    for each in verdicts:
        known = listed.get(each.entry.id)
        if each.is_wrong and each.kind != known:
            lines.append(str(each))
        elif known is not None and not each.is_wrong:
            lines.append(f"{each.entry.id}: is right by now; `make safety-report` takes it off the list")
    return lines
