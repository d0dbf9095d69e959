"""Has position anything left to say? The premise of a ceiling by pixel values alone."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from jaxtyping import Float32, Int64
from scipy.stats import chi2, norm

from shiftassay.diagnosis import thresholds
from shiftassay.records import Record, stored_as

LAGS = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0))


@dataclass(frozen=True)
class Sufficiency(Record):
    """Tests that, given its pixel values, every arrangement of an image is equally likely.

    Each has its p-values. `places`: every place holds on average what the whole image does, over all images, and
    (`classes`, corrected for their number) over those of each class. `neighbors`: pixels one or two apart are no more
    alike than any two (corrected too). `followers`: an image is arranged no more like the one before it than like any.
    """

    places: float
    classes: float
    neighbors: Annotated[float, stored_as("neighbours", "neighbors")]
    followers: float
    images: int
    derived = ("holds",)

    @property
    def holds(self) -> bool:
        """Whether no test rejects at 1%, corrected for there being four."""
        return self.smallest >= thresholds.SUFFICIENCY_LEVEL

    @property
    def smallest(self) -> float:
        """The smallest p-value, corrected for there being four."""
        return _smallest([self.places, self.classes, self.neighbors, self.followers])


def check_positions(images: Float32[np.ndarray, "n 1 h w"], labels: Int64[np.ndarray, "n"]) -> Sufficiency:
    """Test whether an image's arrangement is uniform given its values.

    If it is, the values hold all information about the label. Within each image values are standardised over its d
    pixels, which a uniform arrangement leaves exchangeable with correlation −1/(d − 1). So the squared sums over images
    of a place, times (d − 1)/(d n), follow χ² with d − 1 degrees of freedom; products of neighbours, and of images that
    follow each other, are compared with that mean by their spread over images.

    >>> rng = np.random.default_rng(0)
    >>> stripes = np.tile(np.linspace(0, 1, 8, dtype=np.float32), (500, 1, 8, 1))
    >>> shuffled = rng.permuted(stripes.reshape(500, 64), axis=1).reshape(stripes.shape)
    >>> check_positions(shuffled, np.zeros(500, int)).holds, check_positions(stripes, np.zeros(500, int)).holds
    (True, False)
    """
    flat = images.reshape(len(images), -1).astype(np.float64)
    sd = flat.std(1, keepdims=True)
    varied = sd[:, 0] > 1e-9
    flat, labels, sd = flat[varied], labels[varied], sd[varied]
    standard = (flat - flat.mean(1, keepdims=True)) / sd
    pictures = standard.reshape(-1, *images.shape[2:])
    of_classes = [_places(standard[labels == k]) for k in np.unique(labels) if (labels == k).sum() >= 20]
    return Sufficiency(
        places=_places(standard),
        classes=_smallest(of_classes),
        neighbors=_smallest([_neighbors(pictures, lag) for lag in LAGS]),
        followers=_two_sided(_mean_product(standard[1:], standard[:-1])),
        images=len(standard),
    )


def _places(standard: np.ndarray) -> float:
    n, d = standard.shape
    statistic = (standard.sum(0) ** 2).sum() / n * (d - 1) / d
    return float(chi2.sf(statistic, d - 1))


def _neighbors(pictures: np.ndarray, lag: tuple[int, int]) -> float:
    dy, dx = lag
    h, w = pictures.shape[1:]
    if h <= dy or w <= dx:
        return 1.0
    products = (pictures[:, dy:, dx:] * pictures[:, : h - dy, : w - dx]).mean((1, 2)) + 1 / (h * w - 1)
    return _two_sided(products)


def _mean_product(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return (one * other).mean(1)


def _two_sided(values: np.ndarray) -> float:
    """The p-value of "their mean is 0"."""
    error = values.std() / np.sqrt(max(len(values), 1))
    return float(2 * norm.sf(abs(values.mean()) / max(error, 1e-300)))


def _smallest(p_values: list[float]) -> float:
    """The smallest p-value, corrected for their number (Bonferroni)."""
    return min(1.0, min(p_values, default=1.0) * len(p_values))
