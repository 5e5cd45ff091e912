"""``skep schedule`` and setting limits: the command line's side of what the panel's buttons do."""

from __future__ import annotations

from store import budgets
from store.records import Intake
from testing.tasks import new_task


def submit(store, *tasks) -> None:
    store.submit(Intake(new=list(tasks)), "test")


def test_nothing_scheduled_teaches_how(run, store) -> None:
    assert '"every": "0 3 * * *"' in run("schedule").stdout


def test_schedules_and_delayed_tasks_are_listed_in_plain_words(run, ask, store) -> None:
    submit(store, new_task(id="s", every="0 3 * * *"), new_task(id="d", not_before=4e9, prompt="later"))

    told = run("schedule").stdout
    assert "every day at 03:00" in told
    assert "later" in told
    found = ask("schedule", "list")
    assert [each["id"] for each in found["schedules"]] == ["s"]
    assert len(found["schedules"][0]["next"]) == 5
    assert [each["id"] for each in found["delayed"]] == ["d"]


def test_a_schedule_runs_now_skips_and_stops(run, ask, store) -> None:
    submit(store, new_task(id="s", every="0 3 * * *"))

    assert "is in the queue" in run("schedule", "run", "s").stdout
    before = store.reader.task("s")["not_before"]
    assert "skips" in run("schedule", "skip", "s").stdout
    assert store.reader.task("s")["not_before"] > before
    assert "is stopped" in ask("schedule", "stop", "s", "--reason", "enough")["result"]
    assert store.reader.task("s")["reason"] == "enough"


def test_what_is_said_wrongly_is_refused(run, store) -> None:
    assert "Name the task" in run("schedule", "run", code=2).stderr
    assert "takes no ID" in run("schedule", "list", "s", code=2).stderr
    assert "--reason" in run("schedule", "skip", "s", "--reason", "x", code=2).stderr
    run("schedule", "run", "nobody", code=1)


def test_a_limit_is_set_told_and_cleared(run, ask, store) -> None:
    assert (
        "is $20.00 from now on" in run("budget", "set", "20", "--limit", "day", "--reason", "release").stdout
    )

    told = run("budget").stdout
    assert "day: $20.00, set by cli:" in told
    assert "release" in told
    assert ask("budget", "set", "none", "--limit", "total", "--reason", "x")["limit_micros"] is None
    assert ask("budget", "set", "0", "--limit", "model:m", "--reason", "x")["limit_micros"] == 0
    assert "settings' limit counts again" in run("budget", "clear", "--limit", "day").stdout
    assert set(budgets.overrides(store.reader)) == {"total", "model:m"}


def test_a_limit_without_reason_or_amount_is_refused(run, store) -> None:
    assert "reason" in run("budget", "set", "20", code=2).stderr
    assert "is no amount" in run("budget", "set", "much", "--reason", "x", code=2).stderr
    assert "takes no amount" in run("budget", "clear", "5", code=2).stderr
    assert "--reason goes with" in run("budget", "add", "5", "--reason", "x", code=2).stderr
