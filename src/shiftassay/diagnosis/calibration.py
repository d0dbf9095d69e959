"""What was measured on cases that no benchmark uses.

Complexity penalties, and how sure a verdict is.

`make calibrate` fits the numbers and writes calibration.json, with the cases they were fitted to.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from shiftassay.records import Record


@dataclass(frozen=True)
class Penalties(Record):
    """By how much the logarithm of a misfit must fall to pay for what a shift is free to choose."""

    doubling: float
    """Per doubling of 1 + the degrees of freedom."""
    per_image: float
    """For parameters that are drawn for each image."""
    orders: float
    """For an order of blocks, rows or columns for each image."""
    part: float
    """For each part of a composition beyond the first."""
    general: float
    """For each part that can imitate two simpler ones."""
    noise: float
    """For attributing all of the change to noise: a candidate that predicts every pixel says more."""
    unpaired: float
    """Without partners: what the logarithm of a misfit above chance is multiplied by before penalties are added."""


@dataclass(frozen=True)
class Logistic(Record):
    """A logistic regression: the probability that a verdict is right.

    `most` is the largest that the fitted cases can show: the expected share of right ones, after the last of them.
    """

    intercept: float
    weights: Mapping[str, float]
    most: float

    def probability(self, features: Mapping[str, float]) -> float:
        """At these features, which have the names of the weights.

        >>> round(Logistic(0.0, {"lead": 2.0}, 0.99).probability({"lead": 1.0}), 2)
        0.88
        """
        logit = self.intercept + sum(weight * features[name] for name, weight in self.weights.items())
        return min(float(1 / (1 + np.exp(-logit))), self.most)


@dataclass(frozen=True)
class Calibration(Record):
    """Penalties, and how sure verdicts are: with partners or without, of a known shift or of none.

    `same_source` is how far apart the summary statistics of two samples of one source are, at most, as a multiple of
    the mean distance of halves of one of them.
    """

    penalties: Penalties
    confidence: Mapping[str, Logistic]
    same_source: float


@cache
def calibration() -> Calibration:
    """The calibration that is installed."""
    content = json.loads(files("shiftassay.diagnosis").joinpath("calibration.json").read_text(encoding="utf-8"))
    return Calibration.from_json({name: content[name] for name in ("penalties", "confidence", "same_source")})
