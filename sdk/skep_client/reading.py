"""From the JSON of an answer to the shapes in `answers`; what is of another kind is no answer of Skep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar, overload

from skep_client.answers import (
    RUN_STATES,
    TASK_STATES,
    Amount,
    Event,
    OutputEvent,
    Run,
    RunBrief,
    RunDecision,
    RunPage,
    RunProblem,
    RunTask,
    RunUsage,
    TaskUsage,
)
from skep_client.errors import UnexpectedAnswer

Word = TypeVar("Word", bound=str)
_OF_EVENTS = ("seq", "ts", "event", "task_id", "status")


class Members:
    """The members of a JSON object, each asked for by the kind it must be of. Raises `UnexpectedAnswer`."""

    def __init__(self, value: object, path: str) -> None:
        if not isinstance(value, dict):
            raise UnexpectedAnswer(f"{path}: is no object; is this Skep, and of this version?")
        self.all: dict[str, Any] = value
        self._path = path

    def of(self, name: str) -> Members:
        """A member that is an object."""
        return Members(self.all.get(name), f"{self._path}.{name}")

    def is_given(self, name: str) -> bool:
        """Whether it is there and says something."""
        return self.all.get(name) is not None

    def text(self, name: str, default: str | None = None) -> str:
        """A text."""
        found = self.all.get(name, default)
        return found if isinstance(found, str) else self._refuse(name, "a text")

    def text_or_none(self, name: str) -> str | None:
        """A text, or nothing."""
        return self.text(name) if self.is_given(name) else None

    def word(self, name: str, words: tuple[Word, ...]) -> Word:
        """One of some words."""
        found = self.all.get(name)
        return next((each for each in words if each == found), None) or self._refuse(
            name, "a word known here"
        )

    @overload
    def whole(self, name: str, default: int | None = None) -> int: ...

    @overload
    def whole(self, name: str, default: int | None = None, *, may_miss: Literal[True]) -> int | None: ...

    def whole(self, name: str, default: int | None = None, *, may_miss: bool = False) -> int | None:
        """A whole number."""
        found = self.all.get(name, default)
        if found is None and may_miss:
            return None
        is_whole = isinstance(found, int) and not isinstance(found, bool)
        return found if is_whole else self._refuse(name, "a whole number")

    def number(self, name: str) -> float:
        """A number."""
        found = self.all.get(name)
        is_number = isinstance(found, (int, float)) and not isinstance(found, bool)
        return float(found) if is_number and found is not None else self._refuse(name, "a number")

    def flag(self, name: str) -> bool:
        """True or false."""
        found = self.all.get(name)
        return found if isinstance(found, bool) else self._refuse(name, "true or false")

    def items(self, name: str) -> list[Any]:
        """A list."""
        found = self.all.get(name)
        return found if isinstance(found, list) else self._refuse(name, "a list")

    def mapping(self, name: str) -> Mapping[str, Any]:
        """An object whose members are handed on; empty where it is missing."""
        found = self.all.get(name, {})
        return found if isinstance(found, dict) else self._refuse(name, "an object")

    def _refuse(self, name: str, kind: str) -> Any:
        raise UnexpectedAnswer(f"{self._path}.{name}: is not {kind}; is this Skep, and of this version?")


def run_brief(value: object) -> RunBrief:
    """A run without its tasks."""
    return RunBrief(**_brief(Members(value, "run")))


def run(value: object) -> Run:
    """A run with its tasks."""
    told = Members(value, "run")
    usage = told.of("usage")
    cost = usage.of("cost")
    return Run(
        **_brief(told),
        updated_at=told.whole("updated_at"),
        usage=RunUsage(usage.whole("tokens"), Amount(cost.number("amount"), cost.text("currency"))),
        policy=told.mapping("policy"),
        tasks={name: _task(each, f"run.tasks.{name}") for name, each in told.of("tasks").all.items()},
    )


def page(value: object) -> RunPage:
    """A page of runs."""
    told = Members(value, "page")
    return RunPage(tuple(run_brief(each) for each in told.items("runs")), told.whole("next", may_miss=True))


def decisions(value: object) -> tuple[RunDecision, ...]:
    """What people are or were asked."""
    return tuple(decision(each) for each in Members(value, "decisions").items("decisions"))


def decision(value: object) -> RunDecision:
    """What a person is or was asked."""
    told = Members(value, "decision")
    return RunDecision(
        id=told.text("id"),
        kind=told.text("kind"),
        run=told.text("run"),
        task=told.text_or_none("task"),
        question=told.text("question"),
        options=tuple(str(each) for each in told.items("options")),
        digest=told.text("digest"),
        can_be_answered=told.flag("can_be_answered"),
        asked_at=told.text("asked_at"),
        answer_by=told.text_or_none("answer_by"),
        answer=told.text_or_none("answer"),
        answered_at=told.text_or_none("answered_at"),
        answered_by=told.text_or_none("answered_by"),
        comment=told.text_or_none("comment"),
    )


def event(value: object) -> Event:
    """One thing that happened."""
    told = Members(value, "event")
    return Event(
        seq=told.whole("seq"),
        ts=told.text("ts"),
        event=told.text("event"),
        task_id=told.text_or_none("task_id"),
        status=told.text_or_none("status"),
        fields={name: each for name, each in told.all.items() if name not in _OF_EVENTS},
    )


def output_event(kind: str, value: object) -> OutputEvent | None:
    """What is told of an output; none for a kind that is not known here."""
    told = Members(value, "event")
    if kind == "attempt":
        return OutputEvent(kind="attempt", attempt=told.whole("attempt"))
    if kind == "text":
        return OutputEvent(kind="text", text=told.text("text"))
    if kind == "discarded":
        return OutputEvent(
            kind="discarded",
            attempt=told.whole("attempt", may_miss=True),
            became=told.text_or_none("became") or "",
            reasons=tuple(str(each) for each in told.items("reasons")),
        )
    if kind == "end":
        state = told.word("state", TASK_STATES)
        return OutputEvent(kind="end", attempt=told.whole("attempt"), state=state)
    return None


def _brief(told: Members) -> dict[str, Any]:
    return {
        "id": told.text("id"),
        "name": told.text_or_none("name"),
        "state": told.word("state", RUN_STATES),
        "task_count": told.whole("task_count"),
        "open_tasks": told.whole("open_tasks"),
        "is_open": told.flag("is_open"),
        "cost_micros": told.whole("cost_micros"),
        "budget_micros": told.whole("budget_micros", may_miss=True),
        "error": _problem(told),
        "is_lost": told.is_given("is_lost") and told.flag("is_lost"),
        "forked_from": told.text_or_none("forked_from"),
        "parent": told.text_or_none("parent"),
        "created_at": told.whole("created_at"),
        "finished_at": told.whole("finished_at", may_miss=True),
    }


def _problem(told: Members) -> RunProblem | None:
    if not told.is_given("error"):
        return None
    error = told.of("error")
    return RunProblem(error.text("code"), error.text("message"))


def _task(value: object, path: str) -> RunTask:
    told = Members(value, path)
    usage = told.of("usage")
    return RunTask(
        state=told.word("state", TASK_STATES),
        deps=tuple(str(each) for each in told.items("deps")),
        model=told.text_or_none("model"),
        attempts=told.whole("attempts"),
        usage=TaskUsage(
            usage.whole("tokens"),
            usage.whole("prompt_tokens"),
            usage.whole("completion_tokens"),
            usage.whole("cost_micros"),
        ),
        started_at=told.whole("started_at", may_miss=True),
        finished_at=told.whole("finished_at", may_miss=True),
        output=told.text("output", ""),
        output_ref=told.text("output_ref", ""),
        output_bytes=told.whole("output_bytes", 0),
        error=_problem(told),
        waiting_for=told.text_or_none("waiting_for"),
        held_by=told.text("held_by", ""),
        metadata=told.mapping("metadata"),
        context=told.mapping("context"),
        outputs=told.mapping("outputs"),
        parent=told.text("parent", ""),
        child=told.text("child", ""),
        added_by=told.text("added_by", ""),
        round=told.whole("round", 1),
        answer_of=told.text("answer_of", ""),
        reused_from=told.text("reused_from", ""),
    )
