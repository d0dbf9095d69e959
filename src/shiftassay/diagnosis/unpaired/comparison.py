"""A remake's summary statistics beside those of a set that shares no images with it."""

from dataclasses import dataclass

import numpy as np

from shiftassay.diagnosis.paired.remake import moves, to_bytes
from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.summary_statistics import FeatureBasis, SummaryStatistics, summary_statistics
from shiftassay.shifts.family import Shift
from shiftassay.shifts.warp import OURS, Resampling, resampled

KERNELS = (OURS, Resampling("bicubic"), Resampling("nearest"))


@dataclass(frozen=True, eq=False)
class Comparison:
    """The images that remakes are made from, and the summary statistics they are compared with."""

    images: Images
    target: SummaryStatistics
    basis: FeatureBasis
    seed: int
    rounded: bool
    """Whether the shifted set is rounded to 256 values, as remakes then have to be."""

    @classmethod
    def with_set(cls, images: Images, shifted: Images, basis: FeatureBasis, seed: int, rounded: bool) -> "Comparison":
        """Of remakes of images with a shifted set."""
        shifted = to_bytes(shifted) if rounded else shifted
        return cls(images, summary_statistics(shifted, basis), basis, seed, rounded)

    def misfit(self, shift: Shift, count: int) -> float:
        """The distance of a remake's summary statistics.

        Under the best resampling if the picture moves.
        """
        return min(self._misfit(shift, count, kernel) for kernel in (KERNELS if moves(shift) else KERNELS[:1]))

    def _misfit(self, shift: Shift, count: int, kernel: Resampling) -> float:
        try:
            with resampled(kernel):
                remade = shift.apply(self.images[:count], np.random.default_rng(self.seed))
        except BadInput:
            return float("inf")
        if not np.isfinite(remade).all():
            return float("inf")
        return summary_statistics(to_bytes(remade) if self.rounded else remade, self.basis).distance(self.target)
