"""How probable it is that a verdict is right, calibrated on simulated shifts."""

from collections.abc import Sequence

import numpy as np

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.paired.candidate import Candidate, limit


def confidence_of(best: Candidate, rivals: Sequence[Candidate]) -> float:
    """The probability that the best candidate's family and scope are right, or, if it does not fit, that none is.

    It grows with the distance from what is tolerated and, for a candidate that fits, with its lead over the next; the weights were
    chosen on cases of other seeds than those whose reliability is in docs/results/diagnosis.json.
    """
    margin = min((r.cost for r in rivals), default=best.cost + thresholds.NO_RIVAL) - best.cost
    away = float(np.log(limit(best) / max(best.remade.misfit, thresholds.LEAST_MISFIT)))
    lead = thresholds.PER_MARGIN * min(margin, thresholds.LARGEST_MARGIN) if away > 0 else thresholds.UNKNOWN_MARGIN
    return float(1 / (1 + np.exp(-(thresholds.PER_DISTANCE * abs(away) + lead))))
