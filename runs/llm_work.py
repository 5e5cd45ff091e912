"""The llm executor: asks the home's model, through the gateway and the wrapper that pays for it.

Every call is looked at by the safety gateway on its exact bytes, reserved in the budgets of the home and
booked there as every other call is; the run's own budget comes on top. While the kill switch is on, none is
made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from context import envelope
from cost.budget_enforcer import Payer
from cost.model_catalog import Place
from errors import CallHeld, ModelError, NotAllowed, SkepError
from llm.contracts import Call, ChatClient, ChatResult, Message
from llm.discovery import ModelStatus, find_model, make_client
from llm.endpoint import is_loopback
from run_contract.asking import DENIED
from run_contract.job import Job
from run_contract.records import TaskResult, Usage
from runs.prompting import enveloped_prompt
from runs.work import WorkFailed
from runtime_contract import Task
from safety.gateway import SafetyGateway
from safety.kill_switch import KillSwitch
from safety.model_call import ModelCall, Wishes
from safety.secure_api import SecureAPIWrapper
from safety.work import SYSTEM_MESSAGE, Approved, Work
from settings import Settings


class FoundModel:
    """The model the settings name, looked for once. Raises `NoModel` where there is none."""

    def __init__(self, settings: Settings) -> None:
        self.status = find_model(settings)
        self._client = make_client(settings, self.status)

    def client(self) -> tuple[ChatClient, ModelStatus]:
        """The client and what it talks to."""
        return self._client, self.status

    @property
    def place(self) -> Place:
        """Where models are asked, for their prices."""
        endpoint = self.status.endpoint or ""
        host = urlsplit(endpoint).hostname or ""
        return Place(endpoint, is_loopback(host), self.status.model)

    def close(self) -> None:
        """Close every connection. No call may be running."""
        self._client.close()


def sent(job: Job) -> list[str]:
    """The texts of a job as a model gets them; every mark is as long as every other."""
    return [SYSTEM_MESSAGE, enveloped_prompt(job, envelope.new_mark())]


class LlmWork:
    """Does the work of tasks by asking a model. Threads may share it.

    Parameters:
        on_refusal: is told what the gateway refused, with the task and the safety report.
    """

    def __init__(
        self,
        secure: SecureAPIWrapper,
        gateway: SafetyGateway,
        kill_switch: KillSwitch,
        on_refusal: Callable[[Job, Mapping[str, Any]], None],
    ) -> None:
        self._secure = secure
        self._on_refusal = on_refusal
        self._gateway = gateway
        self._kill_switch = kill_switch

    def __call__(self, job: Job) -> TaskResult:
        """Ask, and wait for the whole answer. Raises `WorkFailed` with what was used."""
        if job.choices is not None:
            raise WorkFailed("nobody is there who could be asked", code=DENIED)
        handle = Call()
        job.asked.on_stop(handle.cancel)
        call: ModelCall | None = None
        try:
            self._kill_switch.check()
            wishes = Wishes(job.model or None, job.max_tokens, None, job.timeout_s)
            call = self._secure.prepare(self._approve(job), wishes, Payer(run_id=job.top_run or job.run_id))
            answer = self._secure.carry_out(call, handle)
        except NotAllowed as error:
            self._on_refusal(job, error.details.get("safety_report") or {})
            raise WorkFailed(error.message, None, "safety_blocked") from error
        except SkepError as error:
            raise WorkFailed(
                error.message, _used(call, None), error.code, retryable=_may_help(error)
            ) from error
        return TaskResult(answer.text, usage=_used(call, answer), metadata={"finish": answer.finish_reason})

    def _approve(self, job: Job) -> Approved:
        """What may be sent: the person's own words alone, then all that is sent. Raises `NotAllowed`."""
        mark = envelope.new_mark()
        task = Task(id=job.task_id, mode="llm", prompt=job.template)
        text = enveloped_prompt(job, mark)
        self._gateway.approve(task, Work.of(task))
        messages = (Message("system", SYSTEM_MESSAGE), Message("user", text))
        return self._gateway.approve(task, Work(messages=messages, mark=mark))[0]


def _used(call: ModelCall | None, answer: ChatResult | None) -> Usage:
    """What a call used, as it was booked."""
    micros = call.bill.micros if call is not None and call.bill is not None else 0
    tokens = call.bill.tokens if call is not None and call.bill is not None else None
    if tokens is None and answer is not None:
        tokens = answer.usage.prompt_tokens + answer.usage.completion_tokens
    return Usage(tokens or 0, micros)


def _may_help(error: SkepError) -> bool:
    """Whether the same call may go better another time."""
    if isinstance(error, CallHeld):
        return error.code == "rate_limited"
    return isinstance(error, ModelError) and error.retryable
