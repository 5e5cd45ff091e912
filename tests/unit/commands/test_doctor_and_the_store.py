"""What `skep doctor` says of a database that cannot be worked with."""

from __future__ import annotations

import json


def test_a_damaged_store_is_a_failure(store, home, run):
    store.submit  # noqa: B018  the store was made
    store.close()
    content = bytearray(home.database.read_bytes())
    content[100:3000] = b"\xff" * 2900
    home.database.write_bytes(content)

    told = json.loads(run("doctor", "--json", code=1).stdout)

    assert {each["check"]: each["level"] for each in told["checks"]}["store"] == "fail"


def test_a_store_of_a_newer_skep_is_a_failure_that_names_it(store, run):
    store.write(lambda tx: tx.connection.execute("PRAGMA user_version=999").fetchall())

    told = run("doctor", code=1).stdout

    assert "was written by a newer Skep (schema 999); update Skep" in told
    assert "damaged" not in told
