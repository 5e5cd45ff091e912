"""The SQLite store does what every store must."""

from __future__ import annotations

from tests.conformance.store_suite import StoreSuite


class TestSqliteStore(StoreSuite):
    """Uses the `store` and `who` fixtures of tests/conftest.py."""
