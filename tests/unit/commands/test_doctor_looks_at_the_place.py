"""What `skep doctor` finds of the place: who else may write there, and in which letters names are read."""

from __future__ import annotations

import sys

from doctor import home as checks_home
from doctor import machine as checks_machine


def test_a_home_that_is_open_to_others_is_a_warning_with_the_command(store, home):
    home.state.chmod(0o755)

    found = [each for each in checks_home.check_rights(home) if each.level == "warn"]

    assert found[0].way_out == f"chmod 700 {home.state}"


def test_a_locale_that_is_not_of_utf_8_is_a_warning(monkeypatch):
    assert list(checks_machine.check_locale()) == []
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: "iso8859-1")

    (found,) = checks_machine.check_locale()

    assert found.level == "warn"
    assert "The locale is of iso8859-1" in found.told
    assert "LC_ALL=C.UTF-8" in found.way_out
