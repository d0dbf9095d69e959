"""How probable it is that a verdict is right, calibrated on simulated shifts."""

from collections.abc import Sequence

import numpy as np

from shiftassay.diagnosis.paired.search import Candidate, limit

PERFECT = 3e-4  # misfit below which nothing more is learned


def confidence_of(best: Candidate, rivals: Sequence[Candidate]) -> float:
    """The probability that the best candidate's family and scope are right, or, if it does not fit, that none is.

    It grows with the distance from what is tolerated and, for a candidate that fits, with its lead over the next; the weights were
    chosen on cases of other seeds than those whose reliability is in docs/results/diagnosis.json.
    """
    margin = min((r.cost for r in rivals), default=best.cost + 5) - best.cost
    away = float(np.log(limit(best) / max(best.remade.misfit, PERFECT)))
    score = 1.2 * abs(away) + (min(margin, 3.0) if away > 0 else 1.0)
    return float(1 / (1 + np.exp(-score)))
