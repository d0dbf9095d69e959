"""How far the residual of a remake differs from the noise that its shift would make.

Remakes of a shift that draws noise differ from each other, too. So two residuals are compared: the shifted images minus
the mean of several remakes, and another remake minus that mean. The statistics and their weights:

| statistic | weight | what differs |
| --- | --- | --- |
| grey values | 1 | joint histogram of grey values in the reference and in the images (total variation) |
| neighbours | 2 | autocorrelation of the residual, at the lag where it differs most |
| joint neighbours | 0.5 | joint histogram of neighbours' residuals (total variation) |
| grid | 0.1 | log collision probability of the grey levels |
| blocks | 0.5 | share of the residual's energy per block of the picture (total variation) |
| places | 1 | share of the energy that is the same in all images: a fixed pattern |
| images | 0.5 | spread of the energy over images (sd of its logarithm) |
| levels | 1 | share of the energy that is a change of each image's mean brightness |
| invariants | 0.5 | distance from the reference in what some shifts leave unchanged (relative difference) |
| detail | 2 | share of the energy where the reference has more detail than is usual at its grey value, beyond a tenth |

The weights are constants; how they were chosen is not recorded. Of large pictures all but the invariants are those of
the middle: a few hold as many pixels there as hundreds of digits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.detail import local_variance, share_within
from shiftassay.shifts.estimation.pairs import Pairs, middle_of

CLIPPED = 2e-3  # from black or white, within which values count as clipped to it
# Of a bin: so no edge of a bin lies at a round number, or at one of 256 grey values, where shifts put many pixels.
OFF_EDGE = 0.31
REFERENCE_BINS, BINS = 8, 40  # of grey values between black and white
OUTSIDE = 4  # more bins: below black, black, white, above white
BLOCKS = 4  # a side: where in the picture the residual's energy is
INVARIANT_IMAGES, INVARIANT_VALUES = 48, 200_000  # images, and values of them, that invariants are computed of
UNLIKE_IN_DETAIL = 0.1  # of the energy: a move that is made by another kernel may add as much where there is detail
LAGS = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0))


@dataclass(frozen=True, eq=False)
class Statistics:
    """Statistics of a set of images, some of them jointly with its reference."""

    images: Images
    """Of large ones, the middle."""
    joint_histogram: Float[np.ndarray, "a b"]
    """The share of pixels by their grey value in the reference and in these images.

    Black and white have bins of their own, since clipping fills them.
    """
    log_collision_probability: float
    """Log of the probability that two pixels have the same of 256 grey levels (minus the Rényi-2 entropy).

    It is high if few levels are used, as by counts of few photons.
    """
    invariant_distances: list[float]
    """How far the images are from the reference in each of the invariants (see `_invariants`)."""
    detailed: Bool[np.ndarray, "n c h w"]
    """Where the reference has more detail than the mean of pixels of like grey value."""


@dataclass(frozen=True, eq=False)
class EvaluationPairs:
    """Pairs that a remake has to match.

    Statistics of both sides are computed once, when first needed.
    """

    pairs: Pairs

    @cached_property
    def shifted_statistics(self) -> Statistics:
        """The statistics of the shifted images."""
        return self.statistics(self.pairs.shifted)

    def statistics(self, images: Images) -> Statistics:
        """The statistics of a remake, or of the shifted images, with the pairs' reference."""
        columns = BINS + OUTSIDE
        rows, invariants, detailed = self._of_reference
        distances = [float(np.mean((a - b) ** 2)) for a, b in zip(invariants, _invariants(images), strict=True)]
        images = middle_of(images)
        counts = np.bincount((rows + _bins(images, BINS)).ravel(), minlength=(REFERENCE_BINS + OUTSIDE) * columns)
        histogram = counts.reshape(-1, columns) / images.size
        return Statistics(images, histogram, _log_collision_probability(images), distances, detailed)

    @cached_property
    def _of_reference(self) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
        """Each pixel's row of the joint histogram, the invariants, and where there is detail."""
        middle = middle_of(self.pairs.reference)
        bins = _bins(middle, REFERENCE_BINS)
        return bins * (BINS + OUTSIDE), _invariants(self.pairs.reference), _detailed(middle, bins)


def noise_discrepancies(mean: Images, shifted: Statistics, remake: Statistics, energy: float) -> dict[str, float]:
    """How far the shifted images differ from one remake, by name of a statistic.

    `mean` is that of several remakes, which both residuals are taken from. `energy` is the noise's: the mean square of
    a remake minus a mean of others. It sets the width of the bins of residuals.
    """
    residual, noise = shifted.images - middle_of(mean), remake.images - middle_of(mean)
    sd = float(np.sqrt(max(energy, 1e-12)))
    return {
        "grey values": _total_variation(shifted.joint_histogram, remake.joint_histogram),
        "neighbours": 2
        * max(abs(a - b) for a, b in zip(_autocorrelations(residual), _autocorrelations(noise), strict=True)),
        "joint neighbours": 0.5 * _total_variation(_neighbor_histogram(residual, sd), _neighbor_histogram(noise, sd)),
        "grid": 0.1 * abs(shifted.log_collision_probability - remake.log_collision_probability),
        "blocks": 0.5 * _total_variation(_block_shares(residual), _block_shares(noise)),
        "places": abs(_fixed_share(residual) - _fixed_share(noise)),
        "images": 0.5 * abs(_unevenness(residual) - _unevenness(noise)),
        "levels": abs(_level_share(residual) - _level_share(noise)),
        "detail": 2
        * max(
            abs(share_within(residual, shifted.detailed) - share_within(noise, shifted.detailed)) - UNLIKE_IN_DETAIL, 0
        ),
        "invariants": 0.5
        * max(
            abs(a - b) / (a + b + 1e-4)
            for a, b in zip(shifted.invariant_distances, remake.invariant_distances, strict=True)
        ),
    }


def mean_of(remakes: Sequence[Images]) -> Images:
    """The mean of several remakes."""
    return np.asarray(np.mean(remakes, axis=0, dtype=np.float32))


def energy_of(images: Images) -> float:
    """The mean square of a pixel."""
    return float(np.mean(images**2, dtype=np.float64))


def _bins(images: Images, count: int) -> np.ndarray:
    """The bin of each pixel's grey value.

    Below black, black, `count` between, white, above white.
    """
    inner = np.clip((images * count + OFF_EDGE).astype(np.int32), 0, count - 1) + 2
    return np.select(
        [images < -CLIPPED, images < CLIPPED, images > 1 + CLIPPED, images > 1 - CLIPPED],
        [0, 1, count + 3, count + 2],
        inner,
    )


def _total_variation(a: np.ndarray, b: np.ndarray) -> float:
    """The total variation distance of two histograms.

    It is the share of pixels that would have to change.
    """
    return float(np.abs(a - b).sum() / 2)


def _log_collision_probability(images: Images) -> float:
    inner = images[(images > CLIPPED) & (images < 1 - CLIPPED)]
    counts = np.bincount(np.rint(inner * 255).astype(np.int64))
    return float(np.log((counts.astype(np.float64) ** 2).sum() / inner.size**2)) if inner.size else 0.0


def _autocorrelations(residual: Images) -> list[float]:
    """Of neighbouring pixels, at each of the lags."""
    h, w = residual.shape[2:]
    energy = max(energy_of(residual), 1e-12)
    products = [residual[:, :, : h - dy, : w - dx] * residual[:, :, dy:, dx:] for dy, dx in LAGS]
    return [float(product.mean(dtype=np.float64) / energy) for product in products]


def _neighbor_histogram(residual: Images, sd: float) -> np.ndarray:
    """The joint histogram of neighbours' residuals, in seven bins each.

    Neighbours are side by side or below each other.
    """
    quantized = np.clip(np.rint(residual / sd * 1.5), -3, 3).astype(np.int32) + 3
    across = quantized[..., :-1] * 7 + quantized[..., 1:]
    down = quantized[:, :, :-1] * 7 + quantized[:, :, 1:] + 49
    both = np.bincount(np.concatenate([across.ravel(), down.ravel()]), minlength=98)
    return both / both.sum()


def _block_shares(residual: Images) -> Float[np.ndarray, "by bx"]:
    """The share of the energy in each block of the picture."""
    energy = np.mean(residual**2, axis=(0, 1), dtype=np.float64)
    for axis, size in enumerate(energy.shape):
        energy = np.add.reduceat(energy, np.arange(0, size, -(-size // BLOCKS)), axis)
    return energy / max(energy.sum(), 1e-12)


def _fixed_share(residual: Images) -> float:
    """The share of the energy that is the same in all images."""
    n = len(residual)
    mean = residual.mean(0, dtype=np.float64)
    return float(max(np.mean(mean**2) - energy_of(residual) / n, 0) / max(energy_of(residual), 1e-12))


def _detailed(images: Images, bins: np.ndarray) -> Bool[np.ndarray, "n c h w"]:
    """Where the local variance is above the mean of the pixels of the same bin."""
    squares = local_variance(images)
    total = np.bincount(bins.ravel(), squares.ravel())
    return squares > (total / np.maximum(np.bincount(bins.ravel()), 1)).astype(np.float32)[bins]


def _unevenness(residual: Images) -> float:
    """How much the energy varies from image to image: the sd of its logarithm."""
    return float(np.log(np.mean(residual**2, axis=(1, 2, 3)) + 1e-8).std())


def _level_share(residual: Images) -> float:
    """The share of the energy that is a change of each image's mean."""
    return float(np.mean(residual.mean((1, 2, 3), dtype=np.float64) ** 2) / max(energy_of(residual), 1e-12))


def _invariants(images: Images) -> list[np.ndarray]:
    """What some shifts leave unchanged.

    Sorted grey values, amplitudes of the spectrum, sums of rows and columns.
    """
    images = images[: min(INVARIANT_IMAGES, max(1, INVARIANT_VALUES // images[0].size))]
    flat = np.sort(images.reshape(len(images), -1), axis=1)
    return [flat, np.abs(np.fft.rfft2(images)) / images.shape[3], images.mean(3), images.mean(2)]
