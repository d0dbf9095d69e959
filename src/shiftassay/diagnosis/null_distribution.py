"""The null distribution of a misfit: what it is if a candidate is right."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, t

from shiftassay.records import Record

LEVEL = 0.01
"""The p-value below which a candidate does not fit: so often, at most, is a right one turned down."""


@dataclass(frozen=True)
class NullDistribution:
    """The distribution of the root of a misfit.

    It is normal, or Student's where few remakes gave its mean and sd.

    The root, as a misfit is a mean of squares.
    """

    mean: float
    sd: float
    freedom: float = np.inf

    @classmethod
    def of_another(cls, misfits: Sequence[float]) -> "NullDistribution":
        """That of one more misfit like these: a prediction.

        >>> round(NullDistribution.of_another([1.0, 1.2, 0.9, 1.1]).limit, 2)
        1.81
        """
        roots = np.sqrt(misfits)
        return cls(float(roots.mean()), float(roots.std(ddof=1) * (1 + 1 / len(roots)) ** 0.5), len(roots) - 1.0)

    def p_value(self, misfit: float) -> float:
        """The probability of a misfit as large."""
        distance = misfit**0.5 - self.mean
        if self.sd == 0:
            return float(distance <= 0)
        return float(norm.sf(distance / self.sd) if np.isinf(self.freedom) else t.sf(distance / self.sd, self.freedom))

    @property
    def limit(self) -> float:
        """The misfit of p-value `LEVEL`."""
        quantile = norm.isf(LEVEL) if np.isinf(self.freedom) else t.isf(LEVEL, self.freedom)
        return float((self.mean + quantile * self.sd) ** 2)


@dataclass(frozen=True)
class Fit(Record):
    """How a candidate's misfit compares with its null distribution.

    `p_value` is that of a misfit as large if the candidate is right, `limit` the misfit of p-value `LEVEL`.
    """

    misfit: float
    p_value: float
    limit: float

    @property
    def fits(self) -> bool:
        return self.p_value >= LEVEL
