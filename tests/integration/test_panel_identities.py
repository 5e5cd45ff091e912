"""The page of identities over a real store: who did what, the ledger, the journals."""

from __future__ import annotations

import pytest

from enrichment import new_identity
from enrichment.identity import Identity
from enrichment.statistics import statistics_of
from panel.background import Figures, Job
from panel.identity_views import STRETCH
from store import journal, ledger
from tests.integration.test_panel_page import HOSTILE_TEXTS, Seen
from tests.unit.commands.test_rewards import grant_of
from tests.unit.panel.conftest import *  # noqa: F403  the fixtures

PATHS = ("/identities", *(f"/api/v1/identities{part}" for part in ("", "/deeds", "/ledger", "/journal")))


def did(by, store, task, identity, became="approved"):
    """An attempt that was made as an identity."""
    by.start(task, identity_id=identity)
    row = store.reader.task(task)

    def conclude(tx):
        tx.run("note_identity", task=row["seq"], lease=row["lease"], identity=identity)
        tx.run("end_attempt", task=row["seq"], lease=row["lease"], became=became, findings=None, now=tx.now)

    store.write(conclude)


def earned(store, tokens):
    """Tokens by identity, a grant each."""

    def grant(tx):
        for number, (identity, given) in enumerate(tokens):
            ledger.grant(tx, grant_of(f"t{number}", identity, given))

    store.write(grant)


def test_everybody_is_told_with_what_they_did(browser, by, store, home):
    new_identity.add(home.identities, "ada", Identity(hat="builder", traits=["calm"]))
    did(by, store, "a1", "ada")
    did(by, store, "a2", "ada", "rejected")
    did(by, store, "b1", "bob")

    told = {each["id"]: each for each in browser.get("/api/v1/identities").json["identities"]}

    assert told["ada"]["statistics"] == statistics_of(store.reader, "ada")[0].as_json()
    assert (told["ada"]["hat"], told["bob"]["statistics"]["approved"]) == ("builder", 1)
    seen = Seen(browser.get("/identities?identity=ada")).text
    assert "calm" in seen
    assert "a2" in seen
    assert "b1" not in seen
    assert "$0.00" in seen  # money is told as everywhere
    assert "$0.0000" not in seen


def test_deeds_are_told_in_pages_that_miss_none(browser, by, store):
    for number in range(7):
        did(by, store, f"t{number}", "ada" if number % 2 else "bob")

    first = browser.get("/api/v1/identities/deeds?limit=4").json
    rest = browser.get(f"/api/v1/identities/deeds?limit=4&before={first['next']}").json

    assert [each["task_id"] for each in first["deeds"] + rest["deeds"]] == [f"t{n}" for n in range(6, -1, -1)]
    only = browser.get("/api/v1/identities/deeds?identity=ada").json["deeds"]
    assert [each["task_id"] for each in only] == ["t5", "t3", "t1"]


def test_rare_deeds_are_looked_for_a_stretch_at_a_time(browser, by, store):
    did(by, store, "t0", "ada")

    def lengthen(tx):
        tx.connection.execute("UPDATE task SET seq = seq")
        tx.connection.execute(
            "INSERT INTO task (seq, id, state, lane, priority, doc, source, created) "
            "SELECT ?, 'far', 'ready', lane, priority, doc, source, created FROM task",
            (STRETCH + 100,),
        )

    store.write(lengthen)
    first = browser.get("/api/v1/identities/deeds").json

    assert first == {"deeds": [], "next": "101_0"}
    assert len(browser.get("/api/v1/identities/deeds?before=101_0").json["deeds"]) == 1


def test_the_ledger_and_the_journals_are_told_in_pages(browser, store):
    earned(store, [("ada", 9), ("bob", 5), ("ada", 8)])
    for words in ("one", "two", "three"):
        store.write(lambda tx, words=words: journal.write(tx, "ada", words, "cli", 2))

    first = browser.get("/api/v1/identities/ledger?limit=4").json
    rest = browser.get(f"/api/v1/identities/ledger?limit=4&before={first['next']}").json
    assert [each["tokens"] for each in first["entries"] + rest["entries"]] == [-2, -2, -2, 8, 5, 9]
    assert [
        each["tokens"] for each in browser.get("/api/v1/identities/ledger?identity=bob").json["entries"]
    ] == [5]
    page = browser.get("/api/v1/identities/journal?limit=2&identity=ada").json
    assert [each["text"] for each in page["entries"]] == ["three", "two"]
    older = browser.get(f"/api/v1/identities/journal?limit=2&identity=ada&before={page['next']}").json
    assert [each["text"] for each in older["entries"]] == ["one"]
    assert "three" in Seen(browser.get("/identities")).text


def test_nobody_is_told_how_somebody_begins(browser):
    assert "skep identities add ada" in Seen(browser.get("/identities")).text


@pytest.mark.parametrize("query", ["done=x", "paid=x", "written=x", "what=1"])
def test_a_place_that_was_never_told_is_refused(browser, query):
    assert browser.get(f"/identities?{query}").status_code == 400


def test_dear_figures_are_counted_beside_the_requests_and_kept(clock):
    counted = []

    def count():
        counted.append(clock.now())
        clock.advance(2)
        return len(counted)

    figures = Figures(Job(clock), clock)
    assert figures.get(count).result == 1
    clock.advance(90)
    assert figures.get(count).result == 1
    clock.advance(20)
    figures.get(count)
    figures._job.wait(10)

    assert figures.get(count).result == 2
    figures.close()


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_text_is_only_text(browser, by, store, text, home):
    clean = text.encode("utf-8", "replace").decode()
    did(by, store, "t1", clean or "x")
    earned(store, [(clean or "x", 9)])
    store.write(lambda tx: journal.write(tx, clean or "x", f"words {clean}", clean, 1))
    home.identities.mkdir(exist_ok=True)
    (home.identities / "bad.toml").write_text(f"# {clean}\nhat = '{clean.replace(chr(39), '')}'", "utf-8")

    page = browser.get("/identities")
    seen = Seen(page)
    assert page.status_code == 200
    assert [found for tag, found in seen.tags if tag == "script" and "src" not in found] == []
    assert [found for tag, found in seen.tags if tag == "img" and "onerror" in found] == []
    assert not any(name.startswith(("on", "hx-on")) for _, found in seen.tags for name in found)
    assert not any(mark in page.text for mark in "\x00\x07\x1b\u202e")


@pytest.mark.parametrize("path", PATHS)
def test_nobody_looks_without_a_login(stranger, path):
    assert stranger.get(path).status_code == 401
