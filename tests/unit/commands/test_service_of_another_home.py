"""`skep service` where the unit that is there runs another home."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

import host_platform
from commands.unit_file import render_unit
from settings import Home, Settings


@pytest.fixture
def unit(tmp_path_factory, monkeypatch) -> Path:
    folder = tmp_path_factory.mktemp("config")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    monkeypatch.setattr(host_platform, "IS_LINUX", True)
    return folder / "systemd" / "user" / "skep.service"


@pytest.mark.parametrize("name", ["first", 'a 100% "good" home', "back\\\\slash", "it's"])
@pytest.mark.parametrize("action", ["install", "uninstall"])
def test_the_unit_of_another_home_stays_until_it_is_taken_out_there(
    store, unit, run, tmp_path, name, action
) -> None:
    other = Home(tmp_path / name)
    unit.parent.mkdir(parents=True)
    unit.write_text(render_unit(other, Settings()))

    told = run("service", action, code=1).stderr

    assert unit.read_text() == render_unit(other, Settings())
    assert f"runs the home {other.root}," in told
    assert f"skep --home {shlex.quote(str(other.root))} service uninstall" in told
    run("--home", str(other.root), "service", "uninstall")
    run("service", "install")
