"""What `skep doctor` looks at for reviews and checkpoints."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from doctor.findings import Finding, ok, warn
from review.checkpoints import repository
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
