"""The panel over a rebuilt database: of what was lost it tells what is known, and that the rest is lost."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

import skep
from tests.integration.panel_runs import told
from tests.integration.test_panel_page import Seen
from tests.unit.panel.conftest import *  # noqa: F403  the fixtures
from tests.unit.store_recovery.run_homes import rebuilt, rig_of, start_under
from tests.unit.store_recovery.worked_home import WorkedHome

TWO = [{"id": "first", "prompt": "x"}, {"id": "second", "prompt": "x", "deps": ["first"]}]


@pytest.fixture  # type: ignore[no-redef]  # in place of the empty one
def store(home, clock):
    """A home that lost the run `whole`, of which one task had completed, and a task of the run `part`."""
    worked = WorkedHome(home.root, clock).open()
    rig = rig_of(worked)
    rig.start(id="part", open=True, tasks=[{"id": "kept", "prompt": "x"}])
    worked.back_up()
    start_under(rig, "k", id="whole", tasks=TWO)
    rig.turn()
    rig.turn()
    rig.claim()
    rig.add("part", {"id": "late", "prompt": "x"})
    rebuilt(worked)
    yield worked.opened
    worked.close()


def test_the_page_of_a_lost_run_tells_its_tasks_and_that_the_rest_is_not_known(browser):
    page = Seen(browser.get("/runs/whole"))

    assert "1 of 2 completed, 1 lost" in page.text
    assert "It had 2 tasks, of which 1 completed" in page.text
    assert not [tag for tag, _ in page.tags if tag == "progress"]
    assert {"first", "second"} <= {each.get("data-task") for tag, each in page.tags if tag == "tr"}
    assert "No task is here right now" not in page.text
    assert "Tokenslost with the damaged database" in page.text.replace("\n", "")
    assert "Which of its tasks waited for which was lost with the damaged database" in page.text
    assert "What its tasks were told was lost with the damaged database" in page.text
    run = told(browser, "/whole")
    assert (run["tokens"], run["lost_tasks"], run["counts"]["completed"]) == (None, 1, 1)


def test_the_list_of_runs_does_not_call_a_lost_run_done(browser, home):
    page = Seen(browser.get("/runs")).text
    listed = CliRunner().invoke(skep.cli, ["--home", str(home.root), "run", "list"])

    assert "2 tasks, lost" in page
    assert "1 of 2" in listed.output
    assert "?" not in listed.output


@pytest.mark.parametrize("name", ["whole:first", "whole:second", "part:late"])
def test_the_page_of_a_task_whose_text_was_lost_says_so_and_nothing_else(browser, name):
    page = browser.get(f"/tasks/{name}")
    text = Seen(page).text

    assert "its text is lost" in text
    assert "What it asked for was lost with the damaged database" in text
    assert "that was lost with the damaged database" in page.text  # in place of the output
    assert "There is nothing to edit" in text
    for untrue in ("not understood", "broke the contract", "no output yet", "It is run as it stands"):
        assert untrue not in text


def test_what_to_do_about_a_lost_task_is_said_of_its_own_run(browser):
    assert "Start the run whole anew" in Seen(browser.get("/tasks/whole:second")).text
    assert (
        "Ask for late again under another id, to the run part" in Seen(browser.get("/tasks/part:late")).text
    )


def test_list_page_and_api_agree_on_the_tasks_of_a_run_that_lost_some(browser, home):
    run = told(browser, "/part")
    page = Seen(browser.get("/runs/part")).text

    assert (run["task_count"], run["lost_tasks"], sum(run["counts"].values())) == (2, 1, 2)
    assert "2 of 2 ended, 1 of them lost" in page
    assert "2 tasks, 0 dependencies" in page
    assert page.count("late") > 1
    one = CliRunner().invoke(skep.cli, ["--home", str(home.root), "show", "part:late"])
    assert "what it asked for was lost with the damaged database" in one.output
    shown = CliRunner().invoke(skep.cli, ["--home", str(home.root), "run", "show", "part"])
    assert "late" in shown.output
