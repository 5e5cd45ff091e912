from __future__ import annotations

import logging

import flask
import pytest

from errors import ModelBusy, NotAuthenticated, NotFound
from localhost import problems


@pytest.fixture
def client():
    app = flask.Flask(__name__)
    problems.install(app)

    @app.get("/fails/<what>")
    def fails(what):
        raise {
            "ours": NotFound("There is no task 'x'.", task_id="x"),
            "login": NotAuthenticated(),
            "busy": ModelBusy("busy", retry_after_s=2.2),
            "surprise": RuntimeError("/home/me/secret is broken"),
        }[what]

    @app.get("/slash/")
    def slash():
        return "fine"

    return app.test_client()


def test_our_errors_are_problems_with_their_details(client):
    answer = client.get("/fails/ours")

    assert answer.status_code == 404
    assert answer.mimetype == "application/problem+json"
    assert answer.json == {
        "type": "urn:skep:problem:not_found",
        "title": "There is no such thing.",
        "status": 404,
        "detail": "There is no task 'x'.",
        "code": "not_found",
        "task_id": "x",
    }


def test_a_missing_login_says_how_to_log_in(client):
    answer = client.get("/fails/login")

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_busy_answer_says_when_to_come_back(client):
    assert client.get("/fails/busy").headers["Retry-After"] == "3"


def test_a_surprise_is_told_by_number_and_logged_under_it(client, caplog):
    with caplog.at_level(logging.ERROR):
        answer = client.get("/fails/surprise")

    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.json["id"] in caplog.text
    assert "/home/me/secret" in caplog.text


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/nowhere", 404, "not_found"), ("POST", "/fails/ours", 405, "method_not_allowed")],
)
def test_http_errors_are_problems_too(client, method, path, status, code):
    answer = client.open(path, method=method)

    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert answer.mimetype == "application/problem+json"


def test_a_refused_method_names_the_allowed_ones(client):
    assert "GET" in client.post("/fails/ours").headers["Allow"]


def test_a_redirect_stays_a_redirect(client):
    assert client.get("/slash").status_code == 308


@pytest.mark.parametrize("path", ["/slash/", "/nowhere", "/fails/surprise", "/slash"])
def test_every_answer_keeps_browsers_out(client, path):
    headers = client.get(path).headers

    assert set(headers.items()) >= set(problems.SERVICE_HEADERS.items())
    assert not [name for name, _ in headers if name.lower().startswith("access-control")]
