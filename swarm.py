"""The execution API: the one place where a task's work is really done, for programs on this machine.

    POST /cycle   execute a claimed task under its lease, and answer with an outcome that is durable;
    POST /cancel  stop what runs under a lease
    POST /plan    propose how a task is split, or tasks for the queue; or add what the workspace suggests
    GET  /status  how the daemon stands
    GET  /openapi.json
    ...  /api/v1/runs  start runs, see and steer them (`execution.run_api`)

All but the two that tell need the token of ``.swarm/execution_token`` and refuse browsers; the two that tell
answer every program of this machine and hold no secret. `python swarm.py` runs it by itself over the
home in ``SKEP_HOME``; `skep up` runs it beside worker and panel.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from pathlib import Path
from typing import Final

import click
import filelock
import flask

import host_platform
import open_files
from collecting import settle
from cost.model_catalog import ModelCatalog
from cost.usage_tracker import standing_of
from daemon_log import configure_logging
from errors import AlreadyRunning, LeaseLost, NotAllowed, SkepError
from execution import contract, markers, openapi, run_api, token
from execution.cycle import Executor, problem_of
from execution.model_watch import ModelWatch
from execution.plan import Planner
from execution.port_word import PortWord
from execution.proposing import Proposer
from execution.queue_plan import QueuePlanner
from execution.run_openapi import BASE
from localhost import body, gate, problems, server
from localhost.refusals import Refusals
from outcome import Outcome
from process_home import home_of
from runtime_contract import Status
from safety.gateway import SafetyGateway
from safety.kill_switch import KillSwitch, KillSwitchWatch
from safety.sandbox import Sandbox
from safety.secure_api import SecureAPIWrapper
from setting_sources import load_settings
from settings import Home, Settings
from stopping import Stop
from store import last_words, processes
from store.capacity import CAPACITY, Capacity
from store.database import prepare_state_directory
from store.outputs import adopt_leftovers
from store.reading import BREAKER, LOCAL_STATUS, Reader
from store.sqlite_store import SqliteStore
from store.transaction import Transaction, dump
from telemetry import trace_ids
from tool_router import HomeTools
from work_context import concerning

logger = logging.getLogger("swarm")

#: Seconds that running executions get when the supervisor is gone; the worker's own word comes first.
HURRIED_GRACE_S: Final = 2.0
#: Threads beside those that execute, so that a cancellation always finds one.
SPARE_THREADS: Final = 8
#: Bytes of a request: the longest prompt with everything that is added to it.
MOST_BODY_BYTES: Final = 7 * 1024 * 1024

_JSON: Final = "application/json"

#: Refusals that the audit tells of, beside a call that is not the task.
_REFUSALS: Final = (*gate.REFUSALS, LeaseLost)


class Swarm:
    """One swarm process: what executes, what plans, what is told, until it is told to stop."""

    def __init__(self, home: Home, settings: Settings, stop: Stop) -> None:
        self.home = home
        self.settings = settings
        self.stop = stop
        self._lock = _only_one(home)
        self.store = SqliteStore(home, settings)
        gateway = SafetyGateway(home, settings)
        self.kill_switch = KillSwitch(home)
        self.models = ModelWatch(settings, self.store, is_halted=self.kill_switch.is_on)
        catalog = ModelCatalog.of_home(settings, home.models_file)
        owner = str(host_platform.this_process())
        self.secure = SecureAPIWrapper(self.store, settings, catalog, self.models, owner)
        waiting = markers.mark(host_platform.this_process(), home, markers.WAITING)
        self.sandbox = Sandbox(home, settings, marks={markers.VARIABLE: waiting})
        tools = HomeTools(home.root, settings)
        self.executor = Executor(home, settings, self.store, self.secure, gateway, self.sandbox, tools)
        running = self.executor.running
        self.planner = Planner(home, settings, self.store, self.secure, gateway, running)
        self.proposer = Proposer(home, settings, self.store.reader, self.secure, gateway, running)
        self.runs = run_api.RunApi(home, settings, self.store, catalog)
        self.queue_planner = QueuePlanner(home, settings, self.store, self.proposer)
        self._watch = KillSwitchWatch(
            self.kill_switch, running.wait_until_busy, lambda: running.stopping("halted")
        )
        self.refusals = Refusals(self.store, "swarm")
        self.token = ""
        #: the port it really listens on, once it does
        self.port = settings.swarm_port
        self.is_listening = threading.Event()
        self._port_word = PortWord(home, self.store)

    def run(self) -> None:
        """Clear up after a swarm that died, then serve until told to stop."""
        closing = threading.Event()
        try:
            markers.kill_orphans(self.home)
            adopt_leftovers(self.home.outputs)
            self.secure.start_up()
            self._watch.start()
            self.stop.at_once = self.executor.stop_at_once
            threading.Thread(target=self._wind_down, args=(closing,), name="stop", daemon=True).start()
            server.serve(
                create_app(self),
                self.settings.swarm_port,
                self._threads,
                closing,
                setting="swarm_port",
                on_listening=self._open_up,
                on_closing=self._port_word.take_back,
                every_second=self._port_word.keep,
                socket_path=self.home.cycle_socket if self.settings.swarm_socket else None,
                may_send=lambda request: gate.has_token(request, self.token),
            )
            self._tell("daemon.stopped")
        finally:
            self._close()

    def _threads(self) -> int:
        """Every task the workers can run at once has a thread, and a cancellation finds another."""
        settings = self.settings
        try:
            wanted = Capacity.of(self.store.reader.fact(CAPACITY), settings)
        except SkepError as error:
            logger.error("how much is to run at once cannot be read: %s", error)
            return settings.swarm_threads
        return max(settings.swarm_threads, wanted.at_once + SPARE_THREADS)

    def _open_up(self, port: int) -> None:
        """The port is ours: let callers in."""
        self.port = port
        self.models.start()
        self._allow_commands()
        self._issue_token()
        self._port_word.give(port)  # workers send nothing to who has not said so
        self._tell("daemon.started")
        logger.info("listening on http://%s:%d", server.ADDRESS, port)
        self.is_listening.set()

    def _issue_token(self) -> None:
        """A new one for every start; on record before anybody can use it."""
        made = token.new()
        self.store.audit("token", "recorded", actor="swarm", digest=token.digest(made))
        token.write(self.home.token, made)
        self.token = made

    def check_way_in(self, request: flask.Request) -> None:
        """Raise `SocketOnly` for a call by a port where only the socket may be used."""
        if self.settings.swarm_socket and not gate.came_by_socket(request):
            raise gate.SocketOnly(
                "swarm_socket is on: this is answered on .swarm/cycle.sock alone, which no browser can reach."
            )

    def note_refusal(self, error: Exception, request: flask.Request) -> None:
        """Put a refusal into the audit; what the gateway refuses is put there with the task's end."""
        if not isinstance(error, SkepError):
            return
        rule = error.details.get("rule") if isinstance(error, NotAllowed) else error.code
        if isinstance(error, _REFUSALS) or rule == "not-the-task":
            told = {name: error.details.get(name) for name in ("task_id", "lease")}
            self.refusals.note_request(str(rule), request, **told)

    def _wind_down(self, closing: threading.Event) -> None:
        self.stop.asked.wait()
        self.runs.streams.close()
        logger.info("stopping (%s): %d executions", self.stop.reason, len(self.executor.running.all()))
        hurried = min(HURRIED_GRACE_S, self.settings.stop_grace_s)
        self.executor.stop(hurried if self.stop.is_hurried else self.settings.stop_grace_s)
        closing.set()

    def _close(self) -> None:
        token.remove(self.home.token, self.token)
        self.executor.stop(0.0)
        self._watch.stop()
        self.refusals.close()
        self.sandbox.close()
        self.models.close()
        self.store.close()
        self._lock.release()

    def _allow_commands(self) -> None:
        """Try what can hold commands here, and tell it; where nothing can, they wait and say so."""
        found = self.sandbox.start()
        level = found.level or "none"

        def tell(tx: Transaction) -> None:
            fact = dump(found.to_fact())
            tx.audit("sandbox", "recorded", actor="swarm", level=level, reason=found.reason)
            if tx.meta(LOCAL_STATUS) != fact:
                tx.set_meta(LOCAL_STATUS, fact)
                tx.emit("daemon.sandbox", sandbox=level, reason=found.reason)

        self.store.write(tell)
        logger.log(logging.INFO if found.level == "bubblewrap" else logging.WARNING, "%s", found.reason)

    def _tell(self, event: str) -> None:
        reason = self.stop.reason or None

        def tell(tx: Transaction) -> None:
            if event == "daemon.started":
                processes.come_up(tx, processes.SWARM)
            tx.emit(event, process="swarm", pid=os.getpid(), reason=reason)

        self.store.write(tell)


def create_app(swarm: Swarm) -> flask.Flask:
    """The routes over one swarm."""
    app = flask.Flask("swarm", static_folder=None)
    app.debug = False  # whatever FLASK_DEBUG says
    app.config.update(MAX_CONTENT_LENGTH=MOST_BODY_BYTES, MAX_FORM_MEMORY_SIZE=0, MAX_FORM_PARTS=0)
    problems.install(app, lambda error: swarm.note_refusal(error, flask.request))

    @app.before_request
    def let_in() -> None:
        gate.check_transport(flask.request, swarm.port)
        gate.check_site(flask.request)
        if flask.request.method not in gate.SAFE_METHODS or _is_of_runs(flask.request):
            swarm.check_way_in(flask.request)
            gate.check_bearer(flask.request, swarm.token)

    @app.post("/cycle")
    def cycle() -> flask.Response:
        asked = _read_body()
        return _answer_outcome(swarm.executor.cycle(contract.read_cycle(asked), _traceparent()))

    @app.post("/cancel")
    def cancel() -> flask.Response:
        request = contract.read_cancel(_read_body())
        found = swarm.executor.cancel(request)
        return _json(contract.CancelAnswer(task_id=request.task_id, lease=request.lease, status=found))

    @app.post("/plan")
    def plan() -> flask.Response:
        return _json(_plan(swarm, contract.read_plan(_read_body())))

    run_api.install(app, lambda: swarm.runs)

    @app.get("/status")
    def status() -> flask.Response:
        return _json(status_of(swarm))

    @app.get("/openapi.json")
    def description() -> flask.Response:
        return flask.Response(openapi.text(), mimetype=_JSON)

    return app


def status_of(swarm: Swarm) -> contract.StatusAnswer:
    """How the daemon stands: counts, model, what runs."""
    counts = swarm.store.reader.counts()
    waiting = (Status.PENDING, Status.IN_PROGRESS, Status.PENDING_REVIEW)
    unaccepted = (Status.FAILED, Status.SAFETY_BLOCKED, Status.CANCELLED)
    model = swarm.models.status
    return contract.StatusAnswer(
        tasks=sum(counts[one.value] for one in waiting),
        completed=counts[Status.APPROVED.value],
        failed=sum(counts[one.value] for one in unaccepted),
        counts=counts,
        model=contract.ModelAnswer(
            ready=model.ready, model=model.model, endpoint=model.endpoint, reason=model.reason
        ),
        kill_switch=swarm.kill_switch.is_on(),
        circuit_breaker=swarm.store.reader.fact(BREAKER) is not None,
        running=[
            contract.RunningCycle(
                task_id=one.ref.id, lease=one.ref.lease, mode=one.mode, started_at=one.started_at
            )
            for one in swarm.executor.running.all()
        ],
        budget=[_limit(swarm.store.reader, name) for name in ("day", "total")],
        swarm=swarm.executor.process,
        sandbox=contract.SandboxAnswer(**swarm.sandbox.standing.to_fact()),
    )


def _plan(swarm: Swarm, request: contract.PlanRequest) -> contract.Answer:
    if request.ref is not None:
        with concerning(request.ref.id):
            return swarm.proposer.propose(request.ref, request.model, request.timeout)
    if request.goal is not None or request.directory is not None:
        return swarm.queue_planner.propose(request)
    return swarm.planner.plan(request)


def _limit(reader: Reader, name: str) -> contract.LimitAnswer:
    told = standing_of(reader, name, reader.now()).as_json()
    return contract.LimitAnswer(**{field: told[field] for field in contract.LimitAnswer.model_fields})


def _is_of_runs(request: flask.Request) -> bool:
    """Whether a request is about runs, which hold prompts and answers: they are told with the token alone."""
    return request.url_rule is not None and request.url_rule.rule.startswith(BASE)


def _read_body() -> dict[str, object]:
    return body.read_object(flask.request, MOST_BODY_BYTES)


def _traceparent() -> str | None:
    """The span that a request was sent from; a header that cannot be understood counts as none."""
    found = trace_ids.Context.read(flask.request.headers.get(trace_ids.HEADER))
    return None if found is None else str(found)


def _answer_outcome(outcome: Outcome) -> flask.Response:
    if outcome.status == "safety_blocked":
        raise problem_of(outcome)
    return _json(outcome)


def _json(answer: contract.Answer) -> flask.Response:
    return flask.Response(answer.model_dump_json(), mimetype=_JSON)


def _only_one(home: Home) -> filelock.BaseFileLock:
    """One swarm a home: a second would take the first one's live output for a dead one's."""
    prepare_state_directory(home.state)
    # Taken in the thread that starts, let go in the one that served.
    lock = filelock.FileLock(home.state / "swarm.lock", mode=0o600, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise AlreadyRunning(
            f"Another swarm runs on {home.root}; stop it, or use another SKEP_HOME."
        ) from None
    return lock


@click.command(help="Run the execution API over a home (see skep up for the whole daemon).")
@click.option("--home", "home_flag", type=click.Path(), help="The home; default SKEP_HOME or here.")
@click.option("--port", type=int, help="The port on 127.0.0.1.")
@click.option("--supervised", is_flag=True, help="Stop when standard input, the supervisor's pipe, closes.")
def main(home_flag: str | None, port: int | None, supervised: bool) -> None:
    """Run swarm until it is told to stop."""
    home = home_of("swarm", home_flag)
    stop = Stop()
    stop.on_signals()
    open_files.allow_files()
    if supervised:
        stop.on_closed_pipe()
    try:
        settings = load_settings(home, os.environ, {"swarm_port": port}).settings
        if not supervised:  # else `skep up` has looked
            from store.recovery import refuse_damaged  # noqa: PLC0415  and what rebuilds is not loaded

            refuse_damaged(home)
        configure_logging(settings, "swarm", home)
        host_platform.step_back(settings.nice)
        settle()
        Swarm(home, settings, stop).run()
    except SkepError as error:
        click.echo(f"swarm: {error}", err=True)
        if supervised:
            last_words.leave(home, processes.SWARM, str(error))
        sys.exit(3)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    main()
