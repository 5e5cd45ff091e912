"""A panel that is killed in the middle of a rollback: its pages and its API say so until a person acts."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

import host_platform
from panel import undoing
from panel.context import Panel
from panel.undoing import LATELY_S
from road.checkpointing import Checkpointing
from store.claims import Claimant
from tests.integration.checkpoint_rig import Rig
from tests.integration.test_panel_page import Seen
from tests.integration.test_panel_process import port_told
from tests.unit.panel.conftest import *  # noqa: F403  the fixtures

HERE = Path(__file__).resolve().parents[2]
WHO = Claimant("w", host_platform.this_process(), 3600.0)
TOKEN = "t" * 64


@pytest.fixture
def rig(home, store):
    home.workspace.mkdir(parents=True, exist_ok=True)
    rig = Rig(home, store, WHO)
    rig.did("first", a_txt="0", b_txt="0", c_txt="0")
    rig.did("t", a_txt="1", b_txt="1", c_txt="1")
    return rig


def kill_a_panel(home):
    """A panel of its own brings three files back and dies before the second is in its place."""
    home.token.write_text(TOKEN)
    home.token.chmod(0o600)
    command = [sys.executable, "-m", "control_panel", "--home", str(home.root), "--port", "0"]
    environment = {**os.environ, "SKEP_FAULT": "rollback.written:2"}
    with subprocess.Popen(
        command, cwd=HERE, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            port = port_told(process)
            shown = ask(port, "/api/v1/tasks/t/rollback", {})
            with pytest.raises((http.client.HTTPException, ConnectionError)):
                ask(port, "/api/v1/tasks/t/rollback/do", {"digest": shown["rollback"]["result"]["digest"]})
            assert process.wait(10) == -signal.SIGKILL
        finally:
            process.kill()


def ask(port, path, body):
    sent = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("POST", path, json.dumps(body), sent)
        return json.loads(connection.getresponse().read())


def test_what_a_killed_panel_left_half_done_is_shown_until_a_person_answers(browser, rig, home):
    kill_a_panel(home)
    number, before = rig.row("t")["number"], rig.events("rollback.began")[0]["kept_as"]
    says = f"`skep rollback checkpoint:{number} --before --yes` finishes it; "
    says += f"`skep rollback checkpoint:{before} --all --yes` undoes it"
    shown = says.replace("`", "")  # what stands between is code there

    assert shown in Seen(browser.get("/tasks/t")).text  # also before any leader has looked
    Checkpointing(rig.store, rig.keeper).look()

    page = Seen(browser.get("/tasks/t"))
    assert shown in page.text
    assert (
        f"<code>skep rollback checkpoint:{before} --all --yes</code> undoes it"
        in browser.get("/tasks/t").text
    )
    assert any(each.startswith("Leave the files") for each in page.buttons())
    assert "rollback.broken_off" in page.text
    assert shown in Seen(browser.get("/")).text
    assert shown in Seen(browser.get("/inbox")).text
    assert shown not in Seen(browser.get("/tasks/first")).text
    assert says in browser.get("/api/v1/status").json["broken_rollbacks"][0]["told"]

    (question,) = browser.get("/api/v1/decisions").json["decisions"]
    answered = browser.post(f"/api/v1/decisions/{question['id']}/answer", {"answer": "leave"})

    assert answered.json["message"] == "The files stay as the rollback that broke off left them."
    assert "broken-rollback" not in browser.get("/tasks/t").text
    assert browser.get("/api/v1/status").json["broken_rollbacks"] == []


def test_rolling_back_again_on_the_page_finishes_it(browser, rig, home):
    kill_a_panel(home)
    Checkpointing(rig.store, rig.keeper).look()
    shown = browser.post("/api/v1/tasks/t/rollback").json["rollback"]["result"]

    done = browser.post("/api/v1/tasks/t/rollback/do", {"digest": shown["digest"]})

    assert done.json["rollback"]["state"] == "done"
    assert {name: (rig.files / name).read_text() for name in ("a.txt", "b.txt", "c.txt")} == dict.fromkeys(
        ("a.txt", "b.txt", "c.txt"), "0"
    )
    assert "broken-rollback" not in browser.get("/tasks/t").text
    assert browser.get("/api/v1/decisions").json["decisions"] == []


def test_one_that_died_behind_its_last_file_has_a_button_that_finishes_it(browser, rig, home):
    kill_a_panel(home)
    for name in ("a.txt", "b.txt", "c.txt"):
        (rig.files / name).write_text("0")
    Checkpointing(rig.store, rig.keeper).look()
    assert "Finish the rollback" not in Seen(browser.get("/tasks/t")).buttons()  # nothing is shown yet
    shown = browser.post("/api/v1/tasks/t/rollback").json["rollback"]["result"]
    page = Seen(browser.get("/tasks/t"))
    assert "nothing would change" in page.text
    assert "Finish the rollback" in page.buttons()

    done = browser.post("/api/v1/tasks/t/rollback/do", {"digest": shown["digest"]})

    assert done.json["message"] == "The files were so already."
    page = Seen(browser.get("/tasks/t"))
    assert "Finish the rollback" not in page.buttons()
    assert browser.get("/api/v1/decisions").json["decisions"] == []
    browser.post("/api/v1/tasks/t/rollback")
    assert "Finish the rollback" not in Seen(browser.get("/tasks/t")).buttons()


def test_undoing_it_is_shown_first_and_then_brings_all_of_the_workspace_back(browser, rig, home, clock):
    kill_a_panel(home)
    Checkpointing(rig.store, rig.keeper).look()
    (question,) = browser.get("/api/v1/decisions").json["decisions"]
    (rig.files / "later.txt").write_text("made since")
    path = f"/api/v1/decisions/{question['id']}/undo"
    for page in ("/tasks/t", "/inbox"):
        assert "Undo the rollback" not in Seen(browser.get(page)).buttons()  # nothing is shown yet

    shown = browser.post(path).json["rollback"]["result"]

    assert {(each["path"], each["action"]) for each in shown["paths"]} == {
        ("a.txt", "change"),
        ("later.txt", "delete"),
    }
    for page in ("/tasks/t", "/inbox"):
        seen = Seen(browser.get(page))
        assert "2 files would change." in seen.text
        assert any(each.startswith("Undo the rollback") for each in seen.buttons())
    assert "files that are new go" in browser.get("/inbox").text.replace("\n", " ")

    (rig.files / "b.txt").write_text("changed meanwhile")
    assert browser.post(f"{path}/do", {"digest": shown["digest"]}).status_code == 409
    (rig.files / "b.txt").write_text("1")
    shown = browser.post(path).json["rollback"]["result"]
    wanted = undoing.of_decision(cast("Panel", SimpleNamespace(reader=rig.store.reader)), question["id"])
    done = browser.post(f"{path}/do", {"digest": shown["digest"]}).json

    assert done["message"].startswith(
        f"2 files are as checkpoint {wanted.number} kept them, before the rollback"
    )
    assert wanted.after(1).startswith(f"as checkpoint {wanted.number} kept it, before the rollback")
    assert {each.name: each.read_text() for each in rig.files.iterdir()} == dict.fromkeys(
        ("a.txt", "b.txt", "c.txt"), "1"
    )
    assert browser.get("/api/v1/decisions").json["decisions"] == []
    for page in ("/tasks/t", "/inbox"):
        told = browser.get(page).text
        assert "before the rollback that broke off" in told
        assert "broken-rollback" not in told
    clock.advance(LATELY_S + 1)
    assert "before the rollback that broke off" not in browser.get("/inbox").text
    assert browser.post(path).status_code == 409
    assert browser.post("/api/v1/decisions/nobody/undo").status_code == 404
