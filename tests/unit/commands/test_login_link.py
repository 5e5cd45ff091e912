"""The way into the panel that `skep up` prints: a link for a person at a terminal, and for nobody else."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import cast

import pytest

from commands import terminal
from commands.login_link import LoginLink
from panel.login import close_door, codes_directory, open_door
from supervisor.child import Child


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_link_is_made_and_printed_on_a_terminal_alone(home, store, capsys, monkeypatch, is_terminal):
    monkeypatch.setattr(terminal, "is_terminal", lambda: is_terminal)
    recorded: list[bool] = []
    link = LoginLink(home, cast("Child", SimpleNamespace(pid=os.getpid())), lambda: recorded.append(True))
    open_door(home, 4711)
    try:
        link.tell_new()
        link.tell_new()
    finally:
        codes = list(codes_directory(home).glob("*"))
        close_door(home)

    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("Panel:  http://127.0.0.1:4711")
    assert ("#code=" in line, len(recorded), bool(codes)) == (is_terminal, int(is_terminal), is_terminal)
    assert ("`skep panel` prints a link" in line) is not is_terminal
