"""Which place went where, from two samples without a common image: each place's own values, then what it varies with."""

import numpy as np
from jaxtyping import Float64, Int64
from scipy.optimize import linear_sum_assignment

from shiftassay.shifts.family import Images

ROUNDS = 12
LEVELS = 16  # quantiles of a place's values
IMAGES = 2000


def matched_places(reference: Images, shifted: Images) -> Int64[np.ndarray, "_"]:
    """The permutation (out[i] = in[p[i]]) under which places of two samples have like values and like correlations.

    Places start out with the partner whose values are distributed most alike; then each is matched by its
    correlations with all others, given their partners of the round before, until nothing moves: Frank and Wolfe's steps for graph
    matching (Vogelstein et al. 2015), with whole steps. Places that always show the same can't be told apart: `unidentified` lists them.
    """
    x, y = (
        side[:IMAGES].mean(axis=1).reshape(min(len(side), IMAGES), -1).astype(np.float64)
        for side in (reference, shifted)
    )
    marginal = _unlike(_marginals(x), _marginals(y))
    order = linear_sum_assignment(marginal)[1]
    a, b = _correlations(x), _correlations(y)
    for _ in range(ROUNDS):
        # Likeness of place i's correlations to those of place j, the others standing where they were last put.
        cost = _unlike(b, a[:, order]) + marginal
        again = linear_sum_assignment(cost)[1]
        if np.array_equal(again, order):
            break
        order = again
    return order


def unidentified(shifted: Images) -> list[int]:
    """Places whose value is the same in every image."""
    return np.flatnonzero(shifted.mean(axis=1).reshape(len(shifted), -1).var(axis=0) < 1e-9).tolist()


def _marginals(values: Float64[np.ndarray, "_ _"]) -> Float64[np.ndarray, "_ _"]:
    return np.concatenate(
        [np.quantile(values, np.linspace(0.02, 0.98, LEVELS), axis=0), [values.mean(0), values.std(0)]]
    ).T


def _correlations(values: Float64[np.ndarray, "_ _"]) -> Float64[np.ndarray, "_ _"]:
    """Covariances over the square root of the sd's, so that places that hardly vary say little."""
    centred = values - values.mean(axis=0)
    sd = np.sqrt(centred.std(axis=0) + 1e-3)
    return (centred.T @ centred) / len(values) / np.outer(sd, sd)


def _unlike(b: np.ndarray, a: np.ndarray) -> Float64[np.ndarray, "_ _"]:
    return (b**2).sum(1)[:, None] + (a**2).sum(1)[None] - 2 * b @ a.T
