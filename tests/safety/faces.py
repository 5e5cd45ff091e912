"""Every face, asked for real: one process of ``skep check``, one daemon, one pair of services."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from testing.model_server import ModelServer, Reply
from tests.safety import check_face, http_face, queue_face, services
from tests.safety.corpus import Entry
from tests.safety.homes import ENVIRONMENT, furnished
from tests.safety.verdicts import Verdict


def ask_check(root: Path, entries: Iterable[Entry]) -> list[Verdict]:
    """The verdicts of ``skep check --jsonl`` in a fresh home, without a daemon."""
    return check_face.ask(furnished(root, **ENVIRONMENT), entries)


def ask_queue(root: Path, entries: Iterable[Entry]) -> list[Verdict]:
    """The verdicts of a daemon that takes queue files in."""
    with ModelServer(Reply(text="fine")) as model:
        daemon = furnished(
            root,
            SKEP_LLM_BASE_URL=model.url,
            SKEP_LLM_MODEL="m",
            SKEP_LIMIT_FILE_BYTES=str(queue_face.FILE_BYTES),
        )
        daemon.start("--no-panel")
        try:
            return queue_face.ask(daemon, entries)
        finally:
            daemon.stop()


def ask_http(root: Path, entries: Iterable[Entry]) -> list[Verdict]:
    """The verdicts of the execution API and the panel."""
    with ModelServer(Reply(text="fine")) as model:
        home = furnished(root, SKEP_LLM_BASE_URL=model.url, SKEP_LLM_MODEL="m")
        with services.running(home) as running:
            return http_face.ask(running, entries)
