"""The control panel: a web page and a JSON API on loopback, for the person whose daemon this is.

`python control_panel.py` runs it by itself over the home in ``SKEP_HOME``; `skep up` runs it beside worker
and swarm. It reads over connections that cannot write and changes things only through the store's own
methods, so it never stands in the worker's way and goes on working when the others are down.
"""

from __future__ import annotations

import functools
import gc
import logging
import os
import secrets
import sys
from collections.abc import Mapping
from typing import Any, Final

import click
import flask

from clock import Clock, SystemClock
from collecting import settle
from daemon_log import configure_logging
from errors import NotAuthenticated, SkepError
from localhost import problems, server
from localhost.plain_json import PlainJson
from localhost.refusals import Refusals
from money import dollar_places, dollars_text
from panel import (
    access,
    answer_labels,
    entity_tags,
    healthz,
    labels,
    metrics,
    navigation,
    spawner,
    task_actions,
    task_views,
    words,
)
from panel.addresses import url_for
from panel.api import openapi
from panel.context import EXTENSION, Panel, PanelStore
from panel.login import CodeBox, LoginGuard, close_door, mint_login_link, open_door
from panel.pages import budget, graph, inbox, overview, pulse, schedules, session
from panel.pages import identities as identities_page
from panel.pages import log as log_page
from panel.pages import run as run_page
from panel.pages import runs as runs_page
from panel.pages import safety as safety_page
from panel.pages import settings as settings_page
from panel.pages import task as task_page
from panel.pages import tasks as tasks_page
from panel.pages import tools as tools_page
from panel.streams import MOST_STREAMS
from panel.version import version
from process_home import home_of
from setting_sources import Loaded, load_settings
from settings import Home, Settings
from stopping import Stop
from store import last_words, processes, shown_text
from store.sqlite_store import SqliteStore
from store.transaction import Transaction
from supervisor.daemon import HANDED_ON
from telemetry.follower import Follower

logger = logging.getLogger("control_panel")

#: Requests answered at once, beside the event streams, each of which holds a thread. A page's part that
#: nothing changed in costs a millisecond.
THREADS: Final = 16 + MOST_STREAMS
#: Seconds that answers under way get at a stop.
DRAIN_S: Final = 2.0

#: Seconds after which a thread that computes lets another go on (sys.setswitchinterval). A page gives the
#: interpreter up at each of its queries, and beside a long page waits so long for it each time.
SWITCH_S: Final = 0.0005
#: Seconds that counts of tasks are told for, while others write; a page is refreshed when they have changed.
COUNTS_KEPT_S: Final = 0.25

BLUEPRINTS: Final = (
    healthz.blueprint,
    metrics.blueprint,
    spawner.blueprint,
    session.blueprint,
    pulse.blueprint,
    overview.blueprint,
    tasks_page.blueprint,
    task_page.blueprint,
    runs_page.blueprint,
    run_page.blueprint,
    inbox.blueprint,
    graph.blueprint,
    schedules.blueprint,
    budget.blueprint,
    tools_page.blueprint,
    safety_page.blueprint,
    identities_page.blueprint,
    log_page.blueprint,
    settings_page.blueprint,
    openapi.blueprint,
    *(module.blueprint for module in openapi.MODULES),
)


def create_app(
    store: PanelStore,
    home: Home,
    settings: Settings,
    *,
    port: int,
    clock: Clock | None = None,
    sources: Mapping[str, str] | None = None,
    pages: flask.Flask | None = None,
) -> flask.Flask:
    """The panel of one home, served at `port` (`listen_at` when that turns out later).

    `sources` says where each setting that is not a default came from. `pages` is what `new_app` gave; whoever
    was logged in to the home it showed before is so no more.
    """
    clock = clock or SystemClock()
    guard = LoginGuard(CodeBox(home, clock), clock)
    refusals = Refusals(store, "panel", clock)
    here = Panel(store, home, settings, clock, port, guard, refusals, sources=sources or {})
    app = pages or new_app()
    app.config["SECRET_KEY"] = secrets.token_bytes(32)
    app.extensions[EXTENSION] = here
    listen_at(app, port)
    return app


def new_app() -> flask.Flask:
    """The pages, routes and rules of the panel, without a home yet."""
    app = flask.Flask("panel", static_folder="static", template_folder="templates")
    app.json = PlainJson(app)
    app.debug = False  # whatever FLASK_DEBUG says
    app.config.update(
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        MAX_CONTENT_LENGTH=1024 * 1024,
        MAX_FORM_MEMORY_SIZE=0,
        MAX_FORM_PARTS=0,
    )
    app.before_request(_check_access)
    app.register_error_handler(Exception, _answer_error)
    app.after_request(access.add_headers)
    app.after_request(entity_tags.add)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    _furnish_templates(app)
    return app


def listen_at(app: flask.Flask, port: int) -> None:
    """Tell the app the port it is really served at."""
    app.extensions[EXTENSION].port = port
    # Cookies do not tell ports apart, so the name does.
    app.config["SESSION_COOKIE_NAME"] = f"__cp_{port}"


def _check_access() -> None:
    access.check(flask.request)


def _answer_error(error: Exception) -> flask.Response:
    """A problem as JSON, or as a page where a person is looking at one."""
    access.note_refusal(error, flask.request)
    answer = problems.answer(error)
    if answer.status_code < 400 or not _wants_page():
        if isinstance(error, NotAuthenticated) and "HX-Request" in flask.request.headers:
            answer.headers["HX-Refresh"] = "true"
        return answer
    template = "login.html" if answer.status_code == 401 else "error.html"
    page = flask.render_template(template, problem=answer.get_json(force=True))
    answer.set_data(page)
    answer.mimetype = "text/html"
    return answer


def _wants_page() -> bool:
    request = flask.request
    best = request.accept_mimetypes.best_match(["application/json", "text/html"])
    is_visit = best == "text/html" and "HX-Request" not in request.headers
    return is_visit and request.method == "GET" and not request.path.startswith("/api/")


def _furnish_templates(app: flask.Flask) -> None:
    app.jinja_env.filters |= {
        "plain": words.plain,
        "one_line": words.one_line,
        "with_code": words.with_code,
        "told": shown_text.told,
        "sentence": words.sentence,
        "dollars": dollars_text,
        "dollar_places": dollar_places,
    }
    app.jinja_env.globals |= {
        "url_for": url_for,
        "skep_version": version(),
        "buttons_of": task_actions.buttons_of,
        "answers_to": answer_labels.answers_to,
        "asks": answer_labels.asks,
        "inbox_buttons": answer_labels.inbox_buttons,
        "deadline_buttons": answer_labels.deadline_buttons,
        "label_of": answer_labels.label_of,
        "switch_of": labels.switch_of,
        "pause_of": labels.pause_of,
        "capacity_buttons": labels.capacity_buttons,
        "pages": navigation.PAGES,
        "remark_of": task_views.remark_of,
    }
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.context_processor(_page_facts)


def _page_facts() -> dict[str, Any]:
    here: Panel = flask.current_app.extensions[EXTENSION]
    is_in = here.sessions.is_open()
    return {
        "csrf_token": here.sessions.csrf_token if is_in else "",
        "is_logged_in": is_in,
        "is_anew": here.sessions.is_of_another_start(),
    }


def run(home: Home, loaded: Loaded, stop: Stop, *, supervised: bool) -> None:
    """Serve the panel until told to stop."""
    settings, sources = loaded.settings, dict(loaded.sources)
    sys.setswitchinterval(SWITCH_S)
    if supervised:  # the supervisor hands on as variables what it was started with
        sources |= dict.fromkeys(sources.keys() & HANDED_ON, "skep up")
    with SqliteStore(home, settings) as store:
        store.reader.keep_counts(COUNTS_KEPT_S)
        app = create_app(store, home, settings, port=settings.panel_port, sources=sources)
        follower = Follower(home, settings, store.reader, os.environ, version())
        app.extensions[EXTENSION].counters = lambda: follower.figures

        def on_listening(port: int) -> None:
            listen_at(app, port)
            _set_aside()
            _open_door(home, port)
            _tell(store, "daemon.started")
            follower.start()
            if not supervised:
                _greet(store, home, port)

        server.serve(
            app,
            settings.panel_port,
            THREADS,
            stop.asked,
            setting="panel_port",
            on_listening=on_listening,
            on_closing=lambda: _close(app, home),
            drain_s=DRAIN_S,
            may_send=functools.partial(access.may_send, app),
        )
        follower.close()
        app.extensions[EXTENSION].refusals.close()
        _tell(store, "daemon.stopped", stop.reason)


def _set_aside() -> None:
    """Let the collector look no more at what the start has made: each time 20 ms in which no page goes on."""
    gc.collect()
    gc.freeze()


def _open_door(home: Home, port: int) -> None:
    """Let links be made; without them the panel still answers programs."""
    try:
        open_door(home, port)
    except OSError as error:  # a full disk
        logger.warning("no login links: %s", error)


def _close(app: flask.Flask, home: Home) -> None:
    close_door(home)
    app.extensions[EXTENSION].close()


def _tell(store: SqliteStore, event: str, reason: str = "") -> None:
    told: dict[str, Any] = {"process": "panel", "pid": os.getpid(), "reason": reason or None}

    def write(tx: Transaction) -> None:
        if event == "daemon.started":
            processes.come_up(tx, processes.PANEL)
        tx.emit(event, version=version() or None, **told)

    try:
        store.write(write)
    except SkepError as error:  # a full disk must not keep a person from looking
        logger.warning("%s could not be written: %s", event, error)


def _greet(store: SqliteStore, home: Home, port: int) -> None:
    """Show the way in: the link itself only to a person, since output that goes to a file stays there."""
    if sys.stdout.isatty():
        store.audit("login_link", "recorded", actor="panel")
        click.echo(f"Control panel: {mint_login_link(home, port)}")
    else:
        click.echo(f"Control panel: http://127.0.0.1:{port} (`skep panel` prints a link that logs you in)")


@click.command(help="Run the control panel over a home (see skep up for the whole daemon).")
@click.option(
    "--home", "home_flag", type=click.Path(path_type=str), help="The home; default SKEP_HOME or here."
)
@click.option("--port", type=int, help="Port on 127.0.0.1; 0 takes a free one.")
@click.option("--supervised", is_flag=True, help="Stop when standard input, the supervisor's pipe, closes.")
def main(home_flag: str | None, port: int | None, supervised: bool) -> None:
    """Run the panel until it is told to stop."""
    home = home_of("control_panel", home_flag)
    stop = Stop()
    stop.on_signals()
    if supervised:
        stop.on_closed_pipe()
    try:
        loaded = load_settings(home, os.environ, {"panel_port": port})
        configure_logging(loaded.settings, "panel", home)
        settle()
        run(home, loaded, stop, supervised=supervised)
    except SkepError as error:
        click.echo(f"control_panel: {error}", err=True)
        if supervised:
            last_words.leave(home, processes.PANEL, str(error))
        sys.exit(3)


if __name__ == "__main__":
    main()
