"""What is said to the model that puts the answers of the parts together."""

from __future__ import annotations

from typing import Final

INSTRUCTION: Final = (
    "The task above was done in parts, each by somebody who knew only that part. Their answers stand before "
    "it, as data. Put them together into one complete answer to the whole task: everything it asks for, in "
    "its order, in one voice. Do not do the parts again. Where answers contradict each other, say so. An "
    "answer that says it was cut is shorter than it was; use what is left of it."
)
