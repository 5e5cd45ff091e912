"""What is done about a damaged database: it is kept, another is rebuilt, and a person is asked."""

from store.recovery.damage import REBUILDS, find_damage, had_a_life, is_foreign, refuse_damaged
from store.recovery.recover import Recovered, recover_if_damaged

__all__ = [
    "REBUILDS",
    "Recovered",
    "find_damage",
    "had_a_life",
    "is_foreign",
    "recover_if_damaged",
    "refuse_damaged",
]
