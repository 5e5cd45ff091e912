"""What is asked? The intent of an ask, how complex it is, and the subtasks it falls into.

Everything here is pure and reads the words alone: the same ask always gives the same plan, nothing is
fetched, and whatever the words leave unsure is left whole.
"""

from planning.decomposition import Split, decompose
from planning.intent import Intent, extract
from planning.plan import Decision, PlanRules, consider

__all__ = ["Decision", "Intent", "PlanRules", "Split", "consider", "decompose", "extract"]
