"""One task's way, from its claim to its end. Read `Road.walk` from top to bottom: it is the golden path.

Each step either goes on or ends the way with a recorded word. Whatever happens in between, the store holds
enough to know what was done: a start without an outcome whose process is gone was interrupted, and what that
means is the task's `effect`.
"""

from __future__ import annotations

import functools
import logging
import random
import sqlite3
import threading
from dataclasses import replace
from typing import Any, Final

import errors
from context import envelope
from context.context_builder import build_prompt
from faults import fault_point
from outcome import CriticVerdict, Failure, Outcome
from road import run_summaries
from road.agreement import question
from road.checking import Checking
from road.cycle_client import SWARM_ENDS, CycleClient, SwarmGone
from road.holding import Holding
from road.journey import Journey
from road.judging import Judge
from road.personas import Persona, Personas
from road.planning import Planner
from road.routing import Routing, going
from road.run_prompts import Given, RunPrompts
from road.tracing import AttemptSpans
from run_contract.errors import ContextTooLarge
from safety.gateway import SafetyGateway
from safety.headroom import Headroom
from safety.kill_switch import KillSwitch
from safety.long_texts import GivenUp
from safety.work import Approved, Work
from settings import Settings
from store import agreements, claims, recording, run_ends, run_steering
from store.records import Claim, TaskRef
from store.rescue import execution_of
from store.sqlite_store import SqliteStore
from store.transaction import Transaction
from tool_router import Route
from work_context import concerning

logger = logging.getLogger(__name__)

#: Seconds between looks for a swarm that is gone, or at a cycle that somebody else's call started.
LOOK_AGAIN_S: Final = 0.2
#: Times swarm may answer with an error of its own before the attempt counts as failed.
SWARM_ERRORS: Final = 5


class Road:
    """Everything a task passes on its way."""

    def __init__(
        self,
        store: SqliteStore,
        swarm: CycleClient,
        gateway: SafetyGateway,
        planner: Planner,
        routing: Routing,
        judge: Judge,
        settings: Settings,
        personas: Personas,
        *,
        runs: RunPrompts,
    ) -> None:
        self._personas = personas
        self._runs = runs
        self._store = store
        self._swarm = swarm
        self._gateway = gateway
        self._planner = planner
        self._routing = routing
        self._judge = judge
        self._settings = settings
        self._checking = Checking(store.home, swarm, settings, planner.synthesis_budget)
        self._kill_switch = KillSwitch(store.home)
        self._headroom = Headroom(store.reader, settings)
        self._holding = Holding(store)
        self._spans = AttemptSpans(store.reader)
        self._policy = settings.attempt_policy
        self._chance = random.Random()  # noqa: S311  jitter, not a secret
        self._mutex = threading.Lock()
        self._journeys: dict[TaskRef, Journey] = {}

    def walk(self, claim: Claim) -> None:
        """Take a claimed task to its next recorded state."""
        journey = self._set_out(claim)
        try:
            if claim.is_ask:
                self._runs.ask(claim)
                return
            who = self._personas.of(claim)
            if who is None or self._planner.split(claim, lambda: journey.is_over):
                return
            route = self._routing.route(claim, lambda: self._is_over(journey))
            what_goes = going(claim, route)
            mark = envelope.new_mark()
            given = self._runs.given(what_goes, mark)
            if given is None:
                return
            if given.summary is not None:
                attempt = self._request(what_goes, route, who, given, mark)
                given = self._summarised(journey, given, attempt, route)
                if given is None:
                    return
            journey.ledger, journey.grows = given.ledger, given.grows
            request = self._request(what_goes, route, who, given, mark)
            if not self._may_go(journey, what_goes, request):
                return
            if given.is_cached and self._is_answered(journey, what_goes, request):
                return
            if self._is_unpayable(what_goes, request):
                return
            outcome = self._execute(journey, request)
            if outcome is not None:
                self._record(journey, outcome, route)
        except errors.KillSwitchOn as error:  # set while the plan was made
            self._end_halted(journey, error.message)
        except GivenUp:
            self._end_given_up(journey)
        finally:
            self._arrive(claim)

    def resume(self, claim: Claim) -> None:
        """Carry on with a task whose last worker is gone: wait for the outcome swarm has or will have."""
        journey = self._set_out(claim)
        journey.is_resumed = True
        journey.cache_key = "" if run_ends.run_of(claim.id) else None
        try:
            outcome = self._await_outcome(journey)
            if outcome is not None:
                self._record(journey, outcome, self._routing.resumed(claim, self._attempt(claim)))
        finally:
            self._arrive(claim)

    def stop_task(self, ref: TaskRef, *, hand_back: bool) -> None:
        """Stop what runs under a lease: for a person, or because this worker stops."""
        with self._mutex:
            journey = self._journeys.get(ref)
        if journey is None:
            return
        (journey.is_handed_back if hand_back else journey.is_cancelled).set()
        try:
            self._swarm.cancel(ref)
        except (SwarmGone, errors.SkepError) as error:
            with concerning(ref.id, journey.claim.task.run_id):
                logger.warning("task %s could not be stopped yet: %s", ref.id, error)

    # -- the steps -----------------------------------------------------------------------------------------

    def _set_out(self, claim: Claim) -> Journey:
        fault_point("claim.committed")
        journey = Journey(claim)
        with self._mutex:
            self._journeys[claim.ref] = journey
        return journey

    def _arrive(self, claim: Claim) -> None:
        with self._mutex:
            self._journeys.pop(claim.ref, None)

    def _request(self, claim: Claim, route: Route, who: Persona, given: Given, mark: str) -> dict[str, Any]:
        """The body of ``/cycle``: the task as it will run, with everything that was added to it."""
        task = claim.task
        body: dict[str, Any] = {"task_id": claim.id, "lease": claim.ref.lease, "mode": task.mode}
        if task.profile is not None:
            body |= {"profile": task.profile, "prompt": task.prompt}
        elif task.mode == "local":
            body |= {"command": task.command} if task.command else {"argv": task.argv}
        else:
            around = self._planner.surroundings(claim)
            if given.answers:
                around = replace(around, answers=given.answers)
            ask = task.prompt or "" if given.prompt is None else given.prompt
            body["prompt"] = build_prompt(ask, route, claim.feedback, around, who.block, mark=mark)
            body |= {"mark": mark} if mark in body["prompt"] else {}
            body |= {"model": who.model} if who.model else {}
        if route.outcome == "run":
            body["tool"] = route.name
        for name in ("model", "max_tokens", "temperature", "min_budget", "max_budget"):
            if getattr(task, name) is not None:
                body[name] = getattr(task, name)
        body |= {"model": given.model} if given.model else {}
        if claim.is_planned and task.max_budget is not None:
            body["max_budget"] = self._planner.synthesis_budget(claim)
        return body | {"timeout": self._time_limit(claim), "intensity": task.intensity}

    def _summarised(
        self, journey: Journey, given: Given, attempt: dict[str, Any], route: Route
    ) -> Given | None:
        """What the task is sent with the summary it needs; none where it has been dealt with."""
        assert given.summary is not None  # noqa: S101  asked for where there is one
        outcome = self._execute(journey, given.summary.request(attempt))
        if outcome is None:
            return None
        if outcome.status == "completed":
            try:
                return self._runs.summarised(given, outcome)
            except ContextTooLarge as error:
                outcome = run_summaries.refused(outcome, error)
            except (errors.NotFound, OSError) as error:
                told = f"the summary it needs cannot be read: {error}"
                self._store.write(lambda tx: run_steering.put_off(tx, journey.claim.ref, told))
                return None
        self._record(journey, outcome, route)
        return None

    def _is_over(self, journey: Journey) -> bool:
        """Whether nobody waits for a check any more: it was stopped, or nothing may be sent now."""
        return journey.is_over or self._kill_switch.is_on()

    def _end_given_up(self, journey: Journey) -> None:
        if journey.is_over:
            self._end_unstarted(journey)
            return
        try:
            self._kill_switch.check()
        except errors.KillSwitchOn as error:
            self._end_halted(journey, error.message)
        else:  # it was on for a moment
            self._hand_back(journey.claim, "the kill switch was on")

    def _time_limit(self, claim: Claim) -> float:
        if claim.task.timeout_s is not None:
            return float(claim.task.timeout_s)
        settings = self._settings
        return settings.local_timeout_s if claim.task.mode == "local" else settings.llm_timeout_s

    def _may_go(self, journey: Journey, claim: Claim, request: dict[str, Any]) -> bool:
        """Preflight: may it run, with all that was added to it, and has a person agreed who must?"""
        work = Work.of(claim.task, request.get("prompt"), request.get("mark"))
        approved, report = self._gateway.examine(claim.task, work, lambda: self._is_over(journey))
        if approved is None:
            reason = str(report["blocked_reason"])
            self._store.write(lambda tx: recording.block(tx, claim.ref, reason, report))
            return False
        if not approved.rights.needs_person or self._is_agreed(claim, approved):
            return True
        asked = question(claim, approved)
        self._store.write(lambda tx: agreements.hold(tx, claim.ref, asked))
        return False

    def _is_agreed(self, claim: Claim, approved: Approved) -> bool:
        return agreements.is_agreed(self._store.reader.one("last_agreement", task=claim.seq), approved.digest)

    def _is_unpayable(self, claim: Claim, request: dict[str, Any]) -> bool:
        """Headroom: can every budget pay the worst case? Else it waits, and is not sent to be refused."""
        if claim.task.mode == "local":
            return False
        messages = Work.of(claim.task, request["prompt"]).messages
        held = self._headroom.refusal(claim.task, messages, self._store.clock.now(), request.get("model"))
        if held is not None:
            self._holding.hold(claim.ref, held, is_known=False)
        return held is not None

    def _is_answered(self, journey: Journey, claim: Claim, request: dict[str, Any]) -> bool:
        """Whether the task was given the answer that the very same question had before."""
        journey.cache_key = key = self._runs.cache.key(claim.task, request)
        try:
            return key is not None and self._runs.cache.answer(journey.claim, key)
        except (errors.SkepError, OSError) as error:
            told = f"what follows from its answer cannot be told yet: {error}"
            self._store.write(lambda tx: run_steering.put_off(tx, journey.claim.ref, told))
            return True

    def _execute(self, journey: Journey, request: dict[str, Any]) -> Outcome | None:
        """Have swarm execute the lease; none when the task is no longer ours or has been dealt with."""
        swarm_errors = 0
        ends = 0
        traceparent = self._spans.of(journey.claim.ref)
        while not journey.is_over:
            try:
                self._kill_switch.check()  # also while swarm does not answer
                fault_point("cycle.sent")
                return self._swarm.cycle(request, request["timeout"], traceparent)
            except (SwarmGone, errors.DaemonStopping) as error:
                if self._has_started(journey.claim):
                    return self._await_outcome(journey)
                ends += isinstance(error, SwarmGone) and error.is_amid
                if ends >= SWARM_ENDS:
                    self._never_started(journey.claim, ends)
                    return None
                self._pause(journey)
            except (errors.CycleRunning, errors.CycleLost) as error:
                if request.get("summary") and isinstance(error, errors.CycleRunning):
                    self._pause(journey)  # of a summary only swarm knows; it is asked again
                    continue
                return self._await_outcome(journey)
            except errors.KillSwitchOn as error:
                return self._end_halted(journey, error.message)
            except (errors.LeaseLost, errors.CallHeld, errors.NotAllowed) as error:
                self._refused_by_swarm(journey.claim, error)
                return None
            except errors.SkepError as error:
                swarm_errors += 1
                if swarm_errors >= SWARM_ERRORS:
                    self._give_up(journey.claim, error)
                    return None
                self._pause(journey)
        self._end_unstarted(journey)
        return None

    def _has_started(self, claim: Claim) -> bool:
        attempt = self._attempt(claim)
        return attempt is not None and attempt["swarm"] is not None

    def _attempt(self, claim: Claim) -> sqlite3.Row | None:
        return self._store.reader.one("get_attempt", id=claim.id, lease=claim.ref.lease)

    def _effect_of(self, claim: Claim) -> str:
        """What an interruption means: of the task, or of the tool's command that ran for it."""
        attempt = self._attempt(claim)
        return (attempt and attempt["tool_effect"]) or self._gateway.effect_of(claim.task)

    def _await_outcome(self, journey: Journey) -> Outcome | None:
        """The outcome of a cycle that was started: stored, still to come, or lost with its process."""
        claim = journey.claim
        while True:
            attempt = self._attempt(claim)
            execution = "unstarted" if attempt is None else execution_of(attempt)
            if attempt is not None and execution == "ended":
                return Outcome.model_validate_json(attempt["outcome"])
            if execution == "lost" or (execution == "unstarted" and not self._has_started(claim)):
                self._interrupted(claim, "the process that executed it is gone")
                return None
            if journey.is_handed_back.is_set():
                return None
            journey.is_handed_back.wait(LOOK_AGAIN_S)

    def _pause(self, journey: Journey) -> None:
        journey.is_handed_back.wait(LOOK_AGAIN_S)

    # -- the ends that no critic sees ----------------------------------------------------------------------

    def _interrupted(self, claim: Claim, what: str) -> None:
        effect = self._effect_of(claim)
        limit = self._policy.interruption_limit(claim.task)

        def interrupt(tx: Transaction) -> None:
            row = claims.held(tx, claim.ref, "an interruption")
            if row is not None:
                recording.interrupted(tx, row, effect, limit, what)

        self._store.write(interrupt)

    def _never_started(self, claim: Claim, times: int) -> None:
        what = f"swarm ended {times} times when it was sent to it, before the task itself had begun"

        def interrupt(tx: Transaction) -> None:
            row = claims.held(tx, claim.ref, "an interruption")
            if row is not None:
                recording.never_started(tx, row, what)

        self._store.write(interrupt)

    def _refused_by_swarm(self, claim: Claim, error: errors.SkepError) -> None:
        if isinstance(error, errors.LeaseLost):
            logger.warning("task %s: %s", claim.id, error)
            return
        if isinstance(error, errors.CallHeld):
            self._holding.hold(claim.ref, error, is_known=True)
            return
        if error.details.get("rule") == "not-the-task":
            self._hand_back(claim, "the task was edited meanwhile")
            return
        report = error.details.get("safety_report") or {"passed": False, "blocked_reason": error.message}
        self._store.write(lambda tx: recording.block(tx, claim.ref, error.message, report))

    def _give_up(self, claim: Claim, error: errors.SkepError) -> None:
        self._interrupted(claim, f"swarm could not execute it: {error}")

    def _end_unstarted(self, journey: Journey) -> None:
        """It was stopped before anything was executed, or may run again whatever was."""
        ref = journey.claim.ref
        if journey.is_cancelled.is_set():
            self._store.write(lambda tx: recording.cancel_running(tx, ref, "a person"))
        else:
            self._hand_back(journey.claim, journey.why_stopped)

    def _end_stopped(self, journey: Journey) -> None:
        """It was stopped while it ran: for a person, or its effect decides, whoever else stopped it."""
        claim = journey.claim
        if journey.is_cancelled.is_set() or self._effect_of(claim) != "unsafe":
            self._end_unstarted(journey)
            return
        what = f"{journey.why_stopped} while it ran"
        self._store.write(lambda tx: recording.halted(tx, claim.ref, "unsafe", what))

    def _hand_back(self, claim: Claim, reason: str) -> None:
        self._store.write(lambda tx: recording.hand_back(tx, claim.ref, reason))

    def _end_halted(self, journey: Journey, reason: str) -> Outcome | None:
        """The kill switch is on: back into the queue, unless swarm has begun it after all."""
        claim = journey.claim

        def hand_back(tx: Transaction) -> bool:
            attempt = tx.one("get_attempt", id=claim.id, lease=claim.ref.lease)
            if attempt is not None and attempt["swarm"] is not None:
                return False
            recording.hand_back(tx, claim.ref, reason)
            return True

        return None if self._store.write(hand_back) else self._await_outcome(journey)

    def _halted(self, claim: Claim, failure: Failure) -> None:
        """The kill switch stopped it. What had not begun did nothing and runs again, whatever its effect."""
        effect = "idempotent" if failure.retryable else self._effect_of(claim)
        self._store.write(lambda tx: recording.halted(tx, claim.ref, effect, failure.message))

    def _record(self, journey: Journey, outcome: Outcome, route: Route) -> None:
        """Review and reward; or, where it was stopped, the word for that."""
        if outcome.status == "cancelled":
            self._end_stopped(journey)
        elif outcome.status == "interrupted" and outcome.failure is not None:
            self._halted(journey.claim, outcome.failure)
        elif outcome.status == "safety_blocked":
            report = outcome.safety_report or {}
            reason = outcome.failure.message if outcome.failure else "refused"
            self._store.write(lambda tx: recording.block(tx, journey.claim.ref, reason, report))
        else:
            self._conclude(journey, outcome, route)

    def _put_off(self, claim: Claim, error: Exception) -> None:
        """What follows from an answer cannot be read, so it cannot count; `effect` decides."""
        told = f"what follows from its answer cannot be told yet: {error}"
        logger.warning("task %s: %s", claim.id, told)
        effect, limit = self._effect_of(claim), self._policy.interruption_limit(claim.task)
        self._store.write(lambda tx: run_steering.put_off_answered(tx, claim.ref, told, effect, limit))

    def _conclude(self, journey: Journey, outcome: Outcome, route: Route) -> None:
        """Have it judged; stopped while it was, it ends as withdrawn, or waits for the next worker."""

        def further() -> list[CriticVerdict] | None:
            return self._checking.ask(journey, outcome)

        try:
            why_not = functools.partial(self._judge.why_not, journey.claim, outcome)
            growth = self._runs.growth_of(journey.claim, outcome, why_not) if journey.grows else None
        except (errors.SkepError, OSError) as error:
            self._put_off(journey.claim, error)
            return
        is_concluded = self._judge.conclude(
            journey.claim,
            outcome,
            route,
            self._chance,
            further,
            journey.ledger,
            growth,
            journey.cache_key,
        )
        if not is_concluded and journey.is_cancelled.is_set():
            self._end_unstarted(journey)
        elif not is_concluded and journey.is_handed_back.is_set():
            self._store.write(lambda tx: claims.leave(tx, journey.claim.ref))
