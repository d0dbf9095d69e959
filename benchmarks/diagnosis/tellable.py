"""Which places of a permutation the images tell at all: the bound that a verdict is judged by.

A verdict may list places in `unidentified`; they are not counted wrong. Places that it does not list must be right, and
of those that can be told it may list few. Pairs tell a place whose values are no other place's in all images; where
another shift changed the values as well, in enough of them. Samples without a common image tell a place, for one who
knows where all the others are, if its correlations with them are nearest to those of its source, in either half.
"""

import numpy as np

RIGHT = 0.99  # of the places that are not listed
LISTED = 0.05  # of the places that can be told, at most: of pairs
LISTED_UNPAIRED = 0.3  # the same of samples, whose bound knows the other places
SEVERAL = 10  # images in which values must differ if another shift changed them as well
BEYOND_ROUNDING = 1.5 / 255
LEAST_DEVIATION = 0.01  # added to deviations, as a constant place correlates with nothing


def told_by_pairs(pieces: np.ndarray, changed_as_well: bool) -> np.ndarray:
    """For pieces (places, n, values) of the reference: whether each source can be told from all others."""
    if not changed_as_well:
        columns = np.ascontiguousarray(pieces.reshape(len(pieces), -1))
        _, which, counts = np.unique(columns, axis=0, return_inverse=True, return_counts=True)
        return counts[which.ravel()] == 1
    told = np.ones(len(pieces), bool)
    for place, own in enumerate(pieces):
        differing = (np.abs(pieces - own).max(2) > BEYOND_ROUNDING).sum(1)
        differing[place] = SEVERAL
        told[place] = differing.min() >= SEVERAL
    return told


def told_by_samples(reference: np.ndarray, restored: np.ndarray) -> np.ndarray:
    """For pieces (places, n, values) of the reference and the restored shifted set: whether each source can be told."""
    profiles = _profiles(reference)
    told = np.ones(len(reference), bool)
    for half in (restored[:, ::2], restored[:, 1::2]):
        others = _profiles(half)
        distance = (profiles**2).sum(1)[None] + (others**2).sum(1)[:, None] - 2 * others @ profiles.T
        told &= distance.argmin(1) == np.arange(len(told))
        told &= np.ptp(half, axis=1).max(1) > 0
    return told


def _profiles(pieces: np.ndarray) -> np.ndarray:
    """Of each place: the correlations of its values with all others', and their means and deviations."""
    places, n, _ = pieces.shape
    flat = pieces.transpose(1, 0, 2).reshape(n, -1).astype(np.float64)
    mean, deviation = flat.mean(0), flat.std(0)
    scores = (flat - mean) / (deviation + LEAST_DEVIATION)
    correlations = (scores.T @ scores / n).reshape(places, -1)
    return np.concatenate([correlations, mean.reshape(places, -1), deviation.reshape(places, -1)], axis=1)
