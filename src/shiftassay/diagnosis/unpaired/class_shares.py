"""The classes' shares in a set without labels, by a classifier whose confusions are known."""

import numpy as np
from jaxtyping import Float64
from scipy.optimize import nnls
from scipy.special import softmax

from shiftassay.diagnosis import thresholds
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts.estimation.summary_statistics import FeatureBasis, SummaryStatistics, mixture, summary_statistics
from shiftassay.statistics.principal import axes

COMPONENTS = 40
SHRUNK = 0.05  # of the mean variance, added to each component's


def class_prior(
    learn: ImageSet, test: ImageSet, shifted: np.ndarray, labels: np.ndarray | None, basis: FeatureBasis
) -> list[tuple[tuple[float, ...], SummaryStatistics]]:
    """The classes' shares in the shifted set, and the statistics of a mixture in these shares.

    The mixture is of the classes of `test`, the other half of the reference. Nothing if a class is missing.
    Counted where the shifted set has labels. Otherwise by linear discriminant analysis of `learn`: its mean
    probabilities on the shifted set are those on each class of `test`, mixed in the shares that are looked for
    (Lipton, Wang and Smola 2018).
    """
    assert learn.labels is not None
    assert test.labels is not None
    classes = int(max(learn.labels.max(), test.labels.max())) + 1
    if (
        min(np.bincount(side, minlength=classes).min() for side in (learn.labels, test.labels))
        < thresholds.FEWEST_OF_A_CLASS
    ):
        return []
    if labels is not None:
        if labels.max() >= classes:
            return []
        shares = np.bincount(labels, minlength=classes) / len(labels)
    else:
        shares = _shares(learn, test, shifted, classes)
    shares = shares / shares.sum()
    parts = [summary_statistics(test.images[test.labels == k], basis) for k in range(classes)]
    return [(tuple(shares.tolist()), mixture(parts, shares, len(test)))]


def _shares(learn: ImageSet, test: ImageSet, shifted: np.ndarray, classes: int) -> Float64[np.ndarray, "_"]:
    assert learn.labels is not None
    assert test.labels is not None
    flat = learn.images.reshape(len(learn), -1)
    center = flat.mean(axis=0)
    plane = axes(flat - center, COMPONENTS, np.random.default_rng(0))
    x, held, other = ((side.reshape(len(side), -1) - center) @ plane for side in (learn.images, test.images, shifted))
    means = np.stack([x[learn.labels == k].mean(axis=0) for k in range(classes)])
    inner = x - means[learn.labels]
    within = inner.T @ inner / len(x)
    within[np.diag_indices_from(within)] += SHRUNK * np.trace(within) / len(within)
    weights = np.linalg.solve(within, means.T)
    level = -0.5 * np.einsum("kd,dk->k", means, weights)
    probabilities = softmax(held @ weights + level, axis=1)
    confusion = np.stack([probabilities[test.labels == k].mean(axis=0) for k in range(classes)], axis=1)
    shares = nnls(confusion, softmax(other @ weights + level, axis=1).mean(axis=0))[0]
    return shares / max(shares.sum(), 1e-9)
