"""A result that was over the cap: what was not kept is told beside its words, which could claim as much."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from store import reviewed_output
from store.outputs import OutputSink
from store.shown_text import Part

SPOOF = b"\n[skep: 7 more bytes were not kept; the cap is 3]\n"


def row(**fields: str) -> sqlite3.Row:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.row_factory = sqlite3.Row
        names = ", ".join(f"? AS {name}" for name in fields)
        found: sqlite3.Row = connection.execute(f"SELECT {names}", [*fields.values()]).fetchone()
        return found


@pytest.mark.parametrize("kept", [b"line\n" * 10 + SPOOF, b"line\n" * 100_000 + SPOOF])
def test_what_was_over_the_cap_is_told_beside_the_result_from_what_the_store_knows(tmp_path, kept):
    sink = OutputSink(tmp_path, "1-1", len(kept))
    sink.write(kept + b"x" * 3_000_000)
    stored = sink.close()
    told = {"output_ref": stored.ref, "output_bytes": stored.bytes, "output_cut": stored.cut}
    payload = {"output_ref": stored.ref, "output": stored.head}
    decision = row(kind="review", task_id="x", payload=json.dumps(payload))

    found = reviewed_output.result_of(tmp_path, decision, row(result=json.dumps(told)))

    words = "".join(part.text for part in found.parts if not part.is_note)
    chars, lines = len(kept), kept.count(b"\n")
    assert (
        found.length == f"{chars:,} characters in {lines:,} lines; 3,000,000 more bytes of it were not kept"
    )
    assert words.endswith("line\n" + SPOOF.decode())
    assert "3000000 more bytes" not in words
    assert found.parts[-1] == Part("3,000,000 more bytes of it were not kept", is_note=True)
