"""The rules of a home as its files say them now, and the gateway that judges by them; loaded when asked for.

To read the rules costs the panel about 6 MB of memory once, the gateway 8 MB more: a panel that nobody asks
about safety has neither. What changes in the files counts at the next look.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from config_files.signature import Signature, signature_of
from errors import InvalidSetting, SkepError
from setting_sources import SETTINGS_FILES
from settings import Home, Settings

if TYPE_CHECKING:
    from safety.gateway import SafetyGateway

#: Files of a home that say what may run and be sent.
FILES: Final = ("config/constitution.toml", "config/commands.toml", *SETTINGS_FILES)
#: Characters of a text that the panel judges; `skep check` takes longer ones.
MOST_CHARS: Final = 200_000


class RulesUnreadable(SkepError):
    """The rules of the home cannot be understood, so nothing can be judged by them."""

    code = "rules_unreadable"
    http_status = 409


class SafetyRules:
    """The gateway of a home's files as they stand. Threads may share it."""

    def __init__(self, home: Home, settings: Settings) -> None:
        self._home = home
        self._settings = settings
        self._lock = threading.Lock()
        self._gateway: SafetyGateway | None = None
        self._signature: Signature = ()
        self._policy: tuple[Signature, dict[str, Any]] = ((), {})

    def policy(self, read: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What `read` makes of the files, read again only when one has changed."""
        signature = signature_of(self._home.root, FILES)
        known = self._policy
        if known[0] != signature:
            known = self._policy = signature, read()
        return known[1]

    def judge(self, text: str, mode: str) -> dict[str, Any]:
        """The verdict on a text, one at a time. Raises `RulesUnreadable`."""
        from safety.verdict import judge  # noqa: PLC0415  loaded when first asked for

        try:
            with self._lock:
                return judge(self._of_now(), text, mode)
        except InvalidSetting as error:
            raise RulesUnreadable(error.message) from error

    def _of_now(self) -> SafetyGateway:
        from safety.gateway import SafetyGateway  # noqa: PLC0415  loaded when first asked for

        signature = signature_of(self._home.root, FILES)
        if self._gateway is None or signature != self._signature:
            self._gateway = SafetyGateway(self._home, self._settings, added_chars=0)
            self._signature = signature
        return self._gateway
