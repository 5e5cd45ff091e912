"""What is done about a damaged database: it is kept, another is rebuilt, and a person is asked."""

from store.recovery.recover import Recovered, recover_if_damaged

__all__ = ["Recovered", "recover_if_damaged"]
