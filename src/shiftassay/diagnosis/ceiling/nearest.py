"""An estimate of what the best classifier can reach, from the error of nearest neighbours."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64

from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.random_stream import seed_for
from shiftassay.records import Record

BLOCK = 1000
SIZES = (1, 2, 5, 10, 20, 50)  # blocks
EXPONENTS = np.linspace(0.1, 1, 10)  # of n, by which the error is thought to approach its limit


@dataclass(frozen=True)
class NearestNeighbors(Record):
    """The nearest neighbour's error, its limit, and the ceiling on accuracy that follows.

    `errors` are those among n training images. `limit` is the error extrapolated to n = ∞, with an interval that holds
    95% of the fits to resampled test images; `ceiling` is 1 − the Bayes error's lower bound, for the limit, and
    `ceilings` for each n as if it were the limit.
    """

    images: tuple[int, ...]
    errors: tuple[float, ...]
    limit: tuple[float, float, float]
    ceiling: tuple[float, float, float]
    ceilings: tuple[float, ...]
    classes: int
    judged_on: int


def nearest_neighbor_ceiling(
    train: Float32[np.ndarray, "n d"],
    train_labels: Int64[np.ndarray, "n"],
    test: Float32[np.ndarray, "m d"],
    test_labels: Int64[np.ndarray, "m"],
    classes: int,
    seed: int = 0,
) -> NearestNeighbors:
    """The ceiling by nearest neighbours (Cover and Hart 1967): an estimate, no bound.

    The inequality holds in the limit alone, and in many dimensions the extrapolation misses it: for two Gaussians in
    600 dimensions it gives less than a linear classifier reaches.

    At least 2,000 training images are needed. With infinitely many neighbours to choose from, the error R of the
    nearest is at least the Bayes error R* and at most R* (2 − c/(c − 1) R*); inverted, R* ≥ (c − 1)/c · (1 − √(1 − c/(c
    − 1) · R)). The limit is extrapolated by R(n) = R + a n^(−b), 0.1 ≤ b ≤ 1, a ≥ 0, fitted by least squares. That form
    is an assumption: no rate holds for all distributions, which is why the errors themselves are given. Training images
    are split into blocks of 1,000, and the error for n is the mean over as many disjoint sets of n as there are.

    >>> rng = np.random.default_rng(0)
    >>> labels = rng.integers(0, 2, 5000)  # nothing to be learned: half right is the most that there is
    >>> values = rng.random((5000, 1), np.float32)
    >>> estimate = nearest_neighbor_ceiling(values[:4000], labels[:4000], values[4000:], labels[4000:], 2)
    >>> [round(error, 1) for error in estimate.errors], round(estimate.ceiling[0], 1) < 0.65
    ([0.5, 0.5], True)
    """
    rng = np.random.default_rng(seed_for(seed, "nearest neighbours"))
    order = rng.permutation(len(train))
    blocks = [order[start : start + BLOCK] for start in range(0, len(order) - BLOCK + 1, BLOCK)]
    distances, labels = _nearest(train, train_labels, test, blocks)
    sizes = [size for size in SIZES if size <= len(blocks)]
    wrong = np.stack([_wrong(distances, labels, test_labels, size) for size in sizes])
    images = tuple(size * BLOCK for size in sizes)
    errors = wrong.mean(1)
    limits = [
        _limit(np.array(images), wrong[:, rng.integers(0, len(test), len(test))].mean(1))
        for _ in range(SETTINGS.ceiling_resamples)
    ]
    low, high = (float(q) for q in np.quantile(limits, [0.025, 0.975]))
    limit = (_limit(np.array(images), errors), low, high)
    estimate, least, most = (1 - bayes_error_bound(x, classes) for x in (limit[0], high, low))
    return NearestNeighbors(
        images=images,
        errors=tuple(errors.tolist()),
        limit=limit,
        ceiling=(estimate, least, most),
        ceilings=tuple(1 - bayes_error_bound(float(error), classes) for error in errors),
        classes=classes,
        judged_on=len(test),
    )


def bayes_error_bound(error: float, classes: int) -> float:
    """The least Bayes error that agrees with the nearest neighbour's asymptotic error.

    Source: Cover and Hart (1967).

    >>> round(bayes_error_bound(0.5, 2), 3), bayes_error_bound(0.0, 10), round(bayes_error_bound(0.9, 10), 3)
    (0.5, 0.0, 0.9)
    """
    chance = (classes - 1) / classes
    return chance * (1 - float(np.sqrt(max(1 - error / chance, 0.0))))


def _nearest(
    train: np.ndarray, train_labels: np.ndarray, test: np.ndarray, blocks: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Of each block, the distance and the label of what is nearest to each image."""
    points = torch.from_numpy(test)
    distances, labels = [], []
    for block in blocks:
        others = torch.from_numpy(train[block])
        squared = (others * others).sum(1) - 2 * points @ others.T
        best = squared.min(1)
        distances.append(best.values.numpy())
        labels.append(train_labels[block][best.indices.numpy()])
    return np.stack(distances, 1), np.stack(labels, 1)


def _wrong(distances: np.ndarray, labels: np.ndarray, truth: np.ndarray, size: int) -> Float[np.ndarray, "m"]:
    """How often each image's nearest neighbour has another label.

    The mean over disjoint sets of `size` blocks.
    """
    sets = distances.shape[1] // size
    shape = (len(truth), sets, size)
    best = distances[:, : sets * size].reshape(shape).argmin(2)
    nearest = np.take_along_axis(labels[:, : sets * size].reshape(shape), best[..., None], 2)[..., 0]
    return (nearest != truth[:, None]).mean(1)


def _limit(images: np.ndarray, errors: np.ndarray) -> float:
    """R of the best fit of R + a n^(−b); the last error where the curve does not fall."""
    best, limit = np.inf, float(errors[-1])
    for exponent in EXPONENTS:
        falling = images.astype(np.float64) ** -exponent
        slope, intercept = np.polyfit(falling, errors, 1) if len(images) > 1 else (0.0, errors[-1])
        if slope < 0:
            slope, intercept = 0.0, float(errors.mean())
        intercept = max(float(intercept), 0.0)
        misfit = float(((intercept + slope * falling - errors) ** 2).sum())
        if misfit < best:
            best, limit = misfit, intercept
    return limit
