"""What a page that means no good can make a real Chromium send, to the panel and to swarm: each refused.

The person is logged in to the panel in this very browser, and a task of theirs is claimed, so that any call
that came through would cancel or run something. At the end of every test nothing has changed.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import flask
import pytest

import control_panel
import swarm
from settings import Home
from tests.integration.swarm_rig import SwarmRig, request_of
from tests.unit.panel.in_a_browser import *  # noqa: F403  the fixtures
from tests.unit.panel.in_a_browser import RunningPanel, serving

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect

pytestmark = [pytest.mark.browser, pytest.mark.acceptance, pytest.mark.xdist_group("browser")]

#: What the answers to refused requests may be.
REFUSED = {400, 401, 403, 405, 415, 421}
#: Names under which another page is served: same site, another name of this machine, a foreign one.
PLACES = ["127.0.0.1", "localhost", "evil.example"]
CHANGES = ["/cycle", "/cancel", "/plan"]


class Seen:
    """Every request that came in at one of the two services, and how it was answered."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, int]] = []

    def watch(self, app: flask.Flask) -> flask.Flask:
        app.after_request(self._note)
        return app

    def _note(self, answer: flask.Response) -> flask.Response:
        self.requests.append((flask.request.method, flask.request.path, answer.status_code))
        return answer

    def statuses(self) -> set[int]:
        return {status for _, _, status in self.requests}


@pytest.fixture(scope="module")
def seen() -> Seen:
    return Seen()


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory, seen: Seen) -> Iterator[SwarmRig]:
    create = swarm.create_app
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(swarm, "create_app", lambda of: seen.watch(create(of)))
        with SwarmRig(tmp_path_factory.mktemp("swarm")) as rig:
            yield rig


@pytest.fixture(scope="module")
def claim(rig: SwarmRig) -> Any:
    return rig.claim(command="echo pwned")


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory, seen: Seen) -> Iterator[RunningPanel]:
    pages = seen.watch(control_panel.new_app())
    with RunningPanel(Home(tmp_path_factory.mktemp("panel")), pages=pages) as running:
        running.by.add("x")
        yield running


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    with serving(tmp_path_factory.mktemp("elsewhere")) as serve:
        yield serve


@pytest.fixture(scope="module")
def context(chromium: Any, panel: RunningPanel) -> Iterator[Any]:
    """A browser in which the person is logged in."""
    with contextlib.closing(chromium.new_context()) as context:
        page = context.new_page()
        page.goto(panel.link)
        expect(page.locator("#live")).to_be_visible()
        page.goto("about:blank")
        yield context


@pytest.fixture
def visitor(context: Any, panel: RunningPanel, rig: SwarmRig, claim: Any, seen: Seen) -> Iterator[Any]:
    """A page of somebody else's, whose visit must leave everything as it was."""
    attempt = dict(rig.attempt(claim))
    seen.requests.clear()
    page = context.new_page()
    yield page
    page.close()
    assert panel.state("x") == "ready"
    assert dict(rig.attempt(claim)) == attempt
    assert attempt["swarm"] is None
    assert rig.store.reader.counts()["pending"] == 0
    assert not list(rig.home.outputs.glob("*/*"))


def swarm_url(rig: SwarmRig) -> str:
    return f"http://127.0.0.1:{rig.swarm.port}"


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_form_posted_to_swarm_runs_nothing(
    visitor: Any, pages: Any, rig: SwarmRig, claim: Any, place: str, kind: str
) -> None:
    # A text/plain form whose one field is, with its equals sign, the JSON of a call.
    name, value = json.dumps({**request_of(claim), "tail": "="}).split("=", 1)
    form = (
        f'<form method="post" enctype="{kind}" action="{swarm_url(rig)}/cycle">'
        f"<input name='{name}' value='{value}'></form>"
    )
    visitor.goto(pages(form, place))

    with visitor.expect_response(lambda answer: answer.url.endswith("/cycle")) as posted:
        visitor.evaluate("document.forms[0].submit()")

    assert posted.value.status == 403


@pytest.mark.parametrize("place", PLACES)
def test_scripts_can_send_swarm_nothing_and_read_nothing(
    visitor: Any, pages: Any, rig: SwarmRig, claim: Any, place: str, seen: Seen
) -> None:
    visitor.goto(pages("", place))

    said = visitor.evaluate(
        """async ([url, paths, body]) => {
            const said = [];
            const ask = async (path, options) => {
                const asked = fetch(url + path, {credentials: "include", ...options});
                const answer = await asked.catch(() => null);
                said.push(answer ? await answer.text().catch(() => "") : "");
            };
            for (const path of paths) {
                await ask(path, {method: "POST", mode: "no-cors", body});
                await ask(path, {method: "POST", mode: "no-cors", body: new Blob([body])});
                await ask(path, {method: "POST", body, headers: {
                    "Content-Type": "application/json", "Authorization": "Bearer guess"}});
                await ask(path, {method: "PUT", body});
                navigator.sendBeacon(url + path, body);
            }
            for (const path of ["/status", "/openapi.json"]) {
                await ask(path, {});
                await ask(path, {mode: "no-cors"});
            }
            return said;
        }""",
        [swarm_url(rig), CHANGES, json.dumps(request_of(claim))],
    )

    assert set(said) == {""}
    assert seen.statuses() <= REFUSED
    assert len(seen.requests) >= 4


@pytest.mark.parametrize("place", PLACES)
def test_nothing_can_be_shown_or_read_as_a_part_of_another_page(
    visitor: Any, pages: Any, panel: RunningPanel, rig: SwarmRig, place: str, seen: Seen
) -> None:
    paths = [
        "/",
        "/live",
        "/tasks",
        "/list/live",
        "/pulse",
        "/pulse/stream",
        "/api/v1/events/stream",
        "/static/live.js",
        "/api/v1/tasks",
        "/static/skep.css",
        "/healthz",
    ]
    wanted = [f"{panel.url}{path}" for path in paths] + [f"{swarm_url(rig)}/status"]
    parts = "".join(
        f'<img src="{url}?img"><script src="{url}?script"></script><iframe src="{url}?frame"></iframe>'
        f'<link rel="stylesheet" href="{url}?style"><object data="{url}?object"></object>'
        f'<video src="{url}?video"></video><embed src="{url}?embed">'
        for url in wanted
    )

    visitor.goto(pages(parts, place), wait_until="load")

    assert seen.statuses() <= REFUSED
    assert len(seen.requests) >= 3 * len(wanted)
    assert visitor.evaluate("[...document.images].every(image => image.naturalWidth === 0)")
    assert visitor.evaluate("typeof htmx") == "undefined"


@pytest.mark.parametrize("place", PLACES)
def test_no_stream_and_no_socket_is_opened_for_another_page(
    visitor: Any, pages: Any, panel: RunningPanel, rig: SwarmRig, place: str, seen: Seen
) -> None:
    visitor.goto(pages("", place))

    opened = visitor.evaluate(
        """async (urls) => {
            const opened = [];
            const settled = (source) => new Promise((done) => {
                source.onopen = () => { opened.push(source.url); done(); };
                source.onmessage = source.onopen;
                source.onerror = done;
                source.onclose = done;
            });
            for (const url of urls) {
                const stream = new EventSource(url, {withCredentials: true});
                await settled(stream);
                stream.close();
                await settled(new WebSocket(url.replace("http:", "ws:")));
            }
            return opened;
        }""",
        [f"{panel.url}/live", f"{panel.url}/api/v1/tasks", f"{swarm_url(rig)}/status",
         f"{swarm_url(rig)}/cycle"],
    )  # fmt: skip

    assert opened == []
    assert seen.statuses() <= REFUSED
    assert len(seen.requests) >= 3


@pytest.mark.parametrize("target", ["panel", "swarm"])
def test_a_page_whose_name_was_bound_to_this_machine_is_not_answered(
    visitor: Any, panel: RunningPanel, rig: SwarmRig, claim: Any, target: str
) -> None:
    """The page is of the same origin as the service then, so neither CORS nor its Origin protects us."""
    port = panel.port if target == "panel" else rig.swarm.port
    origin = f"http://rebound.example:{port}"
    visitor.route(
        f"{origin}/attack",
        lambda route: route.fulfill(content_type="text/html", body="<title>attack</title>"),
    )
    visitor.goto(f"{origin}/attack")

    said = visitor.evaluate(
        """async ([paths, body]) => {
            const said = [];
            for (const path of paths) {
                const headers = {
                    "Content-Type": "application/json", "X-CSRF-Token": "x", "Authorization": "Bearer x"};
                for (const options of [{}, {method: "POST", body, headers}]) {
                    said.push((await fetch(path, options)).status);
                }
            }
            return said;
        }""",
        [["/", "/live", "/api/v1/tasks", "/api/v1/tasks/x/cancel", "/status", *CHANGES],
         json.dumps(request_of(claim))],
    )  # fmt: skip

    assert set(said) == {421}
    assert visitor.goto(f"{origin}/").status == 421


@pytest.mark.parametrize("address", ["0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "127.0.0.2"])
def test_no_other_spelling_of_this_machine_lets_a_page_in(
    visitor: Any, pages: Any, panel: RunningPanel, rig: SwarmRig, claim: Any, address: str, seen: Seen
) -> None:
    visitor.goto(pages("", "evil.example"))

    said = visitor.evaluate(
        """async ([hosts, body]) => {
            const said = [];
            for (const host of hosts) {
                const options = {method: "POST", mode: "no-cors", credentials: "include", body};
                await fetch(`http://${host}/cycle`, options).catch(() => null);
                await fetch(`http://${host}/api/v1/tasks/x/cancel`, options).catch(() => null);
                const answer = await fetch(`http://${host}/`).catch(() => null);
                said.push(answer && answer.status);
            }
            return said;
        }""",
        [[f"{address}:{panel.port}", f"{address}:{rig.swarm.port}"], json.dumps(request_of(claim))],
    )

    assert said == [None, None]
    assert seen.statuses() <= REFUSED


@pytest.mark.parametrize("place", PLACES)
def test_a_link_to_swarm_on_another_page_leads_nowhere(
    visitor: Any, pages: Any, rig: SwarmRig, place: str
) -> None:
    visitor.goto(pages(f'<a href="{swarm_url(rig)}/status">look</a>', place))

    with visitor.expect_response(lambda answer: answer.url.endswith("/status")) as visited:
        visitor.get_by_role("link").click()

    assert visited.value.status == 403


def test_a_person_may_look_at_the_status_and_the_panel_still_works(
    visitor: Any, panel: RunningPanel, rig: SwarmRig
) -> None:
    assert visitor.goto(f"{swarm_url(rig)}/status").status == 200
    visitor.goto(f"{panel.url}/tasks")
    expect(visitor.locator('tr[data-task="x"]')).to_be_visible()


def test_text_cannot_become_script_on_the_panels_own_page(visitor: Any, panel: RunningPanel) -> None:
    visitor.goto(f"{panel.url}/")
    expect(visitor.locator("#live")).to_be_visible()

    refused = visitor.evaluate(
        """() => {
            const tries = {
                innerHTML: () => { document.body.innerHTML = "<img src=x onerror=alert(1)>"; },
                insertAdjacentHTML: () => document.body.insertAdjacentHTML("beforeend", "<b>x</b>"),
                script: () => { document.createElement("script").textContent = "window.pwned = true"; },
                address: () => { document.createElement("script").src = "https://evil.example/x.js"; },
                policy: () => trustedTypes.createPolicy("mine", {createHTML: (text) => text}),
                again: () => trustedTypes.createPolicy("default", {createHTML: (text) => text}),
            };
            return Object.keys(tries).filter((name) => {
                try { tries[name](); return false; } catch { return true; }
            });
        }"""
    )

    assert refused == ["innerHTML", "insertAdjacentHTML", "script", "address", "policy", "again"]


def test_every_refusal_is_on_record_and_no_more_than_a_few_of_each_rule(
    panel: RunningPanel, rig: SwarmRig
) -> None:
    for store in (panel.store, rig.store):
        rows = store.reader.all("audit_after", after=0, limit=1000)
        refused = [json.loads(row["data"]) | dict(row) for row in rows if row["event"] == "request"]
        assert {row["decision"] for row in refused} == {"blocked"}
        assert len(refused) < 100
        assert any(row["rule"] == "foreign_request" and row.get("origin") for row in refused)
