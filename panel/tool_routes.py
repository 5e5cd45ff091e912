"""The tools of the home as their files say now, and what would be found for a request; nothing runs.

The files are read again when they have changed. The router over them is made when somebody first asks: it
costs some hundred bytes of memory for each word of the tools' descriptions and examples.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from errors import InvalidSetting, SkepError
from redaction import clean
from settings import Settings
from store import tool_uses
from store.reading import Reader
from toolbox import files
from toolbox.standing import Use
from toolbox.tool import Tool

if TYPE_CHECKING:
    from tool_router import ToolRouter

#: Characters of a request that the panel routes; `skep route` takes longer ones.
MOST_CHARS: Final = 200_000


class ToolsUnreadable(SkepError):
    """The tools of the home cannot be understood, so none can be found."""

    code = "tools_unreadable"
    http_status = 409


class KnownTools:
    """The tools of one home. Threads may share it."""

    def __init__(self, root: Path, settings: Settings, uses: Callable[[], Mapping[str, Use]]) -> None:
        self._root = root
        self._settings = settings
        self._uses = uses
        self._lock = threading.Lock()
        self._stamp: Any = None
        self._tools: list[Tool] = []
        self._trouble: str | None = None
        self._router: ToolRouter | None = None

    def stamp(self) -> Any:
        """What changes when the files do."""
        return files.stamp(self._root)

    def now(self) -> tuple[list[Tool], str | None]:
        """The tools, and what is wrong with their files, in which case there are none."""
        with self._lock:
            self._look()
            return self._tools, self._trouble

    def route(self, text: str) -> dict[str, Any]:
        """What would be found for a request, as JSON tells it. Raises `ToolsUnreadable`."""
        from tool_router import ToolRouter  # noqa: PLC0415  loaded when first asked for

        with self._lock:
            self._look()
            if self._trouble is not None:
                raise ToolsUnreadable(self._trouble)
            if self._router is None:
                self._router = ToolRouter(
                    self._tools,
                    run_confidence=self._settings.tool_run_confidence,
                    context_tokens=self._settings.tool_context_tokens,
                    uses=self._uses,
                )
            return self._router.route(text).as_json()

    def _look(self) -> None:
        stamp = self.stamp()
        if stamp == self._stamp:
            return
        self._stamp, self._router = stamp, None
        try:
            self._tools, self._trouble = files.read_home(self._root), None
        except InvalidSetting as error:
            self._tools, self._trouble = [], clean(error.message)


def uses_of(reader: Reader) -> dict[str, Use]:
    """What became of the tasks that each tool was found for."""
    return {name: Use(*counts) for name, counts in tool_uses.uses(reader).items()}
