"""A film of one grey value over part of the picture, measured beneath noise or after a blur.

Of each pixel, shifted = (1 − film) reference + film · shade + noise. Where the film is independent of the picture, a
regression gives its mean and its shade. Noise that is independent between pixels drops out of products of two of them:
so the covariances of the film at a distance are those of what the regression leaves.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64

from shiftassay.shifts.estimation.pairs import Pairs

VALUES = 20  # ranges of grey values
END = 1 / 512  # within which a grey value is black or white
MOST_CLIPPED = 0.02  # of the pixels of a range: where more end in black or white, noise is not symmetric
BLACK = 0.02
LEAST_SPREAD = 0.03  # standard deviation of the grey values that are looked at
LEAST_CONTRAST = 0.05  # root mean square, between picture and shade
FEWEST = 500  # pixels
LEAST_FILM, MOST_FILM = 0.02, 0.8  # in the mean
ALL_OR_NOTHING = (0.4, 2.5)  # times the third moment of a film of zeros and ones, which another change does not have

Film = Float[np.ndarray, "n c h w"]


@dataclass(frozen=True, eq=False)
class FilmStatistics:
    """What is known of a film: its shade, its mean, and how it correlates with itself.

    Correlations are those at some distances in pixels.
    """

    shade: float
    mean: float
    correlations: Float64[np.ndarray, "k"]


def film_statistics(pairs: Pairs, lags: Sequence[int]) -> FilmStatistics | None:
    """The film that explains the pairs; None where there is none.

    Only grey values that noise does not clip are looked at.
    """
    reference, shifted = pairs.reference.astype(np.float64), pairs.shifted.astype(np.float64)
    seen = _unclipped(reference, shifted)
    if seen.sum() < FEWEST or reference[seen].std() < LEAST_SPREAD:
        return None
    slope, intercept = np.polyfit(reference[seen], shifted[seen], 1)
    mean = float(1 - slope)
    shade = float(intercept) / mean if LEAST_FILM < mean < MOST_FILM else -1.0
    if not -0.02 <= shade <= 1.02:
        return None
    contrast = np.where(seen, shade - reference, 0.0)
    left = np.where(seen, shifted - reference - mean * contrast, 0.0)
    if np.mean(contrast[seen] ** 2) < LEAST_CONTRAST**2:
        return None
    covariances = np.array([_at_distance(lag, left * contrast, contrast**2) for lag in lags])
    third = _product(1, left**2 * contrast**2, left * contrast) / _product(1, contrast**4, contrast**2)
    ratio = third / ((1 - 2 * mean) * covariances[0])
    if not ALL_OR_NOTHING[0] < ratio < ALL_OR_NOTHING[1]:
        return None
    return FilmStatistics(float(np.clip(shade, 0, 1)), mean, covariances / (mean * (1 - mean)))


def statistics_of(film: Film, lags: Sequence[int]) -> FilmStatistics:
    """The same of a film that is known."""
    mean, everywhere = float(film.mean()), np.ones(film.shape)
    covariances = np.array([_at_distance(lag, film - mean, everywhere) for lag in lags])
    return FilmStatistics(1.0, mean, covariances / max(mean * (1 - mean), 1e-9))


def _unclipped(reference: Film, shifted: Film) -> Bool[np.ndarray, "n c h w"]:
    """Where the picture has a grey value that hardly ever becomes black or white.

    Where most black pixels stay black, noise grows from nothing with the grey value, and clips nothing at black.
    """
    black = reference < BLACK
    cut_at_black = not black.any() or np.mean(shifted[black] < END) < 0.5
    at_ends = (shifted > 1 - END) | ((shifted < END) & cut_at_black)
    values = np.clip((reference * VALUES).astype(np.int64), 0, VALUES - 1)
    counts = np.bincount(values.ravel(), minlength=VALUES)
    clipped = np.bincount(values.ravel(), at_ends.ravel(), VALUES) / np.maximum(counts, 1)
    return (clipped < MOST_CLIPPED)[values]


def _at_distance(lag: int, values: Film, weights: Film) -> float:
    """The weighted covariance of values so many pixels apart, downwards and to the right."""
    weight = _product(lag, weights, weights)
    return _product(lag, values, values) / weight if weight > 0 else 0.0


def _product(lag: int, first: Film, second: Film) -> float:
    """The sum of products of pixels so many apart, downwards and to the right."""
    down = np.einsum("nchw,nchw", first[:, :, :-lag], second[:, :, lag:])
    right = np.einsum("nchw,nchw", first[..., :-lag], second[..., lag:])
    return float(down + right)
