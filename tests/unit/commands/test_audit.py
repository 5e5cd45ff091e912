"""``skep audit``: the newest decisions, and the check with its exit codes."""

from __future__ import annotations

import functools
import json

import pytest

from panel.login import open_door
from settings import Home
from store import database
from store.audit_log import AuditExporter
from store.sqlite_store import SqliteStore


@pytest.fixture
def audited(home: Home, store: SqliteStore) -> Home:
    """A home in which five decisions were made and exported."""
    for number in range(5):
        store.audit("execution", "allowed", actor="swarm", task_id=f"t{number}", rule=f"r{number}")
    reader = functools.partial(database.open_reader, home.database)
    exporter = AuditExporter(home, store.settings, reader, store.writer, store.clock)
    exporter.export_new()
    exporter.close()
    return home


def test_the_newest_records_are_listed_oldest_first(audited, run):
    shown = run("audit", "--limit", "2").stdout.splitlines()

    assert [line.split()[0] for line in shown] == ["4", "5"]
    assert shown[1].split()[3:] == ["execution", "allowed", "swarm", "t4", "r4"]


def test_records_are_listed_as_json_a_line_each(audited, run):
    listed = [json.loads(line) for line in run("audit", "list", "--json").stdout.splitlines()]

    assert [one["seq"] for one in listed] == [1, 2, 3, 4, 5]
    assert listed[0]["task_id"] == "t0"


def test_a_home_without_decisions_lists_none(store, run):
    assert run("audit").stdout == ""


def test_hostile_text_in_a_record_is_only_text(store, run):
    store.audit("request", "blocked", actor="swarm", rule="x", reason="\x1b[2J\u202egnp")

    shown = run("audit").stdout
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_a_whole_audit_says_so_and_gives_a_checkpoint(audited, run, ask):
    shown = run("audit", "verify")
    checked = ask("audit", "verify")

    assert "The audit is whole: 5 lines in one file" in shown.stdout
    assert f"Checkpoint now: {checked['checkpoint']}" in shown.stdout
    assert "shows only with --from-checkpoint" in shown.stderr
    assert checked["checkpoint"].startswith("5:")
    assert "only with --from" not in run("audit", "verify", "--from-checkpoint", checked["checkpoint"]).stderr


def test_a_broken_audit_is_1_and_the_line_is_named(audited, run):
    audited.audit_file.write_bytes(audited.audit_file.read_bytes().replace(b'"t2"', b'"tX"'))

    assert run("audit", "verify", code=1).stdout == (
        "audit.jsonl:3: the record was changed: its mac does not fit it.\n"
    )


def test_a_checkpoint_that_does_not_fit_is_1(audited, run):
    assert (
        "is another than that of the checkpoint"
        in run("audit", "verify", "--from-checkpoint", f"2:{'0' * 64}", code=1).stdout
    )
    assert (
        "its end was cut off" in run("audit", "verify", "--from-checkpoint", f"9:{'0' * 64}", code=1).stdout
    )


@pytest.mark.parametrize("text", ["", "5", "5:", "0:" + "a" * 64, "5:" + "a" * 63, "x:" + "a" * 64])
def test_what_is_no_checkpoint_is_2(audited, run, text):
    run("audit", "verify", "--from-checkpoint", text, code=2)


@pytest.mark.parametrize(
    "arguments", [("verify", "--limit", "3"), ("verify", "-f"), ("--from-checkpoint", "1:" + "a" * 64)]
)
def test_an_option_of_the_other_half_is_2(audited, run, arguments):
    run("audit", *arguments, code=2)


def test_what_cannot_be_read_is_3(audited, run):
    audited.audit_key.unlink()
    assert "put it back from a copy" in run("audit", "verify", code=3).stderr


def test_an_audit_that_was_never_exported_is_3(store, run):
    run("audit", "verify", code=3)


def test_a_home_that_is_none_is_3(run):
    run("audit", code=3)
    run("audit", "verify", code=3)


def test_the_making_of_a_login_link_is_on_record_and_its_code_is_not(home, store, run):
    open_door(home, 4711)
    link = run("panel").stdout.strip()

    (row,) = store.reader.all("audit_after", after=0, limit=10)
    assert (row["event"], row["decision"], row["actor"].partition(":")[0]) == (
        "login_link",
        "recorded",
        "cli",
    )
    assert link.partition("#code=")[2] not in str(dict(row))


def test_the_status_tells_the_checkpoint_and_what_holds_everything_up(audited, store, ask, run):
    assert ask("status")["audit"]["checkpoint"].startswith("5:")
    assert "checkpoint 5:" in run("status").stdout

    store.set_audit_blocked("the audit cannot be written, so nothing new starts: no rights")

    assert ask("status")["health"] == "The audit cannot be written, so nothing new starts: no rights."


def doctored(ask, code):
    told = ask("doctor", code=code)
    return next(each for each in told["checks"] if each["check"] == "audit")


def test_the_doctor_looks_at_the_audit(audited, store, ask, run):
    found = next(each for each in json.loads(run_any(run, "doctor"))["checks"] if each["check"] == "audit")
    assert (found["level"], found["told"]) == ("ok", "audit.jsonl is whole: 5 records.")

    audited.audit_file.write_bytes(audited.audit_file.read_bytes().replace(b'"t2"', b'"tX"'))
    assert "audit.jsonl:3" in doctored(ask, 1)["told"]

    audited.audit_key.chmod(0o644)
    assert "not a plain file of yours alone" in doctored(ask, 1)["told"]

    store.set_audit_blocked("the audit cannot be written, so nothing new starts: no rights")
    assert "no rights" in doctored(ask, 1)["told"]


def run_any(run, verb):
    """What a verb prints as JSON, whatever else it finds on this machine."""
    try:
        return run(verb, "--json").stdout
    except AssertionError:
        return run(verb, "--json", code=1).stdout
