from __future__ import annotations

import os

import flask
import pytest

from errors import SkepError
from localhost import gate

PORT = 8421
TOKEN = "s3cret-token"


def ask(method="GET", *, peer="127.0.0.1", host=f"127.0.0.1:{PORT}", target="/x", **headers):
    app = flask.Flask(__name__)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    environ = {"REMOTE_ADDR": peer, "HTTP_HOST": host, "REQUEST_URI": target}
    return app.test_request_context("/x", method=method, headers=sent, environ_overrides=environ).request


def status_of(check, *values):
    try:
        check(*values)
    except SkepError as error:
        return error.http_status
    return 200


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        # the peer
        (ask(), 200),
        (ask(peer="::1"), 200),
        (ask(peer="127.0.0.2"), 403),
        (ask(peer="10.9.8.7"), 403),
        (ask(peer=""), 403),
        # nothing that came through a proxy
        (ask(X_Forwarded_For="127.0.0.1"), 400),
        (ask(X_Forwarded_Host=f"127.0.0.1:{PORT}"), 400),
        (ask(x_forwarded_anything="1"), 400),
        (ask(Forwarded="for=127.0.0.1"), 400),
        (ask(Via="1.1 squid"), 400),
        (ask(peer="10.9.8.7", X_Forwarded_For="127.0.0.1"), 403),
        # a path, not an address
        (ask(target="http://evil.example/cycle"), 421),
        # the name
        (ask(host=f"localhost:{PORT}"), 200),
        (ask(host=f"LocalHost:{PORT}"), 200),
        (ask(host=f"[::1]:{PORT}"), 200),
        # what a page uses after its name was bound to 127.0.0.1
        (ask(host=f"rebind.attacker.example:{PORT}"), 421),
        (ask(host="127.0.0.1"), 421),
        (ask(host="localhost:80"), 421),
        (ask(host=f"localhost.:{PORT}"), 421),
        (ask(host=f"127.0.0.1.:{PORT}"), 421),
        (ask(host=f"127.1:{PORT}"), 421),
        (ask(host=f"0.0.0.0:{PORT}"), 421),
        (ask(host=f"2130706433:{PORT}"), 421),
        (ask(host=f"[::ffff:127.0.0.1]:{PORT}"), 421),
        (ask(host=f"user@localhost:{PORT}"), 421),
        (ask(host=f"localhost:{PORT}@evil.example"), 421),
        (ask(host=f"localhost:{PORT} "), 421),
        (ask(host=f"localhost:{PORT}, localhost:{PORT}"), 421),
        (ask(host=f"evil.localhost:{PORT}"), 421),
        (ask(host=f"localhost:0{PORT}"), 421),
        (ask(host=""), 421),
        # methods that only browsers' preflights and probes use
        (ask("OPTIONS"), 405),
        (ask("OPTIONS", Origin="https://evil.example", Access_Control_Request_Private_Network="true"), 405),
        (ask("TRACE"), 405),
        (ask("POST"), 200),
        (ask("DELETE"), 200),
        # the page
        (ask("POST", Origin=f"http://127.0.0.1:{PORT}"), 200),
        (ask("POST", Origin=f"http://localhost:{PORT}"), 200),
        (ask("POST", Origin=f"http://[::1]:{PORT}"), 200),
        (ask("POST", Origin="null"), 403),
        (ask("POST", Origin=""), 403),
        (ask("POST", Origin="http://127.0.0.1:9999"), 403),
        (ask("POST", Origin=f"https://127.0.0.1:{PORT}"), 403),
        (ask("POST", Origin=f"http://127.0.0.1:{PORT}.evil.example"), 403),
        (ask("POST", Origin="https://evil.example"), 403),
        (ask(Origin="https://evil.example"), 403),
    ],
)
def test_only_what_comes_straight_from_this_machine_is_answered(request_, status):
    assert status_of(gate.check_transport, request_, PORT) == status


ME = f"uid:{os.geteuid()}"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (ask(peer=ME, host="localhost"), 200),
        (ask("POST", peer=ME, host="LOCALHOST"), 200),
        (ask(peer=f"uid:{os.geteuid() + 1}", host="localhost"), 403),
        (ask(peer="uid:-1", host="localhost"), 403),
        (ask(peer="uid:", host="localhost"), 403),
        (ask(peer=ME, host=f"localhost:{PORT}"), 421),
        (ask(peer=ME, host="evil.example"), 421),
        (ask(peer=ME, host="localhost", Origin=f"http://localhost:{PORT}"), 200),
        (ask(peer=ME, host="localhost", Origin="https://evil.example"), 403),
        (ask(peer=ME, host="localhost", Via="1.1 proxy"), 400),
        (ask("OPTIONS", peer=ME, host="localhost"), 405),
        # the name of the socket is not a name of the port
        (ask(host="localhost"), 421),
    ],
)
def test_by_the_socket_only_the_same_user_is_answered(request_, status):
    assert status_of(gate.check_transport, request_, PORT) == status


@pytest.mark.parametrize(
    ("site", "status"),
    [
        (None, 200),
        ("none", 200),
        ("same-origin", 200),
        ("same-site", 403),
        ("cross-site", 403),
        ("", 403),
        ("x", 403),
    ],
)
def test_what_the_page_of_another_site_asks_for_is_refused(site, status):
    sent = {} if site is None else {"Sec_Fetch_Site": site}
    assert status_of(gate.check_site, ask(**sent)) == status


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (ask(Authorization=f"Bearer {TOKEN}"), 200),
        (ask(Authorization=f"bearer {TOKEN}"), 200),
        (ask("POST", Authorization=f"Bearer {TOKEN}", Content_Type="application/json"), 200),
        (ask("POST", Authorization=f"Bearer {TOKEN}", Content_Type="application/json; charset=utf-8"), 200),
        (ask(), 401),
        (ask(Authorization="Bearer"), 401),
        (ask(Authorization="Bearer wrong"), 401),
        (ask(Authorization=f"Bearer {TOKEN}x"), 401),
        (ask(Authorization=f"Basic {TOKEN}"), 401),
        (ask(Authorization=TOKEN), 401),
        (ask(Authorization="Bearer \u00e9\u00df"), 401),
        # a form can be posted by any page without a preflight
        (ask("POST", Authorization=f"Bearer {TOKEN}"), 415),
        (ask("POST", Authorization=f"Bearer {TOKEN}", Content_Type="text/plain"), 415),
        (ask("POST", Authorization=f"Bearer {TOKEN}", Content_Type="application/x-www-form-urlencoded"), 415),
        # browsers, even with the token, even from this very port
        (ask(Authorization=f"Bearer {TOKEN}", Sec_Fetch_Site="none"), 403),
        (ask(Authorization=f"Bearer {TOKEN}", Sec_Fetch_Site="same-origin"), 403),
        (ask(Authorization=f"Bearer {TOKEN}", Origin=f"http://127.0.0.1:{PORT}"), 403),
    ],
)
def test_only_programs_with_the_token_pass(request_, status):
    assert status_of(gate.check_bearer, request_, TOKEN) == status


def test_an_empty_token_lets_nobody_in():
    assert status_of(gate.check_bearer, ask(Authorization="Bearer "), "") == 401


def test_a_refusal_names_the_way_out():
    with pytest.raises(SkepError, match=r"127\.0\.0\.1:8421, localhost:8421 or \[::1\]:8421"):
        gate.check_transport(ask(host="evil.example"), PORT)
