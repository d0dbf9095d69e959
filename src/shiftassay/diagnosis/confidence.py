"""How probable it is that a verdict is right, calibrated on simulated shifts."""

from collections.abc import Sequence

import numpy as np

from shiftassay.diagnosis.search import Candidate


def confidence_of(best: Candidate, rivals: Sequence[Candidate], tolerated: float) -> float:
    """The probability that the best candidate's family and scope are right, or, beyond what is tolerated, that none is."""
    margin = min((r.cost for r in rivals), default=best.cost + 5) - best.cost
    away = float(np.log(tolerated / max(best.misfit, 1e-3)))
    score = 1.2 * abs(away) + (min(margin, 3.0) if away > 0 else 1.0)
    return float(1 / (1 + np.exp(-score)))
