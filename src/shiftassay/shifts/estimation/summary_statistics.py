"""Summary statistics of an image set: means over its images with their sampling errors."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

from shiftassay.statistics.principal import axes

BINS = 24
COMPONENTS = 80
FLOOR = 0.03  # least sd of one image's number, in units of the set's range: for positions that are always black

Blocks = dict[str, Float64[np.ndarray, "_"]]


@dataclass(frozen=True, eq=False)
class SummaryStatistics:
    """Mean and variance over n images of several numbers, in blocks.

    `pixels`, their `squares`, `components` (scores on principal axes, where variation between images, such as the
    shares of the classes, counts less), `values` (a histogram), `steps` between neighbours (histograms), Fourier
    `amplitudes`, and statistics of whole `images`.
    """

    n: int
    mean: Blocks
    variance: Blocks

    def distance(self, other: "SummaryStatistics", blocks: tuple[str, ...] | None = None) -> float:
        """The mean over blocks of the squared difference over its sampling variance.

        The squared difference is a mean over the block. About 1 for equal sources.
        """
        return float(np.mean(list(self.distances(other, blocks).values())))

    def distances(self, other: "SummaryStatistics", blocks: tuple[str, ...] | None = None) -> dict[str, float]:
        """The same, block by block."""
        distances = {}
        for name in blocks or tuple(self.mean):
            error = self.variance[name] / self.n + other.variance[name] / other.n
            distances[name] = float(np.mean((self.mean[name] - other.mean[name]) ** 2 / error))
        return distances


@dataclass(frozen=True, eq=False)
class FeatureBasis:
    """The range of histograms and the axes of `components`, which make statistics comparable."""

    low: float
    high: float
    axes: Float32[np.ndarray, "d k"]


def feature_basis(shifted: np.ndarray) -> FeatureBasis:
    """The basis that a shifted set gives."""
    flat = shifted.reshape(len(shifted), -1)
    plane = axes(flat - flat.mean(axis=0), COMPONENTS, np.random.default_rng(0))
    return FeatureBasis(float(shifted.min()), float(shifted.max()), plane)


def summary_statistics(images: np.ndarray, basis: FeatureBasis) -> SummaryStatistics:
    """The summary statistics of images (n, c, h, w).

    The basis is that of the set that they are compared with.
    """
    n, _, h, w = images.shape
    low, high = basis.low, basis.high
    flat = images.reshape(n, -1)
    gray = images.mean(axis=1)
    amplitudes = np.abs(np.fft.rfft2(gray)).reshape(n, -1)
    scale = max(high - low, 1e-9)
    across, down = np.abs(np.diff(gray, axis=2)), np.abs(np.diff(gray, axis=1))
    numbers = {
        "pixels": flat,
        "squares": flat**2,
        "components": flat @ basis.axes,
        "values": _histogram(flat, low, high),
        "steps": np.concatenate([_histogram(d.reshape(n, -1), 0.0, scale) for d in (across, down)], axis=1),
        "amplitudes": amplitudes,
        "images": np.stack([flat.mean(axis=1), flat.mean(axis=1) ** 2, flat.std(axis=1)], axis=1),
    }
    floor = {
        "pixels": FLOOR * scale,
        "squares": FLOOR * scale * max(abs(high), abs(low), 1e-9),
        "components": FLOOR * scale * 5,
        "values": 0.002,
        "steps": 0.002,
        "amplitudes": FLOOR * scale * np.sqrt(h * w),
        "images": FLOOR * scale / 10,
    }
    mean = {k: v.mean(axis=0, dtype=np.float64) for k, v in numbers.items()}
    variance = {k: v.var(axis=0, dtype=np.float64) + floor[k] ** 2 for k, v in numbers.items()}
    return SummaryStatistics(n, mean, variance)


def mixture(parts: list[SummaryStatistics], shares: np.ndarray, n: int) -> SummaryStatistics:
    """The summary statistics of a mixture of sets, from theirs."""
    mean, variance = {}, {}
    for name in parts[0].mean:
        means = np.stack([p.mean[name] for p in parts])
        mean[name] = shares @ means
        variance[name] = shares @ (np.stack([p.variance[name] for p in parts]) + (means - mean[name]) ** 2)
    return SummaryStatistics(n, mean, variance)


def _histogram(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Histograms: the share of each image's values in bins.

    Extra bins hold the two ends, where clipping puts values.
    """
    n, d = values.shape
    at = (values - low) * (BINS / max(high - low, 1e-9))
    bins = np.clip(np.floor(at), -1, BINS).astype(np.int64) + 1
    bins[(at > -0.01) & (at < 0.01)] = 0
    bins[at > BINS - 0.01] = BINS + 1
    bins += np.arange(n)[:, None] * (BINS + 2)
    return np.bincount(bins.ravel(), minlength=n * (BINS + 2)).reshape(n, BINS + 2) / d
