"""How sure it is that a tool is what a request asks for: a number from 0 to 1, and none below a half.

A logistic function of what `toolbox.weighing` measures. Its weights were fitted once to the tuned half of
``benchmarks/tool_routing`` with a penalty on large weights, then rounded; that against a tool for something
else (XML where the tool makes JSON) was set by hand, since one such word is enough. `python -m
benchmarks.tool_routing` tells how well it does on the half that nothing was tuned on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from toolbox.weighing import Fit

#: From here on a tool counts as found.
FOUND: Final = 0.5
#: More evidence than this makes nothing surer; less than that is none, as where only everyday words are
#: shared.
ENOUGH: Final = 2.5
LITTLE: Final = 0.45

_START: Final = -2.85
_COVERAGE: Final = 0.9
_LIKENESS: Final = 0.4
_EVIDENCE: Final = 0.5
_CONTRAST: Final = -4.0
_OTHER_DEED: Final = -1.5
_LEAD: Final = 1.0
_MARGIN: Final = 1.0
_NAMING: Final = 1.4
_AGREEMENT: Final = 2.3


def confidences(fits: Sequence[Fit]) -> list[float]:
    """How sure each of the fits is, in their order; the lead over the next one counts."""
    scores = [fit.score for fit in fits]
    following = [*scores[1:], -1.0]
    return [_confidence(fit, own - other) for fit, own, other in zip(fits, scores, following, strict=False)]


def _confidence(fit: Fit, margin: float) -> float:
    sum_of = (
        _START
        + _COVERAGE * fit.coverage
        + _LIKENESS * fit.likeness
        + _EVIDENCE * min(fit.evidence, ENOUGH) / ENOUGH
        + _CONTRAST * fit.contrast
        + _OTHER_DEED * fit.is_other_deed
        + _LEAD * fit.lead
        + _MARGIN * min(max(margin, 0.0), 1.0)
        + _NAMING * fit.naming
        + _AGREEMENT * min(len(fit.shared) - 1, 2) / 2
    )
    return min(1.0, fit.evidence / LITTLE) / (1 + math.exp(-sum_of))
