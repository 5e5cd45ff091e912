"""Whether what a home keeps for others to read is whole: the log and the audit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from doctor.examined import Examined
from doctor.findings import Finding, fail, ok, warn
from errors import InvalidSetting, SkepError
from sentences import ended
from settings import Home
from store.audit_log import verify as verify_audit
from store.audit_log.verify import AuditNotBegun
from store.execution_log import verify
from store.reading import AUDIT_BLOCKED, QUEUE_FILE_BLOCKED

#: A log over this is left to `skep verify`.
_QUICK_LOG_BYTES: Final = 32 * 1024 * 1024


def leave_unchecked() -> Iterator[Finding]:
    """What is said of both while there is no database that they could be held against."""
    told = "execution_log.jsonl and the audit are held against the database, which cannot be worked with."
    yield warn("log", told, "Mend the database first, as store says; then `skep doctor` checks them.")


def check_log(home: Home) -> Iterator[Finding]:
    """Whether the log agrees with the store, where that is quickly said."""
    size = sum(each.stat().st_size for each in home.root.glob("execution_log*.jsonl"))
    if size > _QUICK_LOG_BYTES:
        yield ok("log", f"execution_log.jsonl has {size / 2**20:.0f} MiB; `skep verify` checks it.")
        return
    try:
        found = verify(home)
    except SkepError as error:
        yield fail("log", error.message, "Look at the rights of execution_log.jsonl.")
        return
    if found.first_bad is None:
        yield ok("log", f"execution_log.jsonl is whole: {found.lines:,} lines.")
    else:
        bad = found.first_bad
        yield fail("log", f"{bad.file}:{bad.line}: {bad.what}.", "`skep verify` says more.")


def check_projection(examined: Examined) -> Iterator[Finding]:
    """Whether the queue file shows what goes on; silent where it could be written."""
    with examined.reader() as reader:
        blocked = reader.fact(QUEUE_FILE_BLOCKED)
    if blocked is not None:
        yield fail("queue file", ended(blocked["reason"]), "Mend what it names; Skep goes on by itself.")


def check_audit(examined: Examined) -> Iterator[Finding]:
    """Whether the audit is whole and can be written, where that is quickly said."""
    home = examined.home
    way_out = "`skep audit verify` says more; docs/audit.md tells what is done about it."
    try:
        with examined.reader() as reader:
            blocked = reader.fact(AUDIT_BLOCKED)
        if blocked is not None:
            yield fail("audit", ended(blocked["reason"]), "Mend what it names; Skep goes on by itself.")
            return
        size = sum(each.stat().st_size for each in home.state.glob("audit*.jsonl"))
        if size > _QUICK_LOG_BYTES:
            yield ok("audit", f"audit.jsonl has {size / 2**20:.0f} MiB; `skep audit verify` checks it.")
            return
        found = verify_audit(home)
    except AuditNotBegun:
        yield ok("audit", "Nothing of the audit was exported yet.")
        return
    except InvalidSetting:
        raise
    except SkepError as error:
        yield fail("audit", error.message, way_out)
        return
    if found.first_bad is None:
        yield ok("audit", f"audit.jsonl is whole: {found.lines:,} records.")
    else:
        bad = found.first_bad
        yield fail("audit", f"{bad.file}:{bad.line}: {bad.what}.", way_out)
