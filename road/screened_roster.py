"""Identities whose words the safety gateway lets pass: what would block every task is the file's fault.

The gateway looks at each prompt as a whole anyway, twice. But a task that it blocks has ended, while one
whose identity is at fault waits until somebody mends the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from enrichment.roster import Entry, Roster
from runtime_contract import Limits, normalize_task
from safety.gateway import SafetyGateway

#: Texts whose verdict is remembered.
_MOST_KNOWN: Final = 256


class ScreenedRoster(Roster):
    """The identities of a home, each with the gateway's word on what it adds to a prompt."""

    def __init__(self, folder: Path, gateway: SafetyGateway) -> None:
        super().__init__(folder)
        self._gateway = gateway
        #: what is added to a prompt -> why that is refused, or none
        self._verdicts: dict[str, str | None] = {}

    def get(self, identity: str) -> Entry:
        """The identity of that id, where its words may be added to a prompt."""
        entry = super().get(identity)
        block = "" if entry.identity is None else entry.identity.block(identity)
        refusal = self._refusal(block) if block else None
        return entry if refusal is None else Entry(identity, fault=f"its words are refused: {refusal}")

    def _refusal(self, block: str) -> str | None:
        if block not in self._verdicts:
            if len(self._verdicts) >= _MOST_KNOWN:
                self._verdicts.clear()
            task, _ = normalize_task({"id": "identity", "prompt": block}, Limits())
            passed, report = self._gateway.pre_execute_safety_check(task)
            self._verdicts[block] = None if passed else str(report["blocked_reason"])
        return self._verdicts[block]
