from __future__ import annotations

import flask
import pytest

from panel import access
from tests.unit.panel.conftest import OWN, PORT

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def token(home, store):
    home.token.write_text("the-token")
    home.token.chmod(0o600)
    return "the-token"


def program(app, token):
    client = app.test_client()

    def ask(path, method="GET", headers=None, **options):
        sent = {"Authorization": f"Bearer {token}"} | (headers or {})
        return client.open(path, method=method, base_url=OWN, headers=sent, **options)

    return ask


def paths(app, prefix=""):
    """Every route with its methods, parameters filled in."""
    for rule in app.url_map.iter_rules():
        values = dict.fromkeys(rule.arguments, "x")
        if rule.endpoint == "static":
            values = {"filename": "skep.css"}
        _, path = app.url_map.bind("127.0.0.1").build(rule.endpoint, values).partition("/")[1:]
        for method in sorted(rule.methods - {"OPTIONS", "HEAD"}):
            if f"/{path}".startswith(prefix):
                yield f"/{path}", method


def test_every_route_of_the_api_answers_401_without_a_login(app):
    asked = list(paths(app, "/api/v1"))
    assert len(asked) >= 10
    for path, method in [*asked, ("/api/v1/nowhere", "GET"), ("/api/v1", "POST")]:
        answer = app.test_client().open(path, method=method, base_url=OWN, json={})
        assert (path, answer.status_code) == (path, 401)
        assert answer.mimetype == "application/problem+json"
        assert answer.json["code"] == "not_authenticated"


def test_every_page_asks_a_stranger_to_log_in(stranger):
    for path in ("/", "/nowhere"):
        answer = stranger.get(path, headers={"Accept": "text/html"})
        assert answer.status_code == 401
        assert "skep panel" in answer.text
        assert "X-CSRF-Token" not in answer.text


def test_every_answer_carries_the_headers(app, stranger, browser, by):
    by.add("x")
    for who in (stranger, browser):
        for path, method in paths(app):
            answer = who.get(path) if method == "GET" else who.post(path)
            headers = answer.headers
            assert "script-src 'self'; style-src 'self'" in headers["Content-Security-Policy"]
            assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
            assert (
                "require-trusted-types-for 'script'; trusted-types default"
                in (headers["Content-Security-Policy"])
            )
            assert "unsafe" not in headers["Content-Security-Policy"]
            assert headers["X-Frame-Options"] == "DENY"
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Referrer-Policy"] == "no-referrer"
            assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
            assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert headers["Cache-Control"] == ("no-cache" if path.startswith("/static") else "no-store")
            assert not [name for name, _ in headers if name.startswith("Access-Control")]
            assert answer.status_code < 500


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(stranger, home, clock):
    from panel.login import CodeBox

    answer = stranger.post("/login", {"code": CodeBox(home, clock).mint()})

    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith(f"__cp_{PORT}=")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Domain" not in cookie


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": None}, 200),
        ({"Sec-Fetch-Site": None}, 200),
        # the page's token
        ({"X-CSRF-Token": None}, 403),
        ({"X-CSRF-Token": ""}, 403),
        ({"X-CSRF-Token": "wrong"}, 403),
        ({"X-CSRF-Token": "\u00e9"}, 403),
        # nobody vouches that it is the page
        ({"Origin": None, "Sec-Fetch-Site": None}, 403),
        # other pages, whatever else they bring
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:9999"}, 403),
        ({"Origin": f"https://127.0.0.1:{PORT}"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "none", "Origin": None}, 403),
        ({"X-Forwarded-For": "127.0.0.1"}, 400),
        ({"Host": "evil.example"}, 421),
        ({"Host": f"rebound.example:{PORT}"}, 421),
    ],
)
def test_only_the_panels_own_page_may_change_anything(browser, by, store, headers, status):
    by.add("x")

    answer = browser.post("/api/v1/tasks/x/cancel", headers=headers)

    assert answer.status_code == status
    assert store.reader.task("x")["state"] == ("cancelled" if status == 200 else "ready")


@pytest.mark.parametrize("content_type", ["text/plain", FORM, "multipart/form-data; boundary=x", None])
def test_what_a_form_can_send_changes_nothing(browser, by, store, content_type):
    by.add("x")

    answer = browser.post("/api/v1/tasks/x/cancel", data="{}", content_type=content_type)

    assert answer.status_code == 415
    assert store.reader.task("x")["state"] == "ready"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_no_other_method_does_anything(browser, by, method):
    by.add("x")

    answer = browser._client.open("/api/v1/tasks/x/cancel", method=method, base_url=OWN)

    assert answer.status_code in {403, 405}


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (
            "/",
            {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
            200,
        ),
        (
            "/",
            {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
            403,
        ),
        ("/", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, 403),
        ("/", {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}, 403),
        ("/", {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}, 200),
        (
            "/live",
            {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
            403,
        ),
        ("/api/v1/tasks", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 403),
        ("/static/live.js", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "script"}, 403),
        ("/static/live.js", {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "script"}, 200),
        ("/healthz", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403),
    ],
)
def test_another_site_may_link_to_the_first_page_and_no_more(browser, path, headers, status):
    assert browser.get(path, headers=headers).status_code == status


def test_a_program_with_the_token_may_read_and_change(app, by, store, token):
    by.add("x")
    ask = program(app, token)

    assert ask("/api/v1/tasks").json["tasks"][0]["id"] == "x"
    assert ask("/api/v1/tasks/x/cancel", "POST", json={}).status_code == 200
    assert store.reader.task("x")["reason"] == "cancelled by api"


@pytest.mark.parametrize(
    ("given", "headers", "status"),
    [
        ("wrong", {}, 401),
        ("", {}, 401),
        ("the-token", {"Origin": OWN}, 403),
        ("the-token", {"Sec-Fetch-Site": "same-origin"}, 403),
        ("the-token", {"Host": "evil.example"}, 421),
    ],
)
def test_a_token_is_no_way_in_for_browsers_or_guessers(app, token, given, headers, status):
    assert program(app, given)("/api/v1/tasks", headers=headers).status_code == status


def test_a_token_that_others_can_read_is_no_token(app, home, token):
    home.token.chmod(0o644)

    assert program(app, token)("/api/v1/tasks").status_code == 401


def test_without_a_daemon_no_token_is_good(app, home):
    assert program(app, "")("/api/v1/tasks").status_code == 401


def test_a_wrong_code_is_refused_and_a_rest_says_how_long(stranger):
    for _ in range(5):
        assert stranger.post("/login", {"code": "guess"}).status_code == 401

    answer = stranger.post("/login", {"code": "guess"})
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) == 10


def test_another_page_cannot_use_up_the_failures(stranger, home, clock):
    from panel.login import CodeBox

    code = CodeBox(home, clock).mint()
    for _ in range(20):
        answer = stranger.post("/login", {"code": "guess"}, {"Origin": "https://evil.example"})
        assert answer.status_code == 403

    assert stranger.post("/login", {"code": code}).status_code == 200


def test_after_logging_out_the_cookie_is_worth_nothing(app, browser):
    cookie = browser._client.get_cookie(f"__cp_{PORT}", domain="127.0.0.1")

    assert browser.post("/logout").status_code == 200
    browser._client.set_cookie(cookie.key, cookie.value, domain="127.0.0.1")
    assert browser.get("/api/v1/tasks").status_code == 401


def test_a_session_of_an_earlier_start_is_worth_nothing(store, home, clock, browser):
    import control_panel

    again = control_panel.create_app(store, home, store.settings, port=PORT, clock=clock)
    cookie = browser._client.get_cookie(f"__cp_{PORT}", domain="127.0.0.1")
    client = again.test_client()
    client.set_cookie(cookie.key, cookie.value, domain="127.0.0.1")

    assert client.get("/api/v1/tasks", base_url=OWN).status_code == 401


def test_a_page_whose_session_is_gone_is_told_to_load_itself_again(stranger):
    answer = stranger.get("/live", headers={"HX-Request": "true"})

    assert (answer.status_code, answer.headers["HX-Refresh"]) == (401, "true")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("path", ["/api/spawner", "/api/spawner/", "/api/spawner/start", "/api/spawner/a/b"])
def test_the_old_way_to_spawn_a_task_is_gone_and_says_what_to_use(app, path, method):
    answer = app.test_client().open(path, method=method, base_url=OWN)

    assert answer.status_code == 410
    assert "worker.py is the only runner" in answer.json["detail"]


def test_health_is_told_without_a_login_and_tells_nothing_else(app):
    assert app.test_client().get("/healthz", base_url=OWN).json == {"status": "ok"}


def test_no_variable_of_the_environment_turns_debugging_on(store, home, monkeypatch):
    import control_panel

    monkeypatch.setenv("FLASK_DEBUG", "1")
    app = control_panel.create_app(store, home, store.settings, port=PORT)

    assert app.debug is False


# -- long bodies --------------------------------------------------------------------------------------------


def may_send(app, headers):
    with app.test_request_context("/", base_url=OWN, headers=headers):
        return access.may_send(app, flask.request)


def test_long_bodies_are_kept_of_programs_with_the_token_and_browsers_that_are_in(app, token, browser):
    cookie = browser._client.get_cookie(app.config["SESSION_COOKIE_NAME"], "127.0.0.1")
    assert cookie is not None

    assert may_send(app, {"Authorization": f"Bearer {token}"})
    assert may_send(app, {"Cookie": f"{cookie.key}={cookie.value}"})


def test_long_bodies_of_nobody_else_are_kept(app, token, browser):
    name = app.config["SESSION_COOKIE_NAME"]
    cookie = browser._client.get_cookie(name, "127.0.0.1")
    browser.post("/logout")

    assert not may_send(app, {})
    assert not may_send(app, {"Authorization": "Bearer wrong"})
    assert not may_send(app, {"Cookie": f"{name}=wrong"})
    assert not may_send(app, {"Cookie": f"{cookie.key}={cookie.value}"})
