"""The client package where it reads what a task says while it says it: `Skep` and `AsyncSkep` alike."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from skep_client import (
    AnswerDiscarded,
    NoAnswer,
    OverBudget,
    RunPolicy,
    TaskRequest,
)

from testing.model_server import ModelRequest, ModelServer, Reply
from tests.integration import client_rig

SETTINGS = {"max_attempts": 1}
answer = client_rig.answer


def test_an_output_is_told_while_it_is_written(skep: Any, models: ModelServer) -> None:
    rest = threading.Event()
    models.reply_with(Reply(text="first words and the rest of it.", hold_stream=rest))
    run = skep.start([{"id": "a", "prompt": "Speak."}])
    events = skep.output_events(run.id, "a", 30)
    begun = [next(events), next(events)]
    rest.set()
    begun += events

    assert begun[0].kind == "attempt"
    assert (begun[1].kind, begun[1].text.strip()) == ("text", "first")
    assert (begun[-1].kind, begun[-1].state) == ("end", "completed")
    assert "".join(each.text for each in begun) == "first words and the rest of it."
    assert skep.output(run.id, "a") == "first words and the rest of it."


AGAIN: RunPolicy = {"retry": {"max_attempts": 2, "base_ms": 1, "retry_on": ["any"]}}


def test_an_answer_is_told_as_it_comes_and_ends_when_it_counts(skep: Any, models: ModelServer) -> None:
    rest = threading.Event()
    models.reply_with(Reply(text="first words and the rest.", hold_stream=rest))
    list_first: TaskRequest = {"id": "list", "argv": ["echo", "bees"]}
    run = skep.start([list_first, {"id": "a", "prompt": "Speak.", "deps": ["list"]}])
    pieces = skep.live(run.id, "a", 30)
    begun = next(pieces)
    assert begun.strip() == "first"
    assert skep.get(run.id).state == "running"
    rest.set()

    assert begun + "".join(pieces) == "first words and the rest."
    assert skep.get(run.id).state == "completed"
    assert "".join(skep.live(run.id, "a", 30)) == "first words and the rest."


def test_what_nobody_was_told_of_yet_may_fail_before_the_answer(skep: Any, models: ModelServer) -> None:
    models.reply_with(Reply(status=500), Reply(text="the answer"))
    run = skep.start([{"id": "a", "prompt": "Speak."}], policy=AGAIN)

    assert "".join(skep.live(run.id, "a", 30)) == "the answer"
    assert skep.get(run.id).tasks["a"].attempts == 2


def test_an_answer_that_is_told_and_then_rejected_is_an_error_and_never_another(
    skep: Any, models: ModelServer
) -> None:
    rest = threading.Event()
    models.reply_with(Reply(text="certainly not so.", hold_stream=rest))
    run = skep.start([{"id": "a", "prompt": "Say so.", "expect": {"contains": ["Say so"]}}], policy=AGAIN)
    pieces = skep.live(run.id, "a", 30)
    told = [next(pieces)]
    rest.set()
    with pytest.raises(AnswerDiscarded, match="is not its answer, it was rejected") as discarded:
        told.extend(pieces)

    assert "certainly not so.".startswith("".join(told).strip())
    assert "Say so" in " ".join(discarded.value.reasons)
    # The second attempt, which is rejected as well, may have been quicker than the abort.
    assert skep.wait(run.id, 30).state in {"aborted", "failed"}


def test_who_stops_reading_an_answer_or_cannot_pay_it_aborts_its_run(skep: Any, models: ModelServer) -> None:
    rest = threading.Event()
    models.reply_with(Reply(text="first words", hold_stream=rest))
    run = skep.start([{"id": "a", "prompt": "Speak."}])
    pieces = skep.live(run.id, "a", 30)
    next(pieces)
    pieces.close()
    rest.set()
    assert skep.wait(run.id, 30).state == "aborted"

    poor = skep.start([{"id": "a", "prompt": "One"}], policy={"budget_limit": {"amount": 0.000001}})
    with pytest.raises(OverBudget):
        list(skep.live(poor.id, "a", 30))
    assert skep.wait(poor.id, 30).state == "aborted"


NEVER: Any = {"of": "1", "test": "equals", "value": "2"}


def test_who_reads_an_answer_that_never_comes_hears_of_it(skep: Any) -> None:
    unrequired: RunPolicy = {"on_failure": "required"}
    failing: Any = [{"id": "a", "argv": ["false"], "required": False}, {"id": "b", "argv": ["true"]}]
    for tasks, policy, task, code in (
        ([{"id": "a", "prompt": "One", "when": NEVER}], None, "a", "condition_not_met"),
        (failing, unrequired, "a", "rejected"),
        ([{"id": "a", "prompt": "One"}], None, "z", "task_not_found"),
    ):
        run = skep.start(tasks, policy=policy)
        with pytest.raises(NoAnswer) as missing:
            list(skep.live(run.id, task, 30))
        assert (missing.value.task_id, missing.value.code) == (task, code)
        assert skep.get(run.id).state == "completed"


def drafts(request: ModelRequest) -> Reply:
    own = request.prompt.rpartition("TASK:\n")[2]
    if "Check" in own:
        return Reply(text="score: 99" if "BETTER" in request.prompt else "score: 1")
    return Reply(text="BETTER" if "score" in request.prompt else "POOR")


def rounds() -> list[TaskRequest]:
    until: Any = {"of": "{{output}}", "test": "at_least", "value": 80}
    return [
        {"id": "d", "prompt": "Draft. {{previous}}"},
        {"id": "k", "prompt": "Check {{deps.d.output}}", "deps": ["d"],
         "repeat": {"first": "d", "until": until}},
    ]  # fmt: skip


def test_a_task_that_was_done_again_has_the_answer_of_its_last_round(
    skep: Any, models: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "answer", drafts)
    run = skep.start(rounds())
    answers = skep.result(run.id, 60)
    assert (answers["d"], answers["d.r2"], answers["k"]) == ("BETTER", "BETTER", "score: 99")
    told = skep.get(run.id)
    assert (told.tasks["d"].output, told.tasks["d"].answer_of) == ("POOR", "d.r2")
    with pytest.raises(AnswerDiscarded, match=r"its answer is that of d\.r2"):
        list(skep.live(run.id, "d", 30))
    assert "".join(skep.live(run.id, "d.r2", 30)) == "BETTER"
