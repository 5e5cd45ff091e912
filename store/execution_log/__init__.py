"""The history as a file: ``execution_log.jsonl``, a hash-chained copy of the event table, and its check."""

from store.chained_log.book import Line, Problem, Repair
from store.chained_log.files import LogFiles, Rotated
from store.chained_log.verify import FirstBad, VerifyResult
from store.execution_log.chain import EVENTS, GENESIS, check_line, render
from store.execution_log.log import LogExporter, verify

__all__ = [
    "EVENTS",
    "GENESIS",
    "FirstBad",
    "Line",
    "LogExporter",
    "LogFiles",
    "Problem",
    "Repair",
    "Rotated",
    "VerifyResult",
    "check_line",
    "render",
    "verify",
]
