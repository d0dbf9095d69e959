"""A remake's summary statistics beside those of a set that shares no images with it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32

from shiftassay.diagnosis.paired.implementations import Implementation, other_implementations
from shiftassay.diagnosis.paired.remake import moves, to_bytes
from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.summary_statistics import FeatureBasis, SummaryStatistics, summary_statistics
from shiftassay.shifts.family import Shift
from shiftassay.shifts.warp import OURS, Resampling

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
    left_out: Bool[np.ndarray, "h w"] | None = None
    """Pixels that are left out: there remakes show what the images do, one grey value as the shifted set."""

    @classmethod
    def with_set(
        cls,
        images: Images,
        shifted: Float32[np.ndarray, "m c h w"],
        basis: FeatureBasis,
        seed: int,
        rounded: bool,
        left_out: Bool[np.ndarray, "h w"] | None = None,
    ) -> "Comparison":
        """Of remakes of images with a shifted set."""
        shifted = _without(left_out, to_bytes(shifted) if rounded else shifted, images)
        return cls(images, summary_statistics(shifted, basis), basis, seed, rounded, left_out)

    def misfit(self, shift: Shift, count: int) -> float:
        """The distance of a remake's summary statistics.

        Under the best resampling if the picture moves.
        """
        kernels = KERNELS if moves(shift) else KERNELS[:1]
        return min(self.misfit_under(Implementation(kernel), shift, count) for kernel in kernels)

    def least_misfit(self, shift: Shift, count: int) -> float:
        """The same under the best of all usual implementations."""
        return min(self.misfit_under(way, shift, count) for way in other_implementations(shift, OURS, in_bytes=False))

    def misfit_under(self, way: Implementation, shift: Shift, count: int) -> float:
        """The same under one implementation; infinite where it can't be applied."""
        try:
            remade = way.apply(shift, self.images[:count], np.random.default_rng(self.seed))
        except BadInput:
            return float("inf")
        if not np.isfinite(remade).all():
            return float("inf")
        remade = _without(self.left_out, to_bytes(remade) if self.rounded else remade, self.images)
        return summary_statistics(remade, self.basis).distance(self.target)


def _without(
    left_out: Bool[np.ndarray, "h w"] | None, remade: Images, images: Float32[np.ndarray, "m c h w"]
) -> Images:
    """A remake with the grey value of the images where pixels are left out."""
    return remade if left_out is None else np.where(left_out, images[:1], remade)
