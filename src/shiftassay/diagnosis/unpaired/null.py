"""How far apart the summary statistics of two samples are by chance."""

from collections.abc import Sequence
from itertools import cycle, islice

import numpy as np
from jaxtyping import Bool

from shiftassay.diagnosis.calibration import calibration
from shiftassay.diagnosis.null_distribution import Fit, NullDistribution
from shiftassay.diagnosis.paired.implementations import other_implementations
from shiftassay.diagnosis.unpaired.comparison import Comparison
from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.summary_statistics import FeatureBasis, feature_basis, summary_statistics
from shiftassay.shifts.family import Shift
from shiftassay.shifts.warp import OURS

REMAKES = 8  # of a candidate
OTHER_SEED = 101  # of draws that stand in for the shifted set: none is one of a remake


def distances_of_halves(images: Images, n: int, count: int, largest: int, rng: np.random.Generator) -> list[float]:
    """The distances of `count` random pairs of disjoint samples of the reference.

    Each has `n` images, or half of the reference; `largest` is how many give the basis.
    """
    basis = feature_basis(images[rng.permutation(len(images))[: 2 * largest]])
    return [
        summary_statistics(one, basis).distance(summary_statistics(other, basis))
        for one, other in (_halves(images, n, rng) for _ in range(count))
    ]


def by_chance(distances: Sequence[float]) -> float:
    """How far samples of one source may be apart.

    The limit of the null distribution; or, where that is more, the distance of other samples of a source, which are not
    drawn as evenly as halves of one set (see `Calibration.same_source`).
    """
    null = NullDistribution.of_another(distances)
    return max(null.limit, calibration().same_source * float(np.mean(distances)))


def fit_of(
    shift: Shift,
    misfit: float,
    images: Images,
    n: int,
    basis: FeatureBasis,
    rounded: bool,
    rng: np.random.Generator,
    left_out: Bool[np.ndarray, "h w"] | None = None,
) -> Fit:
    """A candidate's misfit beside those of its own remakes.

    A remake of one half of the reference is judged by one of the other half, under each of the usual implementations.
    `n` is the size of the samples whose misfit it is.
    """
    misfits = []
    for draw, way in enumerate(islice(cycle(other_implementations(shift, OURS, in_bytes=False)), REMAKES)):
        made, judged = _halves(images, n, rng)
        try:
            stand_in = way.apply(shift, made, np.random.default_rng([OTHER_SEED, draw]))
        except BadInput:
            continue
        comparison = Comparison.with_set(judged, stand_in, basis, draw, rounded, left_out)
        misfits.append(comparison.misfit_under(way, shift, len(judged)))
    if len(misfits) < 2:
        return Fit(misfit, 0.0, 0.0)
    null = NullDistribution.of_another(misfits)
    limit = by_chance(misfits)
    return Fit(misfit, max(null.p_value(misfit), float(misfit <= limit)), limit)


def _halves(images: Images, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two disjoint random samples of `n` images each, or of half of the images."""
    n = min(n, len(images) // 2)
    order = rng.permutation(len(images))
    return images[order[:n]], images[order[n : 2 * n]]
