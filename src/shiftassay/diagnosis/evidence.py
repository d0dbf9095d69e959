"""What a verdict rests on, and how sure that makes it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from shiftassay.diagnosis.calibration import calibration
from shiftassay.records import Record

EVEN_ODDS = 0.5  # confidence below which a verdict is `unknown`
LARGEST_LEAD = 3.0  # in cost: a larger one counts no more
LARGEST_DISTANCE = 4.0  # of the logarithm of a misfit from that of its limit: the same
TINY = 1e-9  # misfits below this mean the same


def shown_by(count: int) -> float:
    """The probability that the next picture agrees, after so many that all did.

    The rule of succession.

    >>> shown_by(1), shown_by(98)
    (0.6666666666666666, 0.99)
    """
    return (count + 1) / (count + 2)


@dataclass(frozen=True)
class Evidence(Record):
    """The numbers of a verdict from which its confidence follows.

    `misfit` and `limit` are the best candidate's; the limit is None where the misfit is so large that none was made.
    `lead` is by how much it costs less than the best of other families or scopes that is not ruled out. `images` is how
    many images of 28 × 28 have as many pixels as those that were looked at, `pictures` how many these were (None: as
    many), and `parts` how many shifts in a row it is: none for the identity.
    """

    pairing: Literal["paired", "unpaired"]
    misfit: float
    limit: float | None
    lead: float
    images: int
    parts: int
    pictures: int | None = None

    def confidence(self, known: bool) -> float:
        """The probability that the verdict is right, no more than so few pictures can show.

        That is, on family and scope, or that the shift is unknown.
        """
        kind = f"{self.pairing} {'known' if known else 'unknown'}"
        pictures = self.images if self.pictures is None else self.pictures
        return min(calibration().confidence[kind].probability(self.features()), shown_by(pictures))

    def features(self) -> dict[str, float]:
        """What the confidence is a function of."""
        distance = -LARGEST_DISTANCE
        if self.limit is not None:
            distance = float(np.log((self.limit + TINY) / (self.misfit + TINY)))
        return {
            "distance": float(np.clip(distance, -LARGEST_DISTANCE, LARGEST_DISTANCE)),
            "lead": min(self.lead, LARGEST_LEAD),
            "log images": float(np.log10(max(self.images, 1))),
            "parts": float(self.parts > 1),  # of three parts or more the sample of the calibration has none
        }
