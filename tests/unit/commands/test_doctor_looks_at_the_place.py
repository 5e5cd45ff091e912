"""What `skep doctor` finds of the place: who else may write there, and in which letters names are read."""

from __future__ import annotations

import shlex
import sys

import pytest

from doctor import home as checks_home
from doctor import machine as checks_machine


def test_a_home_that_is_open_to_others_is_a_warning_with_the_command(store, home):
    home.state.chmod(0o755)

    found = [each for each in checks_home.check_rights(home) if each.level == "warn"]

    assert found[0].way_out == f"chmod 700 {home.state}"


@pytest.mark.parametrize("name", ["skep.toml", "config/skep.toml"])
@pytest.mark.parametrize("said", ['llm_api_key = "k"', '[llm]\nproxy = "http://me:secret@proxy:8080"'])
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_secret_that_others_may_read_is_a_warning_with_the_command(store, home, ask, name, said, mode):
    path = write_settings(home, name, said, mode)

    (found,) = rights(ask("doctor"), "warn")

    assert found["told"] == f"{name} holds a secret, and others may read it (mode {mode:o})."
    assert found["way_out"] == f"chmod 600 {shlex.quote(str(path))}"
    assert "secret@" not in str(found)
    path.chmod(0o600)
    assert rights(ask("doctor"), "warn") == []


def test_settings_without_a_secret_and_a_home_that_is_closed_may_be_open(store, home, ask):
    write_settings(home, "skep.toml", 'llm_base_url = "http://127.0.0.1:1/v1"', 0o644)
    assert rights(ask("doctor"), "warn") == []

    write_settings(home, "skep.toml", 'llm_api_key = "k"', 0o644)
    home.root.chmod(0o700)
    assert rights(ask("doctor"), "warn") == []


def write_settings(home, name, said, mode):
    path = home.root / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{said}\n")
    path.chmod(mode)
    path.parent.chmod(0o755)
    home.root.chmod(0o755)
    return path


def rights(told, level):
    return [each for each in told["checks"] if (each["check"], each["level"]) == ("rights", level)]


def test_a_locale_that_is_not_of_utf_8_is_a_warning(monkeypatch):
    assert list(checks_machine.check_locale()) == []
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: "iso8859-1")

    (found,) = checks_machine.check_locale()

    assert found.level == "warn"
    assert "The locale is of iso8859-1" in found.told
    assert "LC_ALL=C.UTF-8" in found.way_out
