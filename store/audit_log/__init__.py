"""The audit as a file: ``.swarm/audit.jsonl``, a copy of the audit table chained by MACs, and its check."""

from store.audit_log.checkpoint import AUDIT_CHECKPOINT, Checkpoint
from store.audit_log.export import AUDIT_CHAIN, AuditExporter
from store.audit_log.record import RECORD_FIELDS, SEAL_FIELDS, record_of
from store.audit_log.verify import verify

__all__ = [
    "AUDIT_CHAIN",
    "AUDIT_CHECKPOINT",
    "RECORD_FIELDS",
    "SEAL_FIELDS",
    "AuditExporter",
    "Checkpoint",
    "record_of",
    "verify",
]
