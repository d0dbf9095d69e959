"""Matching the pixel positions of two unpaired samples.

By each position's mean, deviation and covariances with the others.
"""

import numpy as np
from jaxtyping import Float64, Int64
from scipy.linalg import orthogonal_procrustes
from scipy.optimize import linear_sum_assignment

from shiftassay.random_stream import seed_for

RANKS = (5, 8, 8, 12, 12, 18, 18, 26, 26, 40, 40, 60, 60, 60)  # principal components compared in each round
IMAGES = 3000
ROUNDS = 25
WEIGHT = 3.0  # of a position's mean and deviation relative to its correlations


def matched_places(reference: np.ndarray, shifted: np.ndarray) -> Int64[np.ndarray, "_"]:
    """The permutation (out[i] = in[p[i]]) under which two samples have similar moments.

    The moments are means, deviations and covariances. A permutation of positions permutes the loadings of the principal
    components, up to signs and, among components of like variance, a rotation. Signs follow from third moments of the
    scores; then positions are matched by their loadings, the rotation that aligns the matched positions is fitted
    (Schönemann 1966), and so on with more components in each round. Constant positions can't be told apart: see
    `Shift.unidentified`.
    """
    x, y = (some.mean(axis=1).reshape(len(some), -1).astype(np.float64) for some in map(_sampled, (reference, shifted)))
    own = [np.stack([side.mean(axis=0), side.std(axis=0)], axis=1) for side in (x, y)]
    (a, p), (b, q) = _loadings(x), _loadings(y)
    turn = np.diag(_signs(p[:, : RANKS[0]], q[:, : RANKS[0]]))
    order = np.arange(x.shape[1])
    for rank in RANKS:
        rank = min(rank, a.shape[1], b.shape[1])
        if rank > len(turn):
            turn = orthogonal_procrustes(a[order, :rank], b[:, :rank])[0]
        one = np.concatenate([own[0], a[:, :rank] @ turn[:rank, :rank]], axis=1)
        other = np.concatenate([own[1], b[:, :rank]], axis=1)
        order = linear_sum_assignment((other**2).sum(1)[:, None] + (one**2).sum(1)[None] - 2 * other @ one.T)[1]
        turn = orthogonal_procrustes(a[order, :rank], b[:, :rank])[0]
    return _sharpened(order, x, y)


def _sampled(images: np.ndarray) -> np.ndarray:
    """At most `IMAGES` images, drawn at random: a file may be sorted by class."""
    if len(images) <= IMAGES:
        return images
    return images[np.sort(np.random.default_rng(seed_for("matched places")).permutation(len(images))[:IMAGES])]


def _sharpened(
    order: Int64[np.ndarray, "_"], x: Float64[np.ndarray, "_ _"], y: Float64[np.ndarray, "_ _"]
) -> Int64[np.ndarray, "_"]:
    """Positions matched by their correlations with all others (Frank and Wolfe 1956).

    The others are taken under the last permutation.
    """
    a, b = (np.cov(side.T) / np.sqrt(np.outer(side.std(0) + 0.03, side.std(0) + 0.03)) for side in (x, y))
    means = [np.stack([side.mean(axis=0), side.std(axis=0)], axis=1) * WEIGHT for side in (x, y)]
    for _ in range(ROUNDS):
        one, other = np.concatenate([a[:, order], means[0]], axis=1), np.concatenate([b, means[1]], axis=1)
        again = linear_sum_assignment((other**2).sum(1)[:, None] + (one**2).sum(1)[None] - 2 * other @ one.T)[1]
        if np.array_equal(again, order):
            break
        order = again
    return order


def _loadings(values: Float64[np.ndarray, "_ _"]) -> tuple[Float64[np.ndarray, "_ _"], Float64[np.ndarray, "_ _"]]:
    """Each position's loadings on the principal components, and the scores.

    The components with the largest variance come first; scores have variance 1.
    """
    centered = values - values.mean(axis=0)
    variances, directions = np.linalg.eigh(centered.T @ centered / len(values))
    count = min(max(RANKS), len(values) - 1)
    variances, directions = variances[::-1][:count].clip(1e-12), directions[:, ::-1][:, :count]
    return directions * np.sqrt(variances), centered @ directions / np.sqrt(variances)


def _signs(p: Float64[np.ndarray, "_ _"], q: Float64[np.ndarray, "_ _"]) -> Float64[np.ndarray, "_"]:
    """The signs under which third moments of two sets of scores agree.

    E[z_a² z_b] changes sign with b alone.
    """
    p, q = np.clip(p, -3, 3), np.clip(q, -3, 3)
    agreement = np.sum(((p**2).T @ p / len(p)) * ((q**2).T @ q / len(q)), axis=0)
    return np.where(agreement < 0, -1.0, 1.0)
