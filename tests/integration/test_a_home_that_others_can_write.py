"""What is done, and said at the start, in a home that other users can write."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import skep
from config_files import own_home
from errors import InvalidSetting
from settings import Home, Settings
from store.sqlite_store import SqliteStore
from testing.running_daemon import RunningDaemon
from tests.unit.queue_file.keeping import Keeping

STRANGER = 65_534
REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize("mode", [0o777, 0o1777])
@pytest.mark.parametrize("folder", ["", "config", "tools", "workflows"])
def test_nothing_is_read_or_started_there_and_the_way_out_is_told(
    tmp_path: Path, folder: str, mode: int
) -> None:
    daemon = RunningDaemon(tmp_path / "home")
    place = daemon.root / folder
    place.mkdir(exist_ok=True)
    place.chmod(mode)
    way_out = "ake a home of your own (skep init DIR)" if mode & 0o1000 else f"hmod -R o-w {place}"

    for verb in (("up", "--until-idle", "--no-panel"), ("status",), ("init",), ("doctor",)):
        told = daemon.skep(*verb)
        assert told.returncode in {1, 2}
        assert f"everybody can write {place}" in told.stderr + told.stdout
        assert way_out in told.stderr + told.stdout
    assert not (daemon.root / "execution_log.jsonl").exists()


def test_a_home_that_is_made_beneath_a_folder_for_everybody_is_ones_own(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    daemon = RunningDaemon(tmp_path / "home")

    assert daemon.skep("init").returncode == 0
    assert daemon.skep_process("up", "--until-idle", "--no-panel").returncode == 0


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="a file of another user needs root")


@needs_root
@pytest.mark.parametrize("is_link", [False, True])
@pytest.mark.parametrize(
    "name", [".swarm", "config", "tools", "workflows", "workspace", "conflicts", "execution_log.jsonl"]
)
def test_what_somebody_else_put_into_it_is_named_and_neither_read_nor_followed(
    tmp_path: Path, name: str, is_link: bool
) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    for folder in (home, elsewhere):
        folder.mkdir()
    place = home / name
    if is_link:
        place.symlink_to(elsewhere)
    else:
        place.mkdir()
    os.chown(place, STRANGER, -1, follow_symlinks=False)

    with pytest.raises(InvalidSetting, match=f"{place} belongs to another user .* take it away"):
        own_home.check_home(home)
    told = CliRunner().invoke(skep.cli, ["--home", str(home), "up", "--until-idle", "--no-panel"])
    assert told.exit_code == 2
    assert list(elsewhere.iterdir()) == []


@needs_root
def test_doctor_says_so_and_runs_no_check_that_somebody_else_put_there(tmp_path: Path) -> None:
    home, ran = tmp_path / "home", tmp_path / "ran"
    config = home / "config"
    config.mkdir(parents=True)
    (config / "constitution.toml").write_text('callables = ["theirs:find"]\n')
    (config / "theirs.py").write_text(f"open({str(ran)!r}, 'w')\ndef find(text, mode):\n    return []\n")
    for path in (config, *config.iterdir()):
        os.chown(path, STRANGER, -1)

    told = CliRunner().invoke(skep.cli, ["--home", str(home), "doctor"])

    assert told.exit_code == 1
    assert f"{config} belongs to another user" in told.stdout
    assert not ran.exists()


@needs_root
@pytest.mark.parametrize("action", [["on"], ["off"], []])
def test_the_kill_switch_is_not_put_through_a_link_of_somebody_else(
    tmp_path: Path, action: list[str]
) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    for folder in (home, elsewhere):
        folder.mkdir()
    (home / ".swarm").symlink_to(elsewhere)
    os.chown(home / ".swarm", STRANGER, -1, follow_symlinks=False)

    told = CliRunner().invoke(skep.cli, ["--home", str(home), "kill-switch", *action])

    assert told.exit_code == 2
    assert "belongs to another user" in told.stderr
    assert list(elsewhere.iterdir()) == []


@needs_root
def test_the_way_home_does_not_lead_over_a_link_of_somebody_else_in_a_folder_for_everybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs, for_all, mine = (tmp_path / name for name in ("theirs", "for_all", "mine"))
    for folder in (theirs, for_all, mine):
        folder.mkdir()
    os.chown(theirs, STRANGER, -1)
    for_all.chmod(0o1777)
    planted = for_all / "home"
    planted.symlink_to(theirs)
    os.chown(planted, STRANGER, -1, follow_symlinks=False)
    (for_all / "my").symlink_to("../mine")
    (mine / "on").symlink_to(for_all / "home")
    monkeypatch.chdir(for_all)

    (mine / "round").symlink_to("round")

    for named in (planted, "home", "../for_all/./home", "my/on", "nothing/../home", "my/round/../on"):
        told = CliRunner().invoke(skep.cli, ["--home", str(named), "up", "--until-idle", "--no-panel"])
        assert told.exit_code == 2
        assert f"{planted} belongs to another user (uid {STRANGER}), and everybody can write" in told.stderr
        assert "skep init DIR" in told.stderr
    assert CliRunner().invoke(skep.cli, ["--home", "my", "init"]).exit_code == 0
    assert CliRunner().invoke(skep.cli, ["--home", str(planted), "kill-switch", "on"]).exit_code == 2
    assert list(theirs.iterdir()) == []


@needs_root
@pytest.mark.parametrize("process", ["worker", "swarm", "control_panel"])
def test_a_process_of_the_daemon_does_not_go_that_way_either(tmp_path: Path, process: str) -> None:
    for_all = tmp_path / "for_all"
    (for_all / "theirs").mkdir(parents=True)
    for_all.chmod(0o1777)
    os.chown(for_all / "theirs", STRANGER, -1)

    told = subprocess.run(
        [sys.executable, "-m", process, "--home", str(for_all / "theirs")],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert told.returncode == 3
    assert told.stderr.startswith(f"{process}: home: {for_all / 'theirs'} belongs to another user")
    assert told.stderr.count("\n") == 1


@needs_root
@pytest.mark.parametrize("what", ["file", "folder", "link"])
def test_what_somebody_else_put_into_the_state_is_named_and_counts_for_nothing(
    tmp_path: Path, what: str
) -> None:
    daemon = RunningDaemon(tmp_path / "home")
    assert daemon.skep("init").returncode == 0
    assert daemon.skep_process("up", "--until-idle", "--no-panel").returncode == 0
    planted = daemon.root / ".swarm" / "planted"
    match what:
        case "file":
            planted.touch()
        case "folder":
            planted.mkdir()
        case "link":
            planted.symlink_to("/etc")
    os.chown(planted, STRANGER, -1, follow_symlinks=False)

    for verb in (("up", "--until-idle", "--no-panel"), ("status",), ("doctor",)):
        told = daemon.skep(*verb)
        assert told.returncode in {1, 2}
        assert f"{planted} belongs to another user (uid {STRANGER})" in told.stderr + told.stdout
    assert daemon.skep("kill-switch", "on").returncode == 0, "a stop in need is not refused"


@needs_root
def test_what_somebody_else_put_deep_into_the_state_stops_the_start_and_doctor_names_it(
    tmp_path: Path,
) -> None:
    daemon = RunningDaemon(tmp_path / "home")
    assert daemon.skep_process("up", "--until-idle", "--no-panel").returncode == 0
    planted = daemon.root / ".swarm" / "sandbox" / "planted"
    planted.touch()
    os.chown(planted, STRANGER, -1)

    for verb in (("up", "--until-idle", "--no-panel"), ("doctor",)):
        told = daemon.skep(*verb)
        assert told.returncode in {1, 2}
        assert f"{planted} belongs to another user (uid {STRANGER})" in told.stderr + told.stdout


@needs_root
@pytest.mark.parametrize(
    "name", ["tools/planted/tool.toml", "tools/mine/also.toml", "workflows/planted.yaml"]
)
def test_what_somebody_else_put_deep_where_all_is_obeyed_is_named_and_not_read(
    tmp_path: Path, name: str
) -> None:
    daemon = RunningDaemon(tmp_path / "home")
    planted = daemon.root / name
    planted.parent.mkdir(parents=True)
    planted.write_text('description = "list"\nexamples = ["list the files"]\nargv = ["ls"]\n')
    theirs = planted.parent if planted.parent.name == "planted" else planted
    for path in {theirs, planted}:
        os.chown(path, STRANGER, -1)

    for verb in (("up", "--until-idle", "--no-panel"), ("tools",), ("route", "list the files"), ("doctor",)):
        told = daemon.skep(*verb)
        assert told.returncode in {1, 2}
        assert f"{theirs} belongs to another user (uid {STRANGER})" in told.stderr + told.stdout


@needs_root
def test_a_home_that_is_made_is_looked_at_where_it_came_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for_all, victim = tmp_path / "for_all", tmp_path / "victim"
    for folder in (for_all, victim):
        folder.mkdir()
        folder.chmod(0o1777 if folder == for_all else 0o755)
    really = Path.mkdir

    def plant_first(folder: Path, *words: Any, **more: Any) -> None:
        """In the instant before the home is made, somebody makes what is missing on the way."""
        monkeypatch.undo()
        for theirs in (for_all / "new", for_all / "new" / "home"):
            theirs.mkdir()
            os.chown(theirs, STRANGER, -1)
        (for_all / "new/home/.swarm").symlink_to(victim)
        really(folder, *words, **more | {"exist_ok": True})

    monkeypatch.setattr(Path, "mkdir", plant_first)
    told = CliRunner().invoke(skep.cli, ["init", str(for_all / "new/home")])

    assert told.exit_code == 2
    assert f"{for_all / 'new'} belongs to another user (uid {STRANGER})" in told.stderr
    assert (list(victim.iterdir()), victim.stat().st_mode & 0o777) == ([], 0o755)


@needs_root
def test_the_way_to_the_queue_file_does_not_lead_there_either(keeping: Keeping, tmp_path: Path) -> None:
    for_all = tmp_path / "for_all"
    theirs = for_all / "theirs"
    theirs.mkdir(parents=True)
    for_all.chmod(0o1777)
    (theirs / "q.json").write_text('{"tasks": [{"id": "evil", "command": "true"}]}')
    for path in (theirs, theirs / "q.json"):
        os.chown(path, STRANGER, -1)
    keeping.file.unlink(missing_ok=True)
    keeping.file.symlink_to(theirs / "q.json")
    keeping.round()
    keeping.restart()

    assert keeping.statuses() == {}
    assert list(theirs.iterdir()) == [theirs / "q.json"]
    refused = keeping.events("queue_file.refused")[0]
    assert f"where {theirs} belongs to another user (uid {STRANGER}), and everybody can" in refused["reason"]


@needs_root
def test_who_comes_to_the_home_of_somebody_else_is_not_told_to_take_their_things_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon = RunningDaemon(tmp_path / "home")
    for path in (daemon.root, daemon.root / ".swarm"):
        os.chown(path, STRANGER, -1)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    told = CliRunner().invoke(skep.cli, ["--home", str(daemon.root), "status"])

    assert told.exit_code == 2
    assert f"{daemon.root / '.swarm'} belongs to another user (uid {STRANGER}); make a home" in told.stderr


@needs_root
def test_root_looks_into_the_home_of_somebody_else_and_runs_no_daemon_there(tmp_path: Path) -> None:
    daemon = RunningDaemon(tmp_path / "home")
    assert daemon.skep_process("up", "--until-idle", "--no-panel").returncode == 0
    for path in (daemon.root, *daemon.root.rglob("*")):
        os.chown(path, STRANGER, STRANGER, follow_symlinks=False)

    assert daemon.skep("status").returncode == 0
    assert daemon.skep("kill-switch", "on").returncode == 0
    told = daemon.skep_process("up", "--until-idle", "--no-panel")
    assert told.returncode == 2
    assert f"start it so: sudo -u '#{STRANGER}' skep --home {daemon.root} up" in told.stderr


@needs_root
@pytest.mark.parametrize("mode", [0o777, 0o1777])
def test_root_works_for_nobody_whose_home_anybody_could_have_made(tmp_path: Path, mode: int) -> None:
    above, home = tmp_path / "above", tmp_path / "above" / "of" / "home"
    home.mkdir(parents=True)
    for folder in (home, home.parent):
        os.chown(folder, STRANGER, -1)
    own_home.check_home(home)
    above.chmod(mode)

    with pytest.raises(InvalidSetting, match=f"{home.parent} belongs to another user .* can write {above}"):
        own_home.check_home(home)


@needs_root
def test_a_queue_file_that_is_a_link_of_somebody_else_is_not_followed(
    keeping: Keeping, tmp_path: Path
) -> None:
    mine = tmp_path / "mine.json"
    mine.write_text('{"name": "precious"}')
    keeping.file.unlink(missing_ok=True)
    keeping.file.symlink_to(mine)
    os.chown(keeping.file, STRANGER, -1, follow_symlinks=False)
    keeping.round()

    assert "is a symbolic link" in keeping.file.with_name("queue.json.error").read_text("utf-8")
    assert mine.read_text() == '{"name": "precious"}'


@needs_root
def test_settings_that_somebody_else_put_there_stop_the_start_and_are_named(tmp_path: Path) -> None:
    daemon = RunningDaemon(tmp_path / "home")
    planted = daemon.root / "skep.toml"
    planted.write_text('llm_base_url = "http://127.0.0.1:9"\n')
    os.chown(planted, STRANGER, -1)

    for verb in (("up", "--until-idle", "--no-panel"), ("status",), ("doctor",)):
        told = daemon.skep(*verb)
        assert told.returncode in {1, 2}
        assert f"skep.toml: belongs to another user (uid {STRANGER})" in told.stderr + told.stdout


@needs_root
def test_a_whole_home_that_somebody_makes_in_the_last_instant_is_not_taken_for_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for_all, victim = tmp_path / "for_all", tmp_path / "victim"
    for folder, mode in ((for_all, 0o1777), (victim, 0o755)):
        folder.mkdir()
        folder.chmod(mode)
    home = for_all / "home"
    CliRunner().invoke(skep.cli, ["init", "--help"])
    really = sys.modules["commands.init"].load_settings

    def plant_then(*words: Any) -> Any:
        """Everything that `skep init` would make is there by the time that it looks."""
        settings = really(*words)
        for theirs in (home, home / "workspace", home / "inbox", home / "inbox/tmp", home / "inbox/new"):
            theirs.mkdir()
            os.chown(theirs, STRANGER, -1)
        (home / ".swarm").symlink_to(victim)
        os.chown(home / ".swarm", STRANGER, -1, follow_symlinks=False)
        return settings

    monkeypatch.setattr("commands.init.load_settings", plant_then)
    told = CliRunner().invoke(skep.cli, ["init", str(home)])

    assert told.exit_code == 2
    assert f"{home} belongs to another user (uid {STRANGER})" in told.stderr
    assert (list(victim.iterdir()), victim.stat().st_mode & 0o777) == ([], 0o755)
    assert not (home / "queue.json").exists()


@needs_root
def test_no_state_is_made_behind_a_link_that_somebody_else_put_there(tmp_path: Path) -> None:
    home, victim = tmp_path / "home", tmp_path / "victim"
    for folder in (home, victim):
        folder.mkdir()
        folder.chmod(0o755)
    (home / ".swarm").symlink_to(victim)
    os.chown(home / ".swarm", STRANGER, -1, follow_symlinks=False)

    with pytest.raises(InvalidSetting, match="belongs to another user"):
        SqliteStore(Home(home), Settings())
    assert (list(victim.iterdir()), victim.stat().st_mode & 0o777) == ([], 0o755)


def test_everything_can_be_stopped_also_where_everybody_can_write_the_state(tmp_path: Path) -> None:
    daemon = RunningDaemon(tmp_path / "home")
    state = daemon.root / ".swarm"
    state.chmod(0o777)

    told = daemon.skep("kill-switch", "on", "--reason", "stop it")

    assert (told.returncode, "The kill switch is on: stop it" in told.stdout) == (0, True)
    assert "The store could not be told" in told.stderr
    found = daemon.skep("doctor")
    assert (found.returncode, f"everybody can write {state}" in found.stdout) == (1, True)
    assert f"chmod -R o-w {state}, then let skep doctor look at it" in found.stdout
    state.chmod(0o700)
    assert "The kill switch is on: stop it" in daemon.skep("kill-switch").stdout


@needs_root
@pytest.mark.parametrize("name", ["skep.toml", "config/commands.toml", "tools/t/tool.toml"])
def test_a_link_of_somebody_else_chooses_no_file_of_ones_own_for_what_skep_does(
    tmp_path: Path, name: str
) -> None:
    daemon = RunningDaemon(tmp_path / "home")
    mine, planted = tmp_path / "mine.toml", daemon.root / name
    mine.write_text("")
    planted.parent.mkdir(parents=True, exist_ok=True)
    planted.symlink_to(mine)
    verb = "status" if name == "skep.toml" else "tools" if name.startswith("tools") else "doctor"
    before = daemon.skep(verb)
    os.chown(planted, STRANGER, -1, follow_symlinks=False)

    told = daemon.skep(verb)

    said = told.stderr + told.stdout
    assert "is a link of another user" not in before.stderr + before.stdout
    assert f"another user (uid {STRANGER})" in said
    assert told.returncode != 0


@needs_root
@pytest.mark.parametrize("name", [".swarm", "config", "tools", "workflows"])
def test_a_link_of_ones_own_does_not_lead_over_one_of_somebody_else_that_they_may_turn(
    tmp_path: Path, name: str
) -> None:
    daemon = RunningDaemon(tmp_path / "home")
    for_all, mine = tmp_path / "for_all", tmp_path / "mine"
    for_all.mkdir()
    for_all.chmod(0o1777)
    mine.mkdir()
    (for_all / "theirs").symlink_to(mine)
    place = daemon.root / name
    if place.exists():
        place.rename(tmp_path / "before")
    place.symlink_to(for_all / "theirs")
    assert daemon.skep("kill-switch").returncode == 0
    os.chown(for_all / "theirs", STRANGER, -1, follow_symlinks=False)

    told = daemon.skep("status")

    assert told.returncode == 2
    assert f"{for_all / 'theirs'} belongs to another user (uid {STRANGER}), and everybody" in told.stderr
