"""Where each part of an image comes from, and whether the images tell.

A part is a pixel, a block, a row or a column: Parts (n, count, values). Two places that might have exchanged their
sources are compared by how much worse the images would be explained if they had: a mean over images, with a sampling
error. `paired_places` and `unpaired_places` say what explains the images.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64
from scipy.special import ndtr

RISK = 0.01  # probability that an identified place is wrong, at most
RIVALS = 10  # places that may have exchanged sources with a place: those nearest to explaining the images as well

Parts = Float[np.ndarray, "n count values"]


@dataclass(frozen=True, eq=False)
class Placement:
    """An order of parts, out[i] = in[order[i]], and at which places the images tell the source."""

    order: Int64[np.ndarray, "count"]
    identified: Bool[np.ndarray, "count"]

    @property
    def unidentified(self) -> tuple[int, ...]:
        """The places whose source can't be told."""
        return tuple(np.flatnonzero(~self.identified).tolist())


def nearest_rivals(loss: Float[np.ndarray, "count count"]) -> Int64[np.ndarray, "count rivals"]:
    """For each place those with which an exchange costs least; `loss` is symmetric."""
    loss = loss.copy()
    np.fill_diagonal(loss, np.inf)
    count = min(RIVALS, len(loss) - 1)
    return np.argpartition(loss, count - 1, axis=1)[:, :count]


def standard_scores(losses: Float[np.ndarray, "n count"], relative_variance: float = 1.0) -> Float[np.ndarray, "count"]:
    """The mean loss of an exchange in units of its sampling error.

    0 where it never makes a difference.
    """
    error = np.sqrt(losses.var(axis=0, dtype=np.float64) * relative_variance / len(losses))
    return losses.mean(axis=0, dtype=np.float64) / np.maximum(error, 1e-12)


def risk_of(scores: Float[np.ndarray, "rivals count"]) -> Float64[np.ndarray, "count"]:
    """The probability that a rival has the true source: at most the sum of each one's."""
    return ndtr(-scores).sum(axis=0)
