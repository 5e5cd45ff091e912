"""The history as a file: ``execution_log.jsonl``, a hash-chained copy of the event table, and its check."""

from store.execution_log.chain import GENESIS, Line, Problem, check_line, render
from store.execution_log.export import LogExporter
from store.execution_log.files import LogFiles, Rotated
from store.execution_log.recovery import Repair
from store.execution_log.verify import FirstBad, VerifyResult, verify

__all__ = [
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
