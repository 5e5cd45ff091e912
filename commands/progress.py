"""A progress bar on standard error, where a person looks at it; nothing otherwise."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

from commands import terminal

#: Called with how much is done, and of how much where that is known.
Progress = Callable[[int, int | None], None]


@contextlib.contextmanager
def progress_bar(what: str, *, wanted: bool = True) -> Iterator[Progress]:
    """Show how far something is while the block runs."""
    if not wanted or not terminal.is_terminal(sys.stderr):
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(terminal.clean(what), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
