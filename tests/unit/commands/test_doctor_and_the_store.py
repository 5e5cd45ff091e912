"""What `skep doctor` says of a database that cannot be worked with."""

from __future__ import annotations

import json

import pytest

from store import backup


@pytest.fixture
def with_a_copy(store, home):
    """A home that shows that it had a life, whose store is closed."""
    backup.copy_database(home.database, backup.newest(home))
    store.close()
    return home


def found(run, code: int = 1) -> dict[str, dict[str, str]]:
    told = json.loads(run("doctor", "--json", code=code).stdout)
    return {each["check"]: each for each in told["checks"]}


def damage(path) -> None:
    content = bytearray(path.read_bytes())
    content[100:3000] = b"\xff" * 2900
    path.write_bytes(content)


def test_a_damaged_store_is_a_failure(store, home, run):
    store.close()
    damage(home.database)

    assert found(run)["store"]["level"] == "fail"


def test_a_store_of_a_newer_skep_is_a_failure_that_names_it(store, run):
    store.write(lambda tx: tx.connection.execute("PRAGMA user_version=999").fetchall())

    told = run("doctor", code=1).stdout

    assert "was written by a newer Skep (schema 999); update Skep" in told
    assert "damaged" not in told


def test_a_database_that_is_gone_is_a_failure_told_as_every_verb_tells_it(with_a_copy, run):
    for path in with_a_copy.state.glob("state.db*"):
        path.unlink()

    told = found(run)

    assert "home" not in told
    assert told["store"]["level"] == "fail"
    assert told["store"]["told"] == f"The database of {with_a_copy.root} is gone."
    assert f"{told['store']['told']} {told['store']['way_out']}" in run("list", code=3).stderr
    assert {"rights", "workspace", "daemon", "kill switch", "queue file"} <= told.keys()


def test_an_emptied_database_is_told_as_every_verb_tells_it(with_a_copy, run):
    for path in with_a_copy.state.glob("state.db-*"):
        path.unlink()
    with_a_copy.database.write_bytes(b"")

    result = run("doctor", code=1).stdout

    assert "no such table" not in result
    assert (told := found(run)["store"])["told"] == f"The database of {with_a_copy.root} is empty."
    assert f"{told['told']} {told['way_out']}" in run("list", code=3).stderr


def test_what_cannot_be_held_against_a_damaged_database_waits_until_that_is_mended(store, home, run):
    store.close()
    damage(home.database)

    result = run("doctor", code=1).stdout
    told = found(run)

    assert "Look at the rights" not in result
    assert "Run `skep doctor`" not in result
    assert "skep up" in told["store"]["way_out"]
    assert (told["log"]["level"], "the database first" in told["log"]["way_out"]) == ("warn", True)
    assert "audit" not in told
