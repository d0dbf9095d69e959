"""Two unpaired samples of images, from which families guess where there are no pairs."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float32

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.summary_statistics import FeatureBasis, SummaryStatistics, summary_statistics

FEW = 400  # images of the reference, where a computation visits every image
SEEN = 1000  # images of the shifted set


@dataclass(frozen=True, eq=False)
class Samples:
    """Different images before and after a shift, and their summary statistics in one basis."""

    reference: Float32[np.ndarray, "n c h w"]
    shifted: Float32[np.ndarray, "m c h w"]
    before: SummaryStatistics
    after: SummaryStatistics
    basis: FeatureBasis

    @property
    def some_reference(self) -> Images:
        """Some of the reference's images."""
        return self.reference[:FEW]

    @property
    def some_shifted(self) -> Images:
        """Some of the shifted images."""
        return self.shifted[:SEEN]

    @cached_property
    def clipped(self) -> bool:
        """Whether no shifted value lies outside [0, 1]."""
        return bool(self.some_shifted.min() >= 0 and self.some_shifted.max() <= 1)

    @property
    def mean_picture(self) -> Images:
        """The mean of the reference, as one image."""
        return self.before.mean["pixels"].reshape(1, *self.reference.shape[1:]).astype(np.float32)

    def distances(self) -> dict[str, float]:
        """The distances of the samples' summary statistics, block by block.

        Computed with few of the reference's images.
        """
        return summary_statistics(self.some_reference, self.basis).distances(self.after)
