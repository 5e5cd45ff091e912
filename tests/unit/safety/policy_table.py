"""A workspace full of traps, a policy on it, and the rule that refuses a command."""

from __future__ import annotations

import os
from pathlib import Path

from runtime_contract import Limits
from safety.command_line import CommandRefused
from safety.command_policy import CommandPolicy
from safety.work import Work


def furnish(root: Path) -> Path:
    """A workspace with files, links inside and out, and what is neither file nor directory."""
    workspace = root / "workspace"
    (workspace / "sub").mkdir(parents=True)
    for name in ("file.txt", "sub/deep.txt", "a b", "-n", "a", "b"):
        (workspace / name).write_text("inside\n")
    (root / "secret").write_text("outside")
    (workspace / "link").symlink_to(root / "secret")
    (workspace / "up").symlink_to(root)
    (workspace / "inner").symlink_to("file.txt")
    (workspace / "gone").symlink_to(root / "nothing")
    (workspace / "loop").symlink_to("loop")
    (workspace / "here").symlink_to("loop/../there")
    (workspace / "there").symlink_to("loop/../here")
    os.mkfifo(workspace / "pipe")
    (root / "workspace-two").mkdir()
    (root / "workspace-two" / "file").write_text("a neighbour whose name begins alike")
    return workspace


def policy_of(root: Path) -> CommandPolicy:
    """A policy by Skep's own file."""
    return CommandPolicy(furnish(root), Limits())


def rule(policy: CommandPolicy, work: Work) -> str | None:
    """The rule that refuses, or none. A refusal is a sentence that begins with its rule."""
    try:
        policy.allow(policy.read(work), work.profile)
    except CommandRefused as error:
        refused = error
    else:
        return None
    assert refused.message.startswith(f"{refused.rule}: ")
    assert refused.details["rule"] == refused.rule
    assert len(refused.message) > len(refused.rule) + 15
    return refused.rule
