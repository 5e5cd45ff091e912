"""What must not be shown: secrets are taken out at one sink before a text goes anywhere."""

from redaction.known import KNOWN, is_secret_name
from redaction.sink import Redacted, clean, clean_start, clean_value, open_key, redact
from redaction.stream import MOST_HELD, StreamRedactor

__all__ = [
    "KNOWN",
    "MOST_HELD",
    "Redacted",
    "StreamRedactor",
    "clean",
    "clean_start",
    "clean_value",
    "is_secret_name",
    "open_key",
    "redact",
]
