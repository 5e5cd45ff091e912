"""The panel as a person meets it, in a real Chromium, and as pages that mean no good do."""

from __future__ import annotations

import contextlib
import re

import pytest

from tests.unit.panel.furnish import HOSTILE, furnish
from tests.unit.panel.in_a_browser import *  # noqa: F403  the fixtures
from tests.unit.panel.in_a_browser import visiting

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect

pytestmark = [pytest.mark.browser, pytest.mark.acceptance, pytest.mark.xdist_group("browser")]


@pytest.fixture
def page(context, panel):
    with visiting(context, panel, "/tasks") as page:
        yield page


def row(page, task_id):
    return page.locator(f'tr[data-task="{task_id}"]')


def test_the_link_logs_in_once_and_leaves_no_trace_in_the_address(chromium, context, panel):
    link = panel.link
    page = context.new_page()
    page.goto(link)

    expect(page.get_by_text("Drop in the first task")).to_be_visible()
    assert page.url == f"{panel.url}/"
    page.go_back()
    assert "code" not in page.url

    with contextlib.closing(chromium.new_context()) as other:
        second = other.new_page()
        second.goto(link)
        expect(second.get_by_role("alert")).to_have_text(re.compile("used before"))
        second.get_by_label("Or paste the link here").fill(panel.link)
        second.keyboard.press("Enter")
        expect(second.locator("#live")).to_be_visible()


def test_everything_is_stopped_with_a_reason_and_let_go_on(page, panel):
    furnish(panel.store)
    page.get_by_role("button", name="Kill switch", exact=True).click()
    dialog = page.locator("#ask")
    expect(dialog).to_contain_text("Stop everything?")
    dialog.get_by_role("button", name="Leave it").click()
    assert not panel.home.kill_switch.exists()

    page.get_by_role("button", name="Kill switch", exact=True).click()
    dialog.get_by_label("Why?").fill("it rewrites the wrong files")
    dialog.get_by_role("button", name="Kill switch").click()

    health = page.locator("#health")
    expect(health).to_contain_text(re.compile(r"Stopped: kill switch, \d\d:\d\d, by you\."))
    expect(health).to_contain_text("It rewrites the wrong files.")
    expect(page.locator("#health-news")).to_have_text(re.compile("Stopped: kill switch, .* by you"))
    expect(row(page, "classify-01")).to_contain_text("the kill switch is on: it rewrites the wrong files")
    assert panel.home.kill_switch.exists()

    page.get_by_role("button", name="Clear the kill switch").click()
    dialog.get_by_role("button", name="Clear the kill switch").click()
    expect(health).not_to_contain_text("Stopped: kill switch")
    assert not panel.home.kill_switch.exists()

    panel.home.kill_switch.write_text("by hand <b>\u202e")
    expect(health).to_contain_text("By hand <b>\\u202e.")


def test_tasks_are_seen_and_hostile_text_is_only_text(page, panel):
    furnish(panel.store)

    expect(row(page, "announce-release")).to_contain_text("needs you")
    expect(row(page, "publish-docs")).to_contain_text("check-links, which does not exist")
    expect(row(page, "count-lines")).to_contain_text("No such file or directory")
    expect(row(page, "strange-name")).to_contain_text(HOSTILE)
    expect(row(page, "strange-name")).to_contain_text("⟨U+202E⟩")
    expect(page.locator("#health")).to_contain_text("2 tasks need your decision.")
    expect(page).to_have_title("(2) Tasks · Skep")


def test_the_menu_of_a_phone_closes_on_escape_and_gives_the_focus_back(page):
    page.set_viewport_size({"width": 390, "height": 800})
    menu = page.locator("#menu-button")
    menu.click()
    page.locator("#to-tasks").focus()
    page.keyboard.press("Escape")

    expect(page.locator("#menu")).to_be_hidden()
    expect(menu).to_be_focused()
    expect(menu).to_have_attribute("aria-expanded", "false")


def test_a_change_appears_without_a_reload_and_the_focus_stays(page, panel):
    panel.by.add("x", "y")
    page.evaluate("window.isTheSamePage = true")
    expect(row(page, "x").locator(".status")).to_have_text("pending")
    row(page, "y").get_by_role("button", name="Cancel").focus()

    panel.by.approve("z", "all good")

    expect(row(page, "z").locator(".status")).to_have_text("approved")
    expect(row(page, "z")).to_contain_text("all good")
    expect(row(page, "y").get_by_role("button", name="Cancel")).to_be_focused()
    assert page.evaluate("window.isTheSamePage") is True


def test_an_idle_page_is_answered_with_nothing(page, panel):
    panel.by.add("x")
    expect(row(page, "x")).to_be_visible()

    with page.expect_response(lambda answer: answer.url.endswith("/pulse") and answer.status == 304):
        pass
    expect(row(page, "x")).to_be_visible()


def test_a_hidden_page_asks_for_nothing(page, panel):
    page.evaluate("Object.defineProperty(document, 'hidden', {get: () => true})")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    expect(page.locator("#freshness")).to_have_text("paused while hidden")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate("document.body.dispatchEvent(new Event('skep:changed'))")
    page.evaluate("new Promise(requestAnimationFrame)")
    assert asked == []


def test_cancelling_asks_first_and_then_does_it(page, panel):
    panel.by.add("x")
    button = page.get_by_role("button", name="Cancel x")
    button.click()
    expect(page.get_by_role("dialog")).to_contain_text("Cancel x? It waits and will not run.")
    page.get_by_role("button", name="Leave it").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert panel.state("x") == "ready"

    button.click()
    page.locator("#ask-yes").click()

    expect(page.locator("#told")).to_have_text("x is cancelled.")
    expect(row(page, "x").locator(".status")).to_have_text("cancelled")
    assert panel.state("x") == "cancelled"
    page.get_by_role("button", name="Retry x").click()
    expect(row(page, "x").locator(".status")).to_have_text("pending")


def press_yes(page):
    """Walk on to the button that does it, and press it."""
    for _ in range(6):
        if page.evaluate("document.activeElement.id") == "ask-yes":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_a_task_is_cancelled_and_everything_stopped_with_the_keyboard_alone(page, panel):
    panel.by.add("x")
    page.get_by_role("button", name="Cancel x").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Leave it")).to_be_focused()
    press_yes(page)
    expect(row(page, "x").locator(".status")).to_have_text("cancelled")

    page.get_by_role("button", name="Kill switch", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#ask-reason")).to_be_visible()
    while page.evaluate("document.activeElement.tagName") not in {"INPUT", "TEXTAREA"}:
        page.keyboard.press("Tab")
    page.keyboard.type("bees")
    press_yes(page)
    expect(page.locator("#health")).to_contain_text("Stopped: kill switch")
    assert panel.home.kill_switch.exists()

    page.get_by_role("button", name="Clear the kill switch").focus()
    page.keyboard.press("Enter")
    press_yes(page)
    expect(page.locator("#health")).not_to_contain_text("Stopped: kill switch")
    assert not panel.home.kill_switch.exists()


def test_a_decision_is_answered_with_the_keyboard_alone(page, panel):
    panel.by.ask("x", "Send it?", "Dear all, bees.", prompt="Write.", max_attempts=3)
    page.get_by_role("button", name="Requeue with feedback x").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("What it is about")).to_have_text("Dear all, bees.")
    expect(page.locator("#ask-reason")).to_be_focused()
    page.keyboard.type("Too many bees.")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(page.locator("#told")).to_contain_text("tried again")
    assert "Too many bees." in panel.store.reader.task("x")["feedback"]


def test_a_refusal_is_told(context, panel):
    page = context.new_page()
    page.goto(panel.link)
    page.get_by_role("link", name="Tasks").click()
    panel.by.ask("x", "Send it?", prompt="Write.", max_attempts=3)
    page.get_by_role("button", name="Approve x").click()
    panel.store.reject("x", "cli")
    page.locator("#ask-yes").click()

    expect(page.locator("#trouble")).to_contain_text("was answered")
    assert panel.state("x") == "ready"


def test_what_is_asked_about_stays_though_a_change_was_on_its_way(page, panel):
    panel.by.add("x")
    expect(row(page, "x")).to_be_visible()
    held: list = []

    def hold_the_first(route):
        route.continue_() if held else held.append(route)

    page.route("**/list/live*", hold_the_first)
    with page.expect_request("**/list/live*"):
        panel.by.add("y")
    page.get_by_role("button", name="Cancel x").click()
    with page.expect_request_finished(lambda request: "/list/live" in request.url):
        held[0].continue_()

    page.locator("#ask-yes").click()

    expect(page.locator("#told")).to_have_text("x is cancelled.")
    expect(row(page, "y")).to_be_visible()


#: What a tab says to the others when it has heard of a change.
PASS_ON = """
fetch("/pulse").then((answer) => answer.json()).then((heard) => new Promise((resolve) => {
  const others = new BroadcastChannel("skep-pulse");
  const echo = new BroadcastChannel("skep-pulse");
  echo.onmessage = resolve;
  others.postMessage(heard);
}))
"""


@pytest.mark.parametrize("other_tabs", [0, 1])
def test_what_changed_while_the_scripts_of_the_page_were_loading_is_seen(page, panel, context, other_tabs):
    for _ in range(other_tabs):
        context.new_page().goto(panel.url)
    page.bring_to_front()

    def tag():
        return context.request.get(f"{panel.url}/pulse").json()["tag"]

    held: dict = {}

    def hold(route):
        held[route.request.url.rpartition("/")[2]] = route

    for name in ("trusted.js", "copying.js"):  # the first and the last
        page.route(f"**/{name}", hold)
    before = tag()
    page.goto(f"{panel.url}/tasks", wait_until="commit")
    panel.by.add("late")
    while tag() == before:
        pass
    while len(held) < 2:
        page.evaluate("0")
    held["trusted.js"].continue_()
    while not page.evaluate("typeof turn === 'function'"):  # as far as the script that tells of changes
        pass
    for _ in range(3):  # a look that the page took too early has been answered by then
        page.evaluate("fetch('/pulse', { cache: 'no-store' }).then((answer) => answer.json())")
    if other_tabs:  # and what another tab has heard was passed on
        page.evaluate(PASS_ON)

    held["copying.js"].continue_()

    expect(row(page, "late")).to_be_visible()


def test_what_is_pressed_while_the_scripts_of_the_page_are_loading_is_done_once_they_are_there(page, panel):
    panel.by.add("x")
    held: list = []
    page.route("**/trusted.js", lambda route: held.insert(0, route))
    page.goto(f"{panel.url}/tasks", wait_until="commit")
    page.get_by_role("button", name="Cancel x").click()

    held[0].continue_()

    page.locator("#ask-yes").click()
    expect(page.locator("#told")).to_have_text("x is cancelled.")


def test_a_panel_that_is_gone_is_noticed(context, panel):
    page = context.new_page()
    page.goto(panel.link)
    expect(page.locator("#freshness")).to_have_text("live")

    panel.stop()

    expect(page.locator("#freshness")).to_contain_text("does not answer", timeout=20_000)


def test_logging_out_leads_back_to_the_login(context, panel):
    page = context.new_page()
    page.goto(panel.link)
    page.get_by_role("button", name="Log out").click()

    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_a_link_from_another_site_finds_the_person_logged_in(page, panel, context, elsewhere):
    visitor = context.new_page()
    visitor.goto(elsewhere(f'<a href="{panel.url}/">panel</a>', "localhost"))
    visitor.get_by_role("link").click()

    expect(visitor.locator("#live")).to_be_visible()


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_is_wider_than_the_window(page, panel, width):
    furnish(panel.store)
    page.set_viewport_size({"width": width, "height": 800})
    expect(row(page, "announce-release")).to_be_visible()

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [320, 1280])
def test_tools_are_seen_and_hostile_names_are_only_text(page, panel, tmp_path, width):
    name = "a" * 60
    (tmp_path / "config").mkdir()
    hostile = "<img src=x onerror=alert(1)>" + "w" * 300
    (tmp_path / "config/tools.toml").write_text(f'[[tool]]\nname = "{name}"\ndescription = "{hostile}"\n')
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{panel.url}/tools")

    expect(page.locator(f'tr[data-tool="{name}"]')).to_contain_text("<img src=x")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


ACTS = (
    "<div id=main hx-swap-oob=innerHTML>PWNED"
    "<b hx-post=/api/v1/pause hx-trigger=load hx-ext=json-body hx-swap=none>x</b></div>"
    "<div id=timeline hx-swap-oob=true><b hx-post=/api/v1/tasks/victim/approve hx-trigger=load>x</b></div>"
    "<script>document.title='owned'</script>"
)


@pytest.mark.parametrize("place", ["/tasks", "/tasks/x", "/inbox"])
def test_what_a_task_says_never_acts_for_the_person_who_answers_it(page, panel, place):
    panel.by.ask("victim", "Send it?", "fine", prompt="Write.", review="human")
    panel.by.ask("x", f"Is it good? {ACTS}", ACTS, prompt=f"Say {ACTS}", tags=[ACTS[:60]])
    asked = []
    page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
    page.goto(f"{panel.url}{place}")
    whole = {"/tasks": row(page, "x"), "/tasks/x": page.locator("#main")}.get(place)
    if whole is None:
        whole = page.locator("article.decision").filter(has_text="Is it good?")
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        whole.locator('button[id^="approve"]').first.click()
        page.locator("#ask-yes").click()
    page.goto(f"{panel.url}/tasks")
    expect(row(page, "x").locator(".status")).to_have_text("approved")

    assert panel.state("victim") == "review"
    assert panel.store.reader.fact("paused") is None
    assert len(asked) == 1
    assert "owned" not in page.title()


# -- pages that mean no good --------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_form_on_another_page_changes_nothing(page, panel, context, elsewhere, host, kind):
    panel.by.add("x")
    target = f"{panel.url}/api/v1/tasks/x/cancel"
    form = f'<form method="post" enctype="{kind}" action="{target}"><input name="a"></form>'
    visitor = context.new_page()
    visitor.goto(elsewhere(form, host))

    with visitor.expect_response(lambda answer: "/cancel" in answer.url) as posted:
        visitor.evaluate("document.forms[0].submit()")

    assert posted.value.status == 403
    assert panel.state("x") == "ready"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_script_on_another_page_changes_and_reads_nothing(page, panel, context, elsewhere, host):
    panel.by.add("x")
    visitor = context.new_page()
    visitor.goto(elsewhere("", host))

    said = visitor.evaluate(
        """async (url) => {
            const said = [];
            for (const [path, options] of [
                ["/api/v1/tasks/x/cancel", {method: "POST", mode: "no-cors", body: "{}"}],
                ["/api/v1/tasks/x/cancel", {method: "POST", body: "{}", headers: {
                    "Content-Type": "application/json", "X-CSRF-Token": "x"}}],
                ["/api/v1/tasks", {}],
                ["/list/live", {mode: "no-cors"}],
            ]) {
                const asked = fetch(url + path, {credentials: "include", ...options});
                const answer = await asked.catch(() => null);
                said.push(answer && await answer.text().catch(() => ""));
            }
            return said;
        }""",
        panel.url,
    )

    assert [text or "" for text in said] == ["", "", "", ""]
    assert panel.state("x") == "ready"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_another_page_cannot_show_the_panel_in_a_frame(page, panel, context, elsewhere, host):
    panel.by.add("x")
    visitor = context.new_page()
    with visitor.expect_response(lambda answer: answer.url == f"{panel.url}/") as framed:
        visitor.goto(elsewhere(f'<iframe src="{panel.url}/"></iframe>', host))

    assert framed.value.status == 403
    assert all(frame.locator("#live").count() == 0 for frame in visitor.frames)


def test_a_name_that_was_bound_to_this_machine_gets_nowhere(chromium, panel):
    with contextlib.closing(chromium.new_context(extra_http_headers={"X-Test": "1"})) as context:
        visitor = context.new_page()
        answer = visitor.goto(f"http://rebound.localhost:{panel.port}/")

        assert answer.status == 421
