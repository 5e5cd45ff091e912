"""`skep init`: everything once, nothing overwritten."""

from __future__ import annotations

import json
import shlex
import stat
import subprocess
import tomllib
from pathlib import Path

from commands.init import sample_queue
from runtime_contract import Limits, validate_queue_contract
from safety.command_policy import CommandPolicy
from safety.work import Work
from setting_sources import load_settings
from settings import Home, Settings
from settings_file import render_settings

REPOSITORY = Path(__file__).resolve().parents[3]


def test_a_home_has_a_queue_a_workspace_an_inbox_and_a_private_store(home, ask):
    made = ask("init")

    assert ".swarm/state.db" in made["made"]
    assert validate_queue_contract(json.loads(home.queue_file.read_text())) == []
    assert (home.inbox / "new").is_dir()
    assert (home.inbox / "tmp").is_dir()
    for private in (home.state, home.inbox, home.inbox / "new"):
        assert stat.S_IMODE(private.stat().st_mode) == 0o700


def test_to_run_it_again_changes_nothing(home, run, ask):
    run("init")
    home.queue_file.write_text("mine")

    assert ask("init", "--sample")["made"] == []
    assert home.queue_file.read_text() == "mine"


def test_a_directory_can_be_named(tmp_path, run):
    run("init", str(tmp_path / "a" / "b"))

    assert (tmp_path / "a" / "b" / ".swarm" / "state.db").exists()


def test_the_next_steps_are_told(run):
    assert "skep up" in run("init").stdout


def test_the_way_to_a_home_whose_name_has_blanks_can_be_pasted(tmp_path, run):
    told = run("init", str(tmp_path / "my home's")).stdout

    (way,) = {line.partition(" && ")[0].strip() for line in told.splitlines() if " && " in line}
    assert shlex.split(way) == ["cd", str(tmp_path / "my home's")]


def test_the_sample_keeps_the_contract_and_is_the_repositorys_own_queue(home, run):
    run("init", "--sample")

    assert home.queue_file.read_text() == sample_queue()
    assert validate_queue_contract(json.loads(sample_queue())) == []
    assert sample_queue() == _committed("queue.json")


def _committed(name: str) -> str:
    """A file as it is committed: a daemon in the checkout writes into the one that is there."""
    shown = subprocess.run(
        ["git", "show", f"HEAD:{name}"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    return shown.stdout if shown.returncode == 0 else (REPOSITORY / name).read_text("utf-8")


def test_the_sample_has_commands_that_may_run_and_one_task_for_a_model(home):
    tasks = json.loads(sample_queue())["tasks"]
    policy = CommandPolicy(home.workspace, Limits())
    commands = [task for task in tasks if "prompt" not in task]

    for task in commands:
        argv = tuple(task["argv"]) if "argv" in task else None
        policy.allow(policy.read(Work(task.get("command"), argv)))
    assert len(commands) == len(tasks) - 1
    assert any(task.get("depends_on") for task in commands)


# -- settings ----------------------------------------------------------------------------------------------


def test_the_settings_file_explains_every_setting_and_changes_none(home, run):
    run("init", "--config")
    text = (home.root / "skep.toml").read_text()

    assert text == render_settings()
    assert tomllib.loads(text) == {}
    assert load_settings(home, {}).settings == Settings()
    for name, field in Settings.model_fields.items():
        assert f"\n# {name} = " in text
        assert f"# {field.description}" in text


def test_what_is_commented_out_is_the_default(tmp_path):
    lines = [
        line.removeprefix("# ")
        for line in render_settings().splitlines()
        if line.removeprefix("# ").partition(" = ")[0] in Settings.model_fields and "an example" not in line
    ]
    (tmp_path / "skep.toml").write_text("\n".join(lines))

    assert load_settings(Home(tmp_path), {}).settings == Settings()
    assert len(lines) == sum(field.default is not None for field in Settings.model_fields.values())


def test_the_examples_are_values_that_may_stand_there(tmp_path):
    lines = [line.removeprefix("# ") for line in render_settings().splitlines() if "an example" in line]
    (tmp_path / "skep.toml").write_text("\n".join(lines))

    load_settings(Home(tmp_path), {})


def test_the_repositorys_own_settings_file_is_the_generated_one():
    assert (REPOSITORY / "config" / "skep.toml").read_text("utf-8") == render_settings()


def test_a_settings_file_that_is_there_stays(home, run):
    (home.root / "skep.toml").write_text("workers = 2\n")

    run("init", "--config")

    assert (home.root / "skep.toml").read_text() == "workers = 2\n"


def test_the_repositorys_tools_can_be_read():
    from tool_router import ToolRouter

    assert ToolRouter.of_home(REPOSITORY).route("Write it after keep-a-changelog please.").route == "exact"
