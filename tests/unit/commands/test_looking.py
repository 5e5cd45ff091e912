"""`skep list`, `show`, `status`, `log` and `events`: what they tell, and what must not come through."""

from __future__ import annotations

import contextlib
import json
import socket

import pytest

from errors import ModelUnreachable
from execution.model_watch import ModelWatch
from host_platform import is_lock_held
from settings import Settings
from store import processes, proposals
from store.halting import Trip
from store.reading import LOCAL_STATUS, MODEL_STATUS, QUEUE_FILE_BLOCKED
from store.records import Intake, RefusedTask
from supervisor.daemon import lock_home
from supervisor.daemon_state import look
from testing.model_client import ask as ask_model

ESCAPE = "\x1b]0;owned\x07\x1b[31m\u202e"


# -- list --------------------------------------------------------------------------------------------------


def test_the_list_tells_status_and_what_is_waited_for_also_of_ended_tasks(walk, ask):
    walk.approved(id="done")
    walk.submit({"id": "next", "depends_on": ["later"]}, {"id": "later", "depends_on": ["nobody"]})

    told = {each["id"]: (each["status"], each["waiting_for"]) for each in ask("list")["tasks"]}

    assert told == {
        "done": ("approved", None),
        "next": ("pending", "later to be approved"),
        "later": ("pending", "nobody, which does not exist"),
    }


def test_the_list_can_be_narrowed(walk, ask):
    walk.approved(id="a", tags=["x"])
    walk.failed(id="b")
    walk.submit({"id": "c", "tags": ["x"]}, {"id": "d"})

    def ids(*arguments):
        return [each["id"] for each in ask("list", *arguments)["tasks"]]

    assert ids("--status", "approved,failed") == ["a", "b"]
    assert ids("--status", "approved", "--status", "pending") == ["a", "c", "d"]
    assert ids("--tag", "x") == ["a", "c"]
    assert ids("--limit", "2") == ["c", "d"]
    assert ids("--tag", "x", "--limit", "1") == ["c"]


def test_a_status_that_does_not_exist_is_wrong_usage(store, run):
    assert "pending_review" in run("list", "--status", "done", code=2).stderr


def test_a_person_sees_the_newest_fifty_and_json_has_all(walk, run, ask):
    walk.submit(*({"id": f"t{number:03}"} for number in range(60)))

    shown = run("list")

    assert len(shown.stdout.splitlines()) == 51
    assert shown.stdout.splitlines()[-1].startswith("t059")
    assert "--limit" in shown.stderr
    assert len(ask("list")["tasks"]) == 60


def test_of_a_long_prompt_a_person_sees_the_beginning_without_its_secrets_and_json_has_all(walk, run, ask):
    key = "sk-ant-api03-Qm7vT2xLk9Pz4Rb8"
    walk.submit({"id": "a", "prompt": "say " + "x" * 40 + f" {key} " + "and on " * 10_000 + key})

    line = run("list").stdout.splitlines()[1]

    assert "say xxxx" in line
    assert len(line) < 200
    assert key[:12] not in line
    (told,) = ask("list")["tasks"]
    assert len(told["what"]) > 70_000
    assert told["what"].count("[redacted:anthropic-key]") == 2


def test_changes_that_nobody_took_in_are_told_on_standard_error(store, home, run):
    home.queue_file.write_text('{"tasks": [{"prompt": "x"}]}')
    assert "nobody has taken in" in run("list").stderr

    lock = lock_home(home)
    assert run("list").stderr == ""
    lock.release()

    home.queue_file.write_text('{"tasks": []}')
    assert run("list").stderr == ""


# -- show --------------------------------------------------------------------------------------------------


def test_show_tells_every_attempt_the_words_of_the_error_and_the_way_on(walk, run, ask):
    walk.failed(id="a", prompt="do it", model="m", depends_on=[])

    told = ask("show", "a")
    (attempt,) = told["attempt_history"]
    shown = run("show", "a").stdout

    assert (told["status"], told["reason"], attempt["became"]) == (
        "failed",
        "it ended with exit code 2",
        "failed",
    )
    assert (attempt["exit_code"], attempt["failure"]["message"]) == (2, "no such file")
    assert told["task"] == {"id": "a", "prompt": "do it", "model": "m", "depends_on": []}
    for words in ("no such file", "exit code 2", "skep retry a", "skep log a", 'model="m"'):
        assert words in shown


def test_status_tells_first_of_a_home_that_can_only_be_read(walk, run, ask, monkeypatch):
    walk.approved(id="a")
    assert ask("status")["disk"]["read_only"] is False

    monkeypatch.setattr("os.access", lambda *_: False)  # as of a disk that the kernel made so, whoever asks

    assert run("status").stdout.startswith("This home can only be read: nothing is started and nothing kept")


def test_show_sends_a_member_of_a_cycle_to_the_edit_that_opens_it_and_the_others_to_retry(walk, run):
    walk.submit({"id": "a", "depends_on": ["b"]}, {"id": "b", "depends_on": ["a"]})
    for name in "ab":
        shown = run("show", name).stdout
        assert f"way on        skep edit --retry {name}, with a depends_on that does not lead back" in shown
        assert f"skep retry {name}" not in shown

    corrected = {"id": "b", "prompt": "say hello", "depends_on": []}
    walk.store.edit("b", 1, corrected, "me", send_back=True)

    assert "way on        skep retry a, or skep edit --retry a" in run("show", "a").stdout
    run("retry", "a")


def test_show_tells_how_much_of_an_output_was_cut(walk, run):
    walk.cut(b"x" * 1500, 2_000_000, id="a")
    walk.approved(id="b")

    cut = "output cut: 2,000,000 bytes were not kept, 1,500 bytes were"
    assert cut in run("show", "a").stdout
    assert "output cut" not in run("show", "b").stdout


def test_log_tells_a_cut_beside_the_output_whose_own_words_cannot_imitate_it(walk, run, ask):
    spoof = b"[skep: 7 more bytes were not kept; the cap is 3]\n"
    walk.cut(b"real\n" + spoof, 2_000, note=b"[skep: 2000 more bytes were not kept; the cap is 54]\n", id="a")
    walk.approved(b"all\n" + spoof, id="b")

    cut, whole, told = run("log", "a"), run("log", "b"), ask("log", "a")

    assert cut.stdout == "real\n" + spoof.decode()
    assert cut.stderr == "2,000 more bytes of the output were not kept.\n"
    assert (whole.stdout, whole.stderr) == ("all\n" + spoof.decode(), "")
    assert (told["cut"], told["output"], told["bytes"]) == (2_000, cut.stdout, len(cut.stdout))


def test_show_tells_the_question_and_how_to_answer(walk, run, ask):
    walk.held(id="a")

    assert ask("show", "a")["decision"]["question"] == "Is it good?"
    assert "skep reject a --reason" in run("show", "a").stdout


def test_show_tells_every_word_of_a_command_that_waits_for_leave(walk, run, ask):
    words = ("/opt/agent", "--print", "x" * 5000 + "; the end\x1b[2J")
    walk.waits_for_leave(words, id="a", profile="agent", prompt="x")

    told = run("show", "a").stdout
    assert "x" * 5000 + "; the end" in told
    assert "\x1b" not in told
    assert 'network=true, write_paths=["/var/tmp/agent"], needs_person=true' in told
    assert "PATH=/usr/bin" in told
    assert ask("show", "a")["decision"]["payload"]["argv"] == list(words)


def test_show_tells_dependencies_with_their_states_and_who_needs_it(walk, ask):
    walk.approved(id="a")
    walk.submit({"id": "b", "depends_on": ["a", "x"]}, {"id": "c", "depends_on": ["b"]})

    told = ask("show", "b")

    assert told["depends_on"] == [{"id": "a", "status": "approved"}, {"id": "x", "status": None}]
    assert told["dependants"] == ["c"]


@pytest.mark.parametrize("verb", [["list"], ["show", "a"], ["events"], ["events", "a"], ["status"]])
@pytest.mark.parametrize("flag", [[], ["--json"]])
def test_what_a_task_says_cannot_write_escapes_to_a_terminal(walk, run, verb, flag):
    walk.failed(id="a", prompt=f"x{ESCAPE}\ny", tags=[ESCAPE])
    walk.store.cancel(walk.claim(id="b", prompt="x").id, ESCAPE, ESCAPE)

    shown = run(*verb, *flag)

    assert not set(shown.stdout + shown.stderr) & set("\x1b\x07\u202e")


# -- status ------------------------------------------------------------------------------------------------


def test_status_says_in_a_sentence_what_a_person_must_know_first(walk, home, ask):
    walk.submit({"id": "a"})
    assert ask("status")["health"] == "No daemon runs; start it with `skep up`."

    lock = lock_home(home)
    walk.claim(id="b")
    assert ask("status")["health"].startswith("Working: 2 running, 0 to go.")
    walk.store.pause("me")
    assert ask("status")["health"] == "Paused by me; `skep resume` goes on."
    lock.release()


@pytest.mark.parametrize("stop", ["", "."])
def test_status_and_the_doctor_end_a_reason_with_one_full_stop(store, home, ask, run, stop):
    store.set_disk_full(f"The disk is full. Make room and Skep goes on by itself{stop}")
    blocked = {"reason": f"queue.json cannot be written: no rights{stop}"}
    store.set_fact(QUEUE_FILE_BLOCKED, blocked, "queue_file.blocked", **blocked)
    full = ask("status")["health"]
    store.set_disk_full(None)
    store.trip_breaker(Trip("failures_in_a_row", f"20 tasks in a row failed{stop}", 20), 0)
    tripped = ask("status")["health"]
    home.kill_switch.write_text(f"I said so{stop}\n")
    killed = ask("status")["health"]
    told = [each["told"] for each in json.loads(run("doctor", "--json", code=1).stdout)["checks"]]

    assert full == "Nothing new is started: The disk is full. Make room and Skep goes on by itself."
    assert tripped.startswith("The circuit breaker tripped: 20 tasks in a row failed; `skep resume` goes on.")
    assert killed.startswith("The kill switch is on: I said so; `skep kill-switch off` clears it.")
    assert "The kill switch is on (by hand): I said so." in told
    assert "The circuit breaker tripped: 20 tasks in a row failed." in told
    assert "queue.json cannot be written: no rights." in told


def test_status_counts_in_whole_sentences_and_tells_refused_entries_apart(walk, home, ask, run):
    lock = lock_home(home)
    refused = [RefusedTask(f"r{n}", "tasks[0].prompt: must be string", "tasks[0].prompt", "{}") for n in "12"]
    walk.submit({"id": "a"})
    assert ask("status")["health"] == "Running; 1 task waits."
    walk.submit({"id": "b"})
    walk.store.submit(Intake(refused=refused), "test")

    assert ask("status")["health"] == "Running; 2 tasks wait."
    assert ask("status")["refused"] == 2
    told = run("status").stdout
    assert (
        "2 of the failed are entries of the queue that broke its contract and do nothing until corrected"
        in told
    )
    lock.release()


def test_status_tells_counts_model_and_questions_and_is_0(walk, ask, run):
    walk.held(id="a")
    walk.store.set_fact(MODEL_STATUS, {"ready": True, "reason": "m at http://x"}, "daemon.model")

    told = ask("status")

    assert (told["counts"]["pending_review"], told["daemon"]["running"]) == (1, False)
    assert told["decisions"][0]["task_id"] == "a"
    assert "1 thing waits for you" in told["health"]
    assert "m at http://x" in run("status").stdout


def test_status_says_that_the_last_call_could_not_reach_the_model(walk, ask, run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
    models = ModelWatch(Settings(llm_base_url=url, llm_model="m"), walk.store)
    with contextlib.closing(models):
        models.start()
        before = run("status").stdout
        with pytest.raises(ModelUnreachable):
            ask_model(models.client()[0])

    assert f"model    m is configured at {url}, and was not asked yet" in before
    assert f"model    m: The model server at {url} cannot be reached: nothing listens" in run("status").stdout
    assert (ask("status")["model"]["ready"], ask("status")["model"]["reached"]) == (True, False)


def test_open_questions_are_listed_oldest_first_also_those_of_one_moment(walk, ask):
    names = [f"q{number}" for number in range(12)]
    for name in names:
        walk.held(id=name)

    assert [each["task_id"] for each in ask("status")["decisions"]] == names


def test_status_tells_what_of_the_daemon_is_not_up(walk, home, ask, run):
    def fell(tx):
        processes.enter(tx, ["swarm", "worker-1", "panel"])
        processes.come_up(tx, "worker-1")
        processes.fall(tx, "swarm", "Port 1 is taken; choose another with swarm_port.")
        processes.fall(tx, "panel", "Port 2 is taken.")

    walk.submit({"id": "a"})
    walk.store.write(fell)
    assert ask("status")["processes"] == {"down": {}, "stuck": None}  # no daemon runs

    with lock_home(home):
        told = ask("status")
        shown = run("status").stdout
    stuck = "swarm is not up: Port 1 is taken; choose another with swarm_port."
    assert told["health"] == f"Nothing runs: {stuck}"
    down = {"swarm": stuck, "panel": "panel is not up: Port 2 is taken."}
    assert told["processes"] == {"down": down, "stuck": stuck}
    assert "down     panel is not up: Port 2 is taken." in shown


@pytest.mark.parametrize("fact", [{}, {"level": None}, {"level": "off"}, {"level": "bubblewrap"}])
def test_status_tells_what_holds_commands(walk, ask, run, fact):
    told = {"ready": True, "reason": "what holds them", **fact}
    assert "sandbox  not tried yet" in run("status").stdout
    walk.store.set_fact(LOCAL_STATUS, told, "daemon.sandbox")

    assert ask("status")["sandbox"] == told
    assert "sandbox  what holds them" in run("status").stdout


def test_a_lock_is_looked_at_without_being_made(home):
    assert look(home).is_running is False
    assert not home.daemon_lock.exists()
    home.state.mkdir()
    with lock_home(home):
        assert is_lock_held(home.daemon_lock)
    assert not is_lock_held(home.daemon_lock)


# -- log ---------------------------------------------------------------------------------------------------


def test_log_gives_a_program_the_very_bytes(walk, run):
    data = b"\x00\xff\x1b[31m raw \r\n" * 20_000
    walk.approved(data, id="a")

    assert run("log", "a").stdout_bytes == data


def test_log_gives_a_program_no_secret_and_keeps_what_stands_around_it(walk, run):
    walk.approved(b"\x1b[31m ghp_" + b"a1B2c3D4" * 5 + b"\x1b[0m\r\n\xff", id="a")

    assert run("log", "a").stdout_bytes == b"\x1b[31m [redacted:github-token]\x1b[0m\r\n\xff"


def test_log_shows_a_person_text_and_no_escapes(walk, run, monkeypatch):
    walk.approved("ä\x1b[31mred\n\tnext\r\n".encode() + b"\xff", id="a")
    monkeypatch.setattr("commands.terminal.is_terminal", lambda *_: True)

    assert run("log", "a").stdout == "ä\\x1b[31mred\n\tnext\n\\xff"


def test_log_gives_the_attempt_that_is_asked_for(walk, ask, run):
    walk.failed(b"first", id="a")
    walk.store.retry("a", "me")

    assert ask("log", "a", "--attempt", "1")["output"] == "first"
    assert "no attempt 2" in run("log", "a", "--attempt", "2", code=1).stderr


def test_log_of_a_task_that_never_ran_says_what_it_waits_for(walk, run):
    walk.submit({"id": "a", "depends_on": ["b"]})

    assert "it is waiting for: b, which does not exist" in run("log", "a", code=1).stderr


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a/../b", "", "\x1b[31m", "a\nb", "%s"])
@pytest.mark.parametrize("verb", ["log", "show", "cancel", "events"])
def test_an_id_is_never_a_path(store, run, verb, name):
    told = run(verb, name, code=1)

    assert told.stdout == ""
    assert "There is no task" in told.stderr


def test_a_secret_in_place_of_an_id_is_not_printed_back(store, run):
    secret = "ghp_" + "a1B2c3D4e5" * 3 + "F6g7h8"
    told = [run("show", secret, *more, code=1) for more in ((), ("--json",))]

    assert all(secret not in each.stdout + each.stderr for each in told)
    assert "There is no task '[redacted:github-token]'" in told[0].stderr


# -- events ------------------------------------------------------------------------------------------------


def lines(result) -> list[dict]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_events_as_json_are_a_line_each_with_task_and_status(walk, run):
    walk.approved(id="a")

    told = lines(run("events", "a", "--json"))

    assert [each["status"] for each in told] == [
        "queued",
        "in_progress",
        "completed",
        "pending_review",
        "approved",
    ]
    assert all(
        {"seq", "ts", "event", "task_id", "status"} <= each.keys() for each in lines(run("events", "--json"))
    )


def test_events_can_be_read_on_from_a_place(walk, run):
    walk.submit(*({"id": f"t{number}"} for number in range(200)))

    assert [each["seq"] for each in lines(run("events", "--json", "--after", "198"))] == [199, 200]
    assert [each["seq"] for each in lines(run("events", "--json", "--after", "5", "--limit", "2"))] == [6, 7]
    assert [each["seq"] for each in lines(run("events", "--json", "--limit", "2"))] == [199, 200]
    assert len(lines(run("events", "--json"))) == 200
    assert len(run("events").stdout.splitlines()) == 100


def test_an_event_for_a_person_is_one_line(walk, run):
    walk.store.cancel(walk.claim(id="a").id, "me", "first\nsecond")

    assert all("task." in line for line in run("events").stdout.splitlines())


def test_a_queue_file_that_cannot_be_read_is_told_by_status(home, store, ask):
    (home.root / "queue.json.error").write_text("queue.json: line 1, column 2: not JSON\n")

    told = ask("status")

    assert told["queue_file_trouble"] == "queue.json: line 1, column 2: not JSON"
    assert "queue.json is not taken in: queue.json: line 1, column 2" in told["health"]


@pytest.mark.parametrize("verb", ["status", "list"])
def test_a_queue_file_that_is_a_link_to_itself_keeps_nobody_from_looking(home, walk, run, verb):
    walk.submit({"id": "seen"})
    home.queue_file.symlink_to(home.queue_file.name)

    assert run(verb).stderr == ""


def test_a_question_about_no_one_task_is_shown_with_every_word_of_it(store, run, ask):
    tasks = [{"id": "todo-1", "prompt": f"Run rm -rf / {ESCAPE}"}]
    name = store.write(lambda tx: proposals.ask(tx, "site in the workspace", tasks))

    told = run("show", name).stdout

    assert "Run rm -rf /" in told
    assert "\x1b" not in told
    assert "\u202e" not in told
    assert f"skep approve {name}" in told
    assert ask("show", name)["payload"]["tasks"][0]["id"] == "todo-1"
    assert f"skep show {name}" in run("status").stdout
