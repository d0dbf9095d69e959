"""How probable it is that a verdict is right, calibrated on simulated shifts."""

from collections.abc import Sequence

import numpy as np

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.paired.candidate import Candidate, limit


def confidence_of(best: Candidate, rivals: Sequence[Candidate]) -> float:
    """The probability that the best candidate's family and scope are right.

    If it does not fit, the probability that the shift is unknown.
    """
    lead = min((rival.cost for rival in rivals), default=best.cost + thresholds.NO_RIVAL) - best.cost
    return confidence_at(best.remake.misfit, limit(best), lead)


def confidence_at(misfit: float, limit: float, lead: float) -> float:
    """The probability that a verdict is right.

    A logistic function of the distance from the limit and, below it, of the lead in cost over the best rival. The lead
    is negative if a rival that does not fit costs less. At the limit or above, a constant takes its place. The weights
    were tuned on the diagnosis benchmark, on seeds disjoint from those reported in docs/results/diagnosis.json.

    >>> [round(confidence_at(misfit, 0.06, lead=2.0), 3) for misfit in (0.001, 0.05, 0.5)]
    [0.999, 0.902, 0.972]
    """
    distance = float(np.log(limit / max(misfit, thresholds.LEAST_MISFIT)))
    margin = thresholds.PER_MARGIN * min(lead, thresholds.LARGEST_MARGIN) if distance > 0 else thresholds.UNKNOWN_MARGIN
    return float(1 / (1 + np.exp(-(thresholds.PER_DISTANCE * abs(distance) + margin))))
