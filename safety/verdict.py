"""What the gateway would say to a prompt or a command of nobody's, rule by rule, without running anything."""

from __future__ import annotations

from typing import Any, Final, Literal

from redaction import clean
from runtime_contract import Task
from safety.gateway import SafetyGateway
from safety.work import Work

MODES: Final[tuple[Literal["llm", "local"], ...]] = ("llm", "local")


def judge(gateway: SafetyGateway, text: str, mode: str) -> dict[str, Any]:
    """The verdict on a text, as JSON tells it."""
    work = Work(command=text) if mode == "local" else Work.of(Task(id="check", mode="llm"), text)
    approved, report = gateway.examine(Task(id="check", mode="local" if mode == "local" else "llm"), work)
    failed = next((one for one in report["checks"].values() if not one["passed"]), None)
    argv = [clean(word) for word in approved.argv] if approved is not None and mode == "local" else None
    return {
        "allowed": approved is not None,
        "mode": mode,
        "rule": failed["rule"] if failed else None,
        "reason": report["blocked_reason"],
        "argv": argv,
        "text": clean(text),
        "report": report,
    }
