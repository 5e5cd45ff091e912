"""What a person does on the panel, done by keyboard alone: no step here knows of a mouse."""

from __future__ import annotations

import contextlib
import json
import re

import pytest

from errors import OverBudget
from road.holding import Holding
from runtime_contract import ENDED
from settings import Home
from store import budgets
from store.budgets import BudgetLimits
from store.records import STATUS_OF_STATE
from store.steering_many import Steering
from tests.unit.panel.by_keyboard import Keyboard
from tests.unit.panel.furnish import HOSTILE
from tests.unit.panel.in_a_browser import *  # noqa: F403  the fixtures
from tests.unit.panel.in_a_browser import RunningPanel, visiting
from tests.unit.panel.queue_keeper import keeping, save

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect

pytestmark = [pytest.mark.browser, pytest.mark.acceptance, pytest.mark.xdist_group("browser")]

DOLLAR = 1_000_000


@pytest.fixture(scope="module")
def panel(tmp_path_factory):
    """One panel for all of them: each has tasks of its own."""
    with RunningPanel(Home(tmp_path_factory.mktemp("home"))) as running:
        yield running


@pytest.fixture(scope="module")
def context(chromium):
    with contextlib.closing(chromium.new_context(viewport={"width": 1280, "height": 800})) as context:
        yield context


@pytest.fixture
def page(context, panel):
    with visiting(context, panel) as page:
        yield page
        page.close()


@pytest.fixture(autouse=True)
def nothing_left(panel):
    """What one test has left is not in the way of the next."""
    yield
    left = [row["id"] for row in panel.store.reader.tasks() if STATUS_OF_STATE[row["state"]] not in ENDED]
    panel.store.steer_many(left, Steering(action="cancel", by="cli"))


@pytest.fixture
def keys(page):
    return Keyboard(page)


@pytest.fixture
def keeper(panel):
    panel.home.queue_file.unlink(missing_ok=True)  # it is written again from the store
    with keeping(panel.home, panel.store) as keeper:
        keeper.start_up()
        keeper.project()
        yield keeper


def say_yes(page, keys):
    """The question is open and the focus in it: go on to the button that does it."""
    keys.use(page.locator("#ask-yes"))
    expect(page.locator("#ask")).to_be_hidden()


def row(page, task_id):
    return page.locator(f'tr[data-task="{task_id}"]')


# -- logging in --------------------------------------------------------------------------------------------


def test_a_person_logs_in_by_the_printed_link_or_by_its_code_alone(chromium, panel):
    for told in ("link", "code"):
        with contextlib.closing(chromium.new_context()) as fresh:
            page = fresh.new_page()
            keys = Keyboard(page)
            page.goto(panel.url)
            expect(page.get_by_role("heading", name="Log in")).to_be_visible()
            keys.go(page.locator("#code"))
            keys.write("no link at all")
            keys.press("Enter")
            expect(page.get_by_role("alert")).to_have_text("This is not a login link.")
            assert keys.at() == "code"

            keys.rewrite(panel.link if told == "link" else panel.link.partition("code=")[2])
            if told == "link":
                keys.press("Enter")
            else:
                keys.use(page.locator("#log-in"), "Space")

            expect(page.locator("#freshness")).to_have_text("live")
            assert "code" not in page.url
            keys.skip_the_menu()


# -- schedules ---------------------------------------------------------------------------------------------


def test_a_schedule_is_run_now_its_next_time_skipped_and_it_is_stopped(page, panel, keys):
    panel.by.add("nightly", "weekly", every="0 3 * * *", prompt="Write the report.")
    keys.open("schedules")
    card = page.locator('[data-schedule="nightly"]')
    run, skip, stop = (page.locator(f"#{name}-nightly") for name in ("run", "skip", "stop"))

    keys.use(run)
    expect(page.locator("#told")).to_contain_text("is in the queue")
    expect(card.locator(".last")).to_contain_text(re.compile(r"nightly\.\d{8}T\d{6}Z"))
    expect(run).to_be_focused()

    first = card.locator(".times li").first.locator("time").first
    skipped = first.get_attribute("datetime")
    keys.use(skip, "Space")
    expect(page.locator("#ask-what")).to_contain_text("Skip the next time of nightly?")
    keys.press("Escape")
    expect(skip).to_be_focused()
    expect(first).to_have_attribute("datetime", skipped)
    keys.press("Space")
    say_yes(page, keys)
    expect(page.locator("#told")).to_contain_text("skips")
    expect(first).not_to_have_attribute("datetime", skipped)
    expect(skip).to_be_focused()

    keys.use(stop)
    expect(page.locator("#ask-reason")).to_be_focused()
    keys.write("enough")
    keys.press("Control+Enter")
    expect(card).to_have_count(0)
    row = panel.store.reader.task("nightly")
    assert (row["state"], row["reason"]) == ("cancelled", "enough")
    keys.press("Tab")
    assert "weekly" in keys.at()  # the card that follows


def test_the_focus_stays_where_the_last_schedule_stood(page, panel, keys):
    panel.by.add("last", every="0 3 * * *", prompt="Write the report.")
    keys.open("schedules")
    keys.use(page.locator("#stop-last"))
    keys.press("Control+Enter")
    expect(page.locator('[data-schedule="last"]')).to_have_count(0)
    expect(page.locator("#recurring")).to_be_focused()


@pytest.mark.parametrize(
    ("press", "then", "place"),
    [("pause", "resume", "pause"), ("kill-switch-on", "kill-switch-off", "kill-switch")],
)
def test_the_focus_stays_at_a_switch_that_is_another_once_it_was_pressed(
    page, panel, keys, press, then, place
):
    keys.skip_the_menu()
    for name, other in ((press, then), (then, press)):
        button = page.locator(f"#{name}")
        keys.use(button)
        if page.locator("#ask").is_visible():
            keys.go(page.locator("#ask-yes"))
            keys.press("Enter")
        expect(page.locator(f"#{other}")).to_be_visible()
        expect(page.locator(f'[data-place="{place}"]')).to_be_focused()
        keys.press("Tab")
        expect(page.locator(f"#{other}")).to_be_focused()


# -- money -------------------------------------------------------------------------------------------------


class Poor:
    """A home whose day has five dollars, with the worker's part in what cannot be paid of them."""

    def __init__(self, panel):
        self._panel = panel
        self._holding = Holding(panel.store)
        panel.store.write(lambda tx: budgets.keep_limits(tx, BudgetLimits(day=5 * DOLLAR)))

    def hold(self, task_id, dollars):
        """A task whose next call may cost so much."""
        claim = self._panel.by.start(task_id, prompt="Write.")
        held = OverBudget(held_by="day", waiting_for="budget day reached", needs_micros=dollars * DOLLAR)
        self._holding.hold(claim.ref, held, is_known=False)

    def go_on(self, task_id):
        """The worker looks whom the budgets can pay now, and takes what is ready."""
        self._holding.look()
        self._panel.by.start(task_id)


@pytest.fixture
def poor(panel):
    yield Poor(panel)
    panel.store.write(lambda tx: budgets.keep_limits(tx, BudgetLimits()))


def test_a_limit_is_topped_up_and_the_task_that_waited_for_it_goes_on(page, panel, keys, poor):
    poor.hold("dear", 6)
    keys.open("tasks")
    expect(row(page, "dear")).to_contain_text("budget day $5.00 reached")

    keys.open("budget")
    keys.use(page.locator("#add-day"))
    amount = page.locator("#money-add-amount")
    expect(amount).to_be_focused()
    keys.write("2.50")
    keys.press("Enter")
    expect(page.locator("#told")).to_have_text("The budget day has $2.50 more.")
    expect(page.locator("#money-add")).to_be_hidden()
    expect(page.locator('tr[data-limit="day"]')).to_contain_text("$7.50")
    assert keys.at() == "add-day"

    keys.back(page.locator("#to-tasks"))
    keys.press("Enter")
    poor.go_on("dear")
    expect(row(page, "dear").locator(".status")).to_have_text("in progress")


def test_what_a_held_task_needs_is_added_in_the_inbox_and_it_goes_on(page, panel, keys, poor):
    poor.hold("dearer", 60)
    keys.open("inbox")
    keys.press("j")
    keys.at()
    expect(page.locator(".decision:focus")).to_contain_text("add what dearer needs")
    keys.press("a")
    expect(page.locator("#ask-yes")).to_be_focused()
    keys.press("Enter")
    expect(page.locator("#told")).to_contain_text("The budget day has $")

    poor.go_on("dearer")
    keys.open("tasks")
    expect(row(page, "dearer").locator(".status")).to_have_text("in progress")


# -- the queue file ----------------------------------------------------------------------------------------


def test_a_broken_queue_file_is_found_read_to_its_place_and_mended(page, panel, keys, keeper):
    before = panel.home.queue_file.read_text("utf-8")
    save(panel.home, '{"tasks": [\n  {"id": "one", "prompt": "x"}\n  {"id": "two"}\n]}\n', keeper)

    keys.skip_the_menu()
    keys.use(page.locator("#to-queue-file"))
    page.wait_for_url("**/settings")
    expect(page.locator("#queue-error")).to_contain_text("line 3, column 3")
    keys.skip_the_menu()
    place = page.get_by_label("Line 3, column 3")
    keys.go(place)
    expect(place).to_contain_text('{"id": "two"}')

    queue = json.loads(before)
    queue["tasks"].append({"id": "one-of-the-file", "prompt": "x"})
    save(panel.home, json.dumps(queue), keeper)
    expect(page.locator("#queue-error")).to_have_count(0)
    expect(page.locator("#queue-fine")).to_have_text("It can be read, and nothing is wrong with it.")
    expect(page.locator("#last-merge")).to_contain_text("1 added")
    keys.press("Tab")
    keys.at()
    assert page.evaluate("document.activeElement.closest('#live') !== null")


def test_a_refused_entry_is_followed_to_its_page_and_corrected_there(page, panel, keys, keeper):
    queue = json.loads(panel.home.queue_file.read_text("utf-8"))
    queue["tasks"].append({"id": "wrong", "prompt": "x", "priority": "high"})
    save(panel.home, json.dumps(queue), keeper)
    keeper.project()

    keys.open("settings")
    keys.use(page.locator("#refused-wrong"))
    page.wait_for_url("**/tasks/wrong")
    keys.skip_the_menu()
    keys.go(page.locator("#edit-text"))
    keys.rewrite('{"id": "wrong", "prompt": "x", "priority": 3}')
    expect(page.locator("#edit-verdict")).to_contain_text("It keeps the contract")
    keys.use(page.locator("#edit-save"))

    expect(page.locator("#told")).not_to_be_empty()
    expect(page.locator("#standing .status")).to_have_text("pending")
    expect(page.locator("#timeline")).to_contain_text("task.edited")
    assert panel.store.reader.task("wrong")["priority"] == 3
    assert keys.at() == "edit-save"


def test_a_mass_removal_is_undone_and_another_accepted(page, panel, keys, keeper):
    names = [f"many-{number}" for number in range(40)]
    panel.by.add(*names)
    keeper.project()
    keys.open("settings")
    for button, state in (("Keep them", "ready"), ("Cancel them", "cancelled")):
        queue = json.loads(panel.home.queue_file.read_text("utf-8"))
        queue["tasks"] = [each for each in queue["tasks"] if each["id"] not in names]
        save(panel.home, json.dumps(queue), keeper)
        question = page.locator("[data-removal]")
        expect(question).to_contain_text("40")

        press = question.get_by_role("button", name=button)
        keys.use(press, "Space")
        expect(page.locator("#ask-about")).to_contain_text("many-39")
        expect(page.locator("#ask-no")).to_be_focused()
        say_yes(page, keys)
        expect(question).to_have_count(0)
        assert {panel.state(name) for name in names} == {state}
        keys.press("Tab")
        keys.at()
        keeper.project()


def test_the_doctor_is_asked_and_a_setting_is_found(page, panel, keys):
    keys.open("settings")
    doctor = page.locator("#run-doctor")
    keys.use(doctor)
    expect(page.locator("#told")).to_have_text("The checks have begun.")
    expect(doctor).to_be_focused()
    expect(page.locator("#findings li").first).to_be_visible(timeout=60_000)
    keys.go(page.locator("#find-setting"))
    keys.write("heartbeat seconds")
    expect(page.locator("#found-settings")).to_contain_text("2 of")


# -- answers -----------------------------------------------------------------------------------------------


def test_a_result_is_sent_back_with_feedback_from_its_own_page(page, panel, keys):
    panel.by.answer_twice(
        "notes", "one\n", "two\n", prompt="Write the notes.", review="human", max_attempts=3
    )
    keys.open("tasks")
    link = page.locator('tr[data-task="notes"] a.id')
    keys.go(link)
    panel.by.add("meanwhile")
    expect(row(page, "meanwhile")).to_be_visible()
    expect(link).to_be_focused()
    keys.press("Enter")
    page.wait_for_url("**/tasks/notes")
    keys.skip_the_menu()
    keys.use(page.locator("#reject"))
    expect(page.locator("#ask-about pre")).to_have_text("two")
    expect(page.locator("#ask-reason")).to_be_focused()
    keys.write("the date is missing")
    say_yes(page, keys)

    expect(page.locator("#told")).to_contain_text("is requeued with your feedback")
    expect(page.locator("#part-feedback")).to_contain_text("the date is missing")
    found = panel.store.reader.task("notes")
    assert (found["state"], json.loads(found["feedback"])) == ("ready", ["the date is missing"])
    keys.press("Tab")
    keys.at()
    assert page.evaluate("document.activeElement.closest('#main') !== null")


def test_an_open_question_is_given_a_deadline_on_its_tasks_page_and_it_is_lifted_again(page, panel, keys):
    decision = panel.by.ask("until", "Is it good?", "Dear all.", prompt="Write.")
    words = page.locator(f"#deadline-{decision}")
    page.goto(f"{panel.url}/tasks/until")
    keys.skip_the_menu()
    expect(words).to_contain_text("It waits for your answer without a deadline.")
    keys.use(page.locator(f"#set-deadline-{decision}"))
    keys.write("4h")
    say_yes(page, keys)
    expect(words).to_contain_text("Without an answer its task fails; nothing is approved.")
    assert keys.at() == f"set-deadline-{decision}"

    keys.use(page.locator(f"#lift-deadline-{decision}"))
    say_yes(page, keys)
    expect(words).to_contain_text("It waits for your answer without a deadline.")
    assert panel.store.reader.one("get_decision", id=decision)["deadline"] is None


def test_many_results_are_read_and_approved_together(page, panel, keys):
    for name in ("first", "second", "third"):
        panel.by.ask(name, f"Is {name} good?", f"Dear {name}. {HOSTILE}", prompt="Write.")
    keys.open("tasks")
    keys.use(page.locator("#filter-pending_review"))
    page.wait_for_url("**status=pending_review")
    keys.skip_the_menu()
    for name in ("second", "first"):
        keys.use(page.get_by_label(f"Select {name}", exact=True), "Space")
    expect(page.locator("#bulk-count")).to_have_text("2 selected.")
    keys.use(page.locator("#bulk-approve"))

    dialog, shown = page.locator("#bulk-ask"), page.locator("#bulk-shown")
    expect(dialog).to_contain_text("Approve 2 tasks? Their results stand below.")
    expect(shown.locator("pre")).to_have_text([f"Dear {name}. {HOSTILE}" for name in ("second", "first")])
    expect(page.locator("#bulk-no")).to_be_focused()
    keys.back(shown.locator("summary").last)
    keys.press("Enter")
    expect(shown.locator("pre").last).to_be_hidden()
    keys.back(shown)
    keys.use(page.locator("#bulk-yes"))

    expect(page.locator("#bulk-sum")).to_have_text("2 tasks approved.")
    assert [panel.state(name) for name in ("first", "second", "third")] == ["approved", "approved", "review"]
    assert keys.at() == "bulk-close"
    keys.press("Enter")
    expect(page.locator("#bulk-results")).to_be_hidden()
