"""What `skep doctor` looks at for reviews and checkpoints."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from doctor.examined import Examined
from doctor.findings import Finding, ok, warn
from errors import SkepError
from review.checkpoints import repository
from review.checkpoints.broken_off import broken_off
from settings import Settings


def check_git(settings: Settings) -> Iterator[Finding]:
    """Whether the workspace can be kept after tasks that may change it."""
    git = shutil.which("git", path=repository.PLACES)
    if not settings.checkpoints:
        yield ok("checkpoints", "The workspace is not kept after tasks (setting: checkpoints).")
    elif git is None:
        yield warn("checkpoints", "There is no git: the workspace is not kept after tasks.", "Install git.")
    else:
        yield ok("checkpoints", f"The workspace is kept with {git}.")


def check_rollbacks(examined: Examined) -> Iterator[Finding]:
    """Whether a rollback broke off; a store that cannot say is told of as such elsewhere."""
    try:
        with examined.reader() as reader:
            found = broken_off(examined.home, reader)
    except SkepError:
        return
    for each in found:
        yield warn("rollback", each.sentence, each.again)
    if not found:
        yield ok("rollback", "No rollback of files broke off.")
