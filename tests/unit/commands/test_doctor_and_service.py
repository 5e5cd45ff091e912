"""`skep doctor`, `service`, `verify` and `panel`."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess

import pytest

import host_platform
from commands.service import unit_path
from commands.unit_file import MARK, quote, render_unit
from doctor import daemon as checks_daemon
from doctor import home as checks_home
from doctor import machine as checks_machine
from doctor import review as checks_review
from doctor import traces as checks_traces
from execution import markers
from localhost import port_file
from panel import login
from panel.login import open_door
from safety.sandbox import bubblewrap
from settings import Home, Settings
from store import processes
from store.chained_log.telling import told as verified
from store.execution_log import FirstBad, VerifyResult
from store.reading import LOCAL_STATUS
from supervisor.daemon import lock_home
from telemetry.follower import state_file
from testing.running_daemon import free_port


@pytest.fixture(autouse=True)
def _free_ports(monkeypatch):
    monkeypatch.setenv("SKEP_SWARM_PORT", str(free_port()))
    monkeypatch.setenv("SKEP_PANEL_PORT", str(free_port()))


def levels(told: dict) -> dict[str, str]:
    return {each["check"]: each["level"] for each in told["checks"]}


def test_a_good_home_is_0_and_every_check_is_told(store, ask, run):
    told = ask("doctor")

    found = levels(told)
    assert told["ok"] is True
    assert found.keys() >= {
        "python", "sqlite", "disk", "file system", "file exchange", "clock", "sandbox", "model", "platform",
        "rights", "daemon", "store", "queue file", "log",
    }  # fmt: skip
    assert "fail" not in found.values()
    assert all(each["way_out"] for each in told["checks"] if each["level"] != "ok")
    assert "no model configured" in run("doctor").stdout


def test_without_a_home_it_says_so_makes_nothing_and_is_0(tmp_path, run, home):
    shutil.rmtree(home.workspace)

    assert levels(json.loads(run("doctor", "--json").stdout))["home"] == "warn"
    assert list(home.root.iterdir()) == []


def far_away(monkeypatch, model: str = "m") -> None:
    # elsewhere, and an address that is refused before anything is sent
    monkeypatch.setenv("SKEP_LLM_BASE_URL", "https://10.0.0.1/v1")
    monkeypatch.setenv("SKEP_LLM_MODEL", model)


def test_a_price_nobody_knows_is_warned_of_with_the_way_to_name_it(store, ask, monkeypatch):
    far_away(monkeypatch)

    (found,) = [each for each in ask("doctor")["checks"] if each["check"] == "price"]

    assert (found["level"], "Nobody knows what m costs" in found["told"]) == ("warn", True)
    assert "config/models.toml" in found["way_out"]


def test_a_price_that_is_known_is_told_with_its_source(store, ask, home, monkeypatch):
    far_away(monkeypatch)
    home.models_file.parent.mkdir()
    home.models_file.write_text('[[model]]\nname = "m"\ninput = 1\noutput = 2\n')

    (found,) = [each for each in ask("doctor")["checks"] if each["check"] == "price"]

    assert found["told"] == "m: $1 read, $2 written per million tokens (config/models.toml)"


def test_a_list_of_models_that_cannot_be_read_is_a_failure(store, run, home, monkeypatch):
    far_away(monkeypatch)
    home.models_file.parent.mkdir()
    home.models_file.write_text('[[model]]\nname = "m"\ninput = nan\noutput = 2\n')

    told = json.loads(run("doctor", "--json", code=1).stdout)

    for check in ("models", "price"):
        (found,) = [each for each in told["checks"] if each["check"] == check]
        assert (found["level"], "config/models.toml:3:9: model[0].input" in found["told"]) == ("fail", True)


def test_the_sandbox_is_tried_for_real():
    (found,) = checks_machine.check_sandbox(Settings())

    assert (found.level == "ok") == ("namespaces of their own (bubblewrap)" in found.told)


def test_without_a_sandbox_it_says_that_commands_wait(monkeypatch):
    monkeypatch.setattr(bubblewrap, "PLACES", ())

    (found,) = checks_machine.check_sandbox(Settings(sandbox="bubblewrap"))

    assert (found.level, found.told.startswith("no sandbox on this machine: bubblewrap: ")) == ("warn", True)
    assert "Commands wait" in found.way_out


def test_a_sandbox_that_was_switched_off_is_a_failure():
    (found,) = checks_machine.check_sandbox(Settings(sandbox="off"))

    assert (found.level, "off" in found.told) == ("fail", True)


def test_a_port_another_program_has_is_a_failure_with_the_way_out(store, run, monkeypatch):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        monkeypatch.setenv("SKEP_SWARM_PORT", str(port))

        told = json.loads(run("doctor", "--json", code=1).stdout)

    (found,) = [each for each in told["checks"] if each["check"] == f"port {port}"]
    assert (found["level"], "SKEP_SWARM_PORT=" in found["way_out"]) == ("fail", True)


def test_one_port_for_both_is_a_failure_with_the_way_out(home):
    (found, *_) = checks_daemon.check_ports(home, Settings(swarm_port=8499, panel_port=8499))

    assert (found.check, found.level) == ("ports", "fail")
    assert "both 8499" in found.told
    assert found.way_out.startswith("Give one of them another port")


def test_a_wrong_setting_is_a_failure_and_the_rest_is_still_looked_at(store, home, run):
    (home.root / "skep.toml").write_text("nonsense = 1\n")

    told = json.loads(run("doctor", "--json", code=1).stdout)

    assert levels(told)["settings"] == "fail"
    assert "log" in levels(told)


def test_the_file_of_commands_is_looked_at(store, home, run, ask):
    assert "programs may run, and 0 profiles" in run("doctor").stdout
    (home.root / "config").mkdir()
    (home.root / "config" / "commands.toml").write_text('programs.ls.options = ["x"]')

    told = json.loads(run("doctor", "--json", code=1).stdout)

    (found,) = [each for each in told["checks"] if each["check"] == "commands"]
    assert found["level"] == "fail"
    assert found["told"].startswith("config/commands.toml: programs.ls.options 'x'")


def test_a_profile_that_cannot_run_is_a_warning(home):
    settings = Settings(profiles={"agent": {"argv": ["no-such-program", "{prompt}"]}})

    warning, fine = checks_home.check_commands(home, settings)

    assert (warning.level, fine.level) == ("warn", "ok")
    assert "The profile agent cannot run: /usr/bin/no-such-program is not installed" in warning.told


def test_a_queue_file_that_is_wrong_is_a_warning(store, home, ask):
    home.queue_file.write_text('{"tasks": [{}]}')

    assert levels(ask("doctor"))["queue file"] == "warn"


@pytest.mark.skipif(not host_platform.IS_LINUX, reason="only Linux shows another process's environment")
def test_a_queue_file_that_is_a_link_to_itself_is_a_failure(store, home, run):
    home.queue_file.symlink_to(home.queue_file.name)

    told = json.loads(run("doctor", "--json", code=1).stdout)
    (found,) = [each for each in told["checks"] if each["check"] == "queue file"]
    assert found["level"] == "fail"
    assert "is a symbolic link to queue.json, which cannot be followed" in found["told"]


def test_a_command_that_outlived_its_daemon_is_found(store, home):
    environment = os.environ | {markers.VARIABLE: markers.mark(host_platform.this_process(), home, "1-1")}
    with subprocess.Popen(["sh"], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as stray:
        assert stray.stdin is not None
        assert stray.stdout is not None
        stray.stdin.write(b"echo\n")
        stray.stdin.flush()
        stray.stdout.readline()  # its environment cannot be read in the midst of execve(2)
        found = {each.check: each for each in checks_daemon.check_daemon(home)}
        stray.kill()

    assert str(stray.pid) in found["strays"].told


def test_a_disk_that_is_nearly_full_is_a_failure(home):
    (found,) = checks_machine.check_disk(home, Settings(disk_free_bytes=2**50))

    assert found.level == "fail"


def test_a_network_file_system_is_a_failure(home, monkeypatch):
    monkeypatch.setattr(host_platform, "is_network_file_system", lambda _: True)

    assert next(checks_machine.check_file_system(home)).level == "fail"


def test_what_could_not_be_tested_on_this_system_is_told(monkeypatch):
    monkeypatch.setattr(host_platform, "untested_here", lambda: ["file exchange by renamex_np"])

    (found,) = checks_machine.check_platform()
    assert (found.level, "renamex_np" in found.told) == ("warn", True)


# -- service -----------------------------------------------------------------------------------------------


@pytest.fixture
def units(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("config")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    monkeypatch.setattr(host_platform, "IS_LINUX", True)
    return folder / "systemd" / "user"


@pytest.mark.parametrize("value", ["~nobody-of-this-name/x", "relative/folder"])
def test_a_folder_for_settings_that_is_not_absolute_is_ignored(value, tmp_path):
    assert unit_path({"XDG_CONFIG_HOME": value}) == unit_path({})
    assert unit_path({}).is_absolute()


def test_the_unit_runs_this_home_with_this_skep(store, home, run):
    unit = run("service", "show").stdout

    assert unit == render_unit(home, Settings())
    assert f'Environment="SKEP_HOME={home.root}"' in unit
    assert '/skep" up\n' in unit
    assert "NoNewPrivileges=yes" in unit


@pytest.mark.parametrize(
    ("text", "quoted"), [("a b", '"a b"'), ('a"b', '"a\\"b"'), ("100%", '"100%%"'), ("a\\b", '"a\\\\b"')]
)
def test_a_home_with_special_letters_stays_one_word_of_the_unit(text, quoted):
    assert quote(text) == quoted


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_understands_the_unit(tmp_path):
    (tmp_path / "a home").mkdir()
    unit = render_unit(Home(tmp_path / "a home"), Settings())

    if "skep.service" not in _complaints(tmp_path, unit.replace("RestartSec=2", "RestartSec=soon")):
        pytest.skip("systemd-analyze cannot work here")
    assert "skep.service" not in _complaints(tmp_path, unit)


def _complaints(folder, unit: str) -> str:
    path = folder / "skep.service"
    path.write_text(unit)
    checked = subprocess.run(
        ["systemd-analyze", "--user", "verify", str(path)],
        env=os.environ | {"XDG_RUNTIME_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    return checked.stderr


def test_it_is_installed_twice_and_taken_out_and_systemctl_is_only_told(store, units, run):
    told = run("service", "install").stdout
    run("service", "install")

    assert "systemctl --user enable --now skep.service" in told
    assert (units / "skep.service").read_text().startswith(MARK)
    run("service", "uninstall")
    assert not (units / "skep.service").exists()
    assert "nothing is installed" in run("service", "uninstall", code=1).stderr


def test_somebody_elses_unit_is_left_alone(store, units, run):
    units.mkdir(parents=True)
    (units / "skep.service").write_text("[Unit]\n")

    run("service", "install", code=1)
    assert (units / "skep.service").read_text() == "[Unit]\n"


def test_a_system_without_systemd_is_told_what_to_do(store, units, run, monkeypatch):
    monkeypatch.setattr(host_platform, "IS_LINUX", False)

    assert "launchd" in run("service", "install", code=1).stderr


# -- verify and panel --------------------------------------------------------------------------------------


def test_a_log_that_is_whole_is_0(store, ask):
    assert ask("verify") == {"ok": True, "lines": 0, "files": 0, "first_bad": None, "note": None}


def test_the_first_bad_line_is_told_and_is_1(store, home, run):
    home.log_file.write_text('{"seq": 1}\n')

    told = json.loads(run("verify", "--json", code=1).stdout)
    assert (told["first_bad"]["file"], told["first_bad"]["line"]) == ("execution_log.jsonl", 1)
    assert run("verify", code=1).stdout.startswith("execution_log.jsonl:1: ")


def test_the_sentence_names_file_and_line():
    bad = VerifyResult(False, 3, 1, FirstBad("execution_log.jsonl", 4, "the chain is broken"), "")

    assert verified(bad) == "execution_log.jsonl:4: the chain is broken."


def test_the_panel_link_is_fresh_each_time(home, store, run):
    open_door(home, 4711)
    first, second = (run("panel").stdout for _ in range(2))

    assert first.startswith("http://127.0.0.1:4711/#code=")
    assert first != second


def test_there_is_no_panel_link_while_no_panel_of_this_home_runs(home, store, run, monkeypatch):
    with contextlib.closing(socket.socket()) as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        monkeypatch.setenv("SKEP_PANEL_PORT", str(stranger.getsockname()[1]))
        told = run("panel", code=3)

    assert (told.stdout, "skep up" in told.stderr) == ("", True)
    assert not list(login.codes_directory(home).glob("*"))


def test_why_the_panel_is_not_up_is_told_instead_of_a_link(home, store, run):
    store.write(lambda tx: processes.enter(tx, ["panel"]))
    store.write(lambda tx: processes.fall(tx, "panel", "Port 1 is taken."))
    with lock_home(home):
        told = run("panel", code=3)

    assert "panel is not up: Port 1 is taken." in told.stderr


def test_a_port_is_ours_only_by_the_word_of_the_process_that_holds_it(home, store, settings):
    with contextlib.closing(socket.socket()) as bound, lock_home(home):
        bound.bind(("127.0.0.1", 0))
        bound.listen()
        port = bound.getsockname()[1]
        (other, _) = checks_daemon.check_ports(home, Settings(swarm_port=port, panel_port=0))
        port_file.claim(home, port_file.SWARM, port)
        (ours, ephemeral) = checks_daemon.check_ports(home, Settings(swarm_port=port, panel_port=0))

    assert (other.level, "another program" in other.told) == ("fail", True)
    assert f"swarm_port = {port + 100}" in other.way_out or port > 65_435
    assert "SKEP_SWARM_PORT=" in other.way_out
    assert (ours.level, "held by this home's daemon" in ours.told) == ("ok", True)
    assert (ephemeral.level, "a free port" in ephemeral.told) == ("ok", True)


def test_what_of_the_daemon_is_not_up_is_told_with_its_reason(home, store, run):
    def fell(tx):
        processes.enter(tx, ["swarm", "worker-1"])
        processes.fall(tx, "swarm", "Port 18420 is taken; choose another with swarm_port.")

    store.write(fell)
    with lock_home(home):
        told = run("doctor", code=1).stdout

    assert "swarm is not up: Port 18420 is taken; choose another with swarm_port." in told
    assert "swarm is not up" not in run("doctor").stdout  # nor is anything else: no daemon runs


def test_a_file_in_place_of_the_workspace_is_told(home, run, store):
    home.workspace.rmdir()
    home.workspace.write_text("not a directory")

    told = run("doctor", code=1).stdout

    assert f"{home.workspace} is in the way: it is no directory" in told
    assert "Move it away" in told


def test_a_port_that_is_taken_on_the_other_loopback_address_is_told(home):
    with contextlib.closing(socket.socket(socket.AF_INET6)) as other:
        other.bind(("::1", 0))
        other.listen()
        settings = Settings(swarm_port=other.getsockname()[1], panel_port=0)

        found = list(checks_daemon.check_ports(home, settings))

    assert [each.level for each in found] == ["fail", "ok"]


def test_a_home_too_deep_for_a_socket_is_told_where_one_is_wanted(tmp_path):
    deep = Home(tmp_path / ("x" * 120))
    free = {"swarm_port": 0, "panel_port": 0}

    assert len(list(checks_daemon.check_ports(deep, Settings(**free)))) == 2
    found = list(checks_daemon.check_ports(deep, Settings(**free, swarm_socket=True)))[-1]
    assert (found.level, "may have" in found.told) == ("fail", True)


def test_a_machine_without_git_is_warned_of_where_the_workspace_is_to_be_kept(monkeypatch):
    monkeypatch.setattr("review.checkpoints.repository.PLACES", "/nonexistent")
    (finding,) = checks_review.check_git(Settings())
    assert (finding.level, finding.way_out) == ("warn", "Install git.")
    (finding,) = checks_review.check_git(Settings(checkpoints=False))
    assert finding.level == "ok"


def test_the_doctor_tells_the_sandbox_of_the_daemon_that_runs_beside_its_own(store, run):
    fact = {"ready": True, "level": "landlock", "reason": "held by Landlock"}
    store.set_fact(LOCAL_STATUS, fact, "daemon.sandbox")
    assert "daemon sandbox" not in run("doctor").stdout

    with lock_home(store.home):
        assert "the daemon that runs uses landlock: held by Landlock" in run("doctor").stdout


def test_a_daemon_that_runs_commands_without_a_sandbox_is_a_failure(store, run):
    fact = {"ready": True, "level": "off", "reason": "commands run with everything you may do"}
    store.set_fact(LOCAL_STATUS, fact, "daemon.sandbox")
    with lock_home(store.home):
        told = run("doctor", code=1).stdout
    assert "the daemon that runs uses off" in told
    assert "start it again" in told


def test_a_list_is_validated_before_it_is_put_in_its_place(run, tmp_path):
    file = tmp_path / "models.yaml"
    file.write_text("model:\n  - name: m\n    inputs: 1\n")

    told = json.loads(run("validate", str(file), "--json", code=1).stdout)

    assert (told["ok"], told["problems"][0]["line"], told["problems"][0]["path"]) == (
        False,
        3,
        "model[0].inputs",
    )
    file.write_text("model:\n  - name: m\n")
    assert "is right" in run("validate", str(file)).stdout


def test_it_says_where_traces_go_and_why_they_do_not(store, ask, home, monkeypatch):
    assert levels(ask("doctor"))["traces"] == "ok"
    monkeypatch.setenv("SKEP_OTEL_ENDPOINT", "http://collector.example:4318")

    (found,) = [each for each in ask("doctor")["checks"] if each["check"] == "otlp"]
    assert (found["level"], "for this machine only" in found["told"]) == ("warn", True)

    monkeypatch.setenv("SKEP_OTEL_ENDPOINT", "http://127.0.0.1:4318")
    home.traces.mkdir()
    state = {"trouble": "disk full", "otlp": {"sent": 3, "trouble": "the receiver does not take them"}}
    state_file(home).write_text(json.dumps(state))
    found = {each["check"]: each for each in ask("doctor")["checks"]}
    assert (found["traces"]["level"], "disk full" in found["traces"]["told"]) == ("warn", True)
    assert (found["otlp"]["level"], "does not take them" in found["otlp"]["told"]) == ("warn", True)
    state_file(home).write_text(json.dumps({"otlp": {"sent": 3, "trouble": None}}))
    (found,) = [each for each in ask("doctor")["checks"] if each["check"] == "otlp"]
    assert found["told"] == "Traces are sent to 127.0.0.1, without prompts: 3 so far."


def test_without_the_library_it_says_how_to_install_it(store, ask, monkeypatch):
    monkeypatch.setenv("SKEP_OTEL_ENDPOINT", "http://127.0.0.1:4318")
    monkeypatch.setattr(checks_traces, "find_spec", lambda name: None)

    (found,) = [each for each in ask("doctor")["checks"] if each["check"] == "otlp"]

    assert (found["level"], "pip install 'skep[otel]'" in found["told"]) == ("warn", True)
