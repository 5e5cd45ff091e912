"""The critics that come after the deterministic ones: commands, and a model. Executed by swarm, judged here.

The attempt has its outcome, and its lease is kept while they work. Each is a call of ``/cycle`` that is
recorded and answered once, so a worker that dies here changes nothing: the next one asks again and is told
what was found. A critic that cannot do its work leaves the result to a person; none of them is passed over.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from typing import Any, Final

import errors
from faults import fault_point
from outcome import CriticVerdict, Outcome
from redaction import clean
from review import policy
from review.critics import CONFIDENCE_APPROVED, CONFIDENCE_REJECTED, LONGEST_FINDING
from review.model_verdict import MOST_CHARS, NoVerdict, read_verdict
from road.cycle_client import SWARM_ENDS, CycleClient, SwarmGone
from road.journey import Journey
from settings import Home, Settings
from store.outputs import open_output
from store.records import Claim

#: Seconds between calls while swarm is away, or somebody else's call executes the same check.
LOOK_AGAIN_S: Final = 0.2
#: Seconds after which a rate limit is looked at again at the latest, so that a stop is noticed.
RATE_LOOK_S: Final = 2.0
#: Times swarm may answer with an error of its own before the critic counts as one that cannot judge.
SWARM_ERRORS: Final = 5
#: Characters of a command's name, and of what it printed last, in a finding.
NAME_CHARS: Final = 100
LAST_BYTES: Final = 4096
LAST_CHARS: Final = 350


class Stopped(Exception):
    """The task is stopped: there will be no verdict now."""


class CannotJudge(Exception):
    """A critic cannot do its work; the words say why."""


class Checking:
    """Has results of one home checked.

    Parameters:
        home: where outputs are kept.
        swarm: executes the checks.
        settings: which are made, and how sure a model must be.
        rest_of_budget: dollars that a task which was split has left for itself.
    """

    def __init__(
        self,
        home: Home,
        swarm: CycleClient,
        settings: Settings,
        rest_of_budget: Callable[[Claim], float | None],
    ) -> None:
        self._outputs = home.outputs
        self._swarm = swarm
        self._settings = settings
        self._rest_of_budget = rest_of_budget

    def ask(self, journey: Journey, outcome: Outcome) -> list[CriticVerdict] | None:
        """What the further critics say, up to the first that does not approve; none where it was stopped."""
        found: list[CriticVerdict] = []
        task = journey.claim.task
        for name in policy.checks_for(task, outcome, asks_model=self._settings.review_critic):
            try:
                found.append(self._verdict(journey, name))
            except CannotJudge as error:
                told = clean(f"{self._told(journey, name)} could not judge: {error}")
                found.append(CriticVerdict(critic=name, decision="HELD", confidence=0.0, issues=[told]))
            except Stopped:
                return None
            if found[-1].decision != "APPROVE":
                break
        return found

    def _told(self, journey: Journey, name: str) -> str:
        number = policy.number_of(name)
        if number is None:
            return "the model that judges"
        line = clean(shlex.join(journey.claim.task.expect.commands[number]))
        return f"the check {line if len(line) <= NAME_CHARS else line[:NAME_CHARS] + '...'}"

    def _verdict(self, journey: Journey, name: str) -> CriticVerdict:
        outcome = self._execute(journey, name)
        if outcome.status == "cancelled" and journey.is_over:
            raise Stopped
        if policy.number_of(name) is None:
            return self._of_model(outcome)
        return self._of_command(outcome, name, self._told(journey, name))

    # -- what a check's outcome says -----------------------------------------------------------------------

    def _of_command(self, outcome: Outcome, name: str, told: str) -> CriticVerdict:
        if outcome.status == "completed":
            return CriticVerdict(critic=name, decision="APPROVE", confidence=CONFIDENCE_APPROVED)
        failure = outcome.failure
        if outcome.timed_out:
            issue = f"{told} did not end in time: {failure.message if failure else ''}"
        elif outcome.exit_code is not None and outcome.exit_code > 0:
            issue = f"{told} ended with exit code {outcome.exit_code}: {self._last_words(outcome)}"
        else:  # it could not be run, or something else ended it
            raise CannotJudge(failure.message if failure else outcome.result)
        issues = [clean(issue)[:LONGEST_FINDING]]
        return CriticVerdict(critic=name, decision="REJECT", confidence=CONFIDENCE_REJECTED, issues=issues)

    def _of_model(self, outcome: Outcome) -> CriticVerdict:
        if outcome.status != "completed":
            raise CannotJudge(outcome.failure.message if outcome.failure else outcome.result)
        text = self._read(outcome, 4 * MOST_CHARS + 1).decode("utf-8", errors="replace")
        try:
            verdict = read_verdict(text, self._settings.review_critic_confidence)
        except NoVerdict as error:
            raise CannotJudge(str(error)) from error
        return verdict.model_copy(update={"model": outcome.model, "cost_micros": outcome.cost_micros})

    def _last_words(self, outcome: Outcome) -> str:
        """What a command printed last, in one line; that is where test runners sum up."""
        data = self._read(outcome, LAST_BYTES, from_end=True)
        words = " ".join(data.decode("utf-8", errors="replace").split())
        return words if len(words) <= LAST_CHARS else f"...{words[-LAST_CHARS:]}"

    def _read(self, outcome: Outcome, most: int, *, from_end: bool = False) -> bytes:
        if outcome.output_ref is None:
            return (outcome.output or "").encode("utf-8", "replace")
        try:
            with open_output(self._outputs, outcome.output_ref) as file:
                if from_end:
                    file.seek(-min(most, file.seek(0, os.SEEK_END)), os.SEEK_END)
                return file.read(most)
        except (errors.NotFound, OSError) as error:
            raise CannotJudge(f"what it printed cannot be read: {error}") from error

    # -- the call ------------------------------------------------------------------------------------------

    def _execute(self, journey: Journey, name: str) -> Outcome:
        """Have swarm execute a check, or say what came of it before. Raises `CannotJudge`, `Stopped`."""
        request = self._request(journey, name)
        swarm_errors = ends = 0
        while not journey.is_over:
            fault_point("check.sent")
            try:
                return self._swarm.cycle(request, self._patience(name))
            except (SwarmGone, errors.DaemonStopping, errors.CycleRunning) as error:
                ends += isinstance(error, SwarmGone) and error.is_amid
                if ends >= SWARM_ENDS:
                    raise CannotJudge(f"swarm ended {ends} times when it was asked for it") from error
                journey.is_handed_back.wait(LOOK_AGAIN_S)
            except errors.RateLimited as error:
                wait = error.retry_after_s or RATE_LOOK_S
                journey.is_handed_back.wait(min(max(wait, LOOK_AGAIN_S), RATE_LOOK_S))
            except errors.LeaseLost as error:
                raise Stopped from error
            except errors.CycleLost as error:
                raise CannotJudge(
                    "the process that executed it is gone, and what it did is not known"
                ) from error
            except errors.SkepError as error:
                swarm_errors += 1
                if _is_final(error) or swarm_errors >= SWARM_ERRORS:
                    raise CannotJudge(error.message) from error
                journey.is_handed_back.wait(LOOK_AGAIN_S)
        raise Stopped

    def _request(self, journey: Journey, name: str) -> dict[str, Any]:
        claim = journey.claim
        body: dict[str, Any] = {"task_id": claim.id, "lease": claim.ref.lease, "check": name}
        if claim.is_planned and name == policy.MODEL and claim.task.max_budget is not None:
            body["max_budget"] = self._rest_of_budget(claim)
        return body

    def _patience(self, name: str) -> float:
        return self._settings.llm_timeout_s if name == policy.MODEL else self._settings.local_timeout_s


def _is_final(error: errors.SkepError) -> bool:
    """Whether the same call would be answered so again."""
    return isinstance(
        error, errors.CallHeld | errors.NotAllowed | errors.KillSwitchOn | errors.InvalidRequest
    )
