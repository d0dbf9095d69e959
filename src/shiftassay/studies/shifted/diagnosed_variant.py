"""A variant's diagnosis, and the controls that other explanations are held against."""

from collections.abc import Mapping
from dataclasses import dataclass

from shiftassay.diagnosis.result import Diagnosis
from shiftassay.records import Record
from shiftassay.shifts.catalog import ShiftField, attacks
from shiftassay.shifts.family import FAMILIES
from shiftassay.statistics.intervals import Interval

CHANCE = 0.1  # of the accuracy above chance: two draws of one permutation differ by about as much on a perceptron

Quantiles = tuple[float, float, float]
"""The 5%, 50% and 95% quantiles over images."""


@dataclass(frozen=True)
class ImageChange(Record):
    """How large the change is in each image, and what it left as it was.

    `touched`, `same_values` (sorted, the pixel values are those of clean) and `labels_alike` are shares of the images.
    """

    linf: Quantiles
    l2: Quantiles
    touched: float
    same_values: float
    labels_alike: float


@dataclass(frozen=True)
class Control(Record):
    """Accuracy under a change as large as the variant's.

    `minus_control` is the variant's accuracy minus it. `gained` are the images that only the variant leaves right,
    `lost` those that only the control does, of `images`.
    """

    accuracy: Interval
    minus_control: Interval
    gained: int
    lost: int
    images: int


@dataclass(frozen=True)
class Controls(Record):
    """Changes as large as the variant's.

    They are shuffled over each image's pixels, and taken from another image.
    """

    shuffled: Control
    transplanted: Control


@dataclass(frozen=True)
class OtherImages(Record):
    """Accuracy on images that the diagnosis did not see.

    `remade` is that on their remake by the diagnosed shift. `gained` are the images that only the remake leaves right,
    `lost` those that only the variant does.
    """

    images: int
    accuracy: float
    remade: float
    gained: int
    lost: int


@dataclass(frozen=True, eq=False)
class DiagnosedVariant(Record):
    """A variant's diagnosis, and what else was measured of it.

    The diagnosis rests on `images` of the `set` that the variant has. `pictures` holds the lowest and highest value of
    each kept row of pictures. `text` describes the shift; it and `shift` are None where that is unknown. `change` and
    `controls` are None without pairs of images in the same order. `commonest` is the accuracy of always answering the
    commonest class.
    """

    pictures: Mapping[str, tuple[float, float]]
    images: int
    set: int
    diagnosis: Diagnosis
    shift: ShiftField | None
    text: str | None
    change: ImageChange | None
    controls: Controls | None
    reaches: OtherImages | None
    commonest: float = 0.0

    @property
    def family(self) -> str:
        return self.diagnosis.verdict.family

    @property
    def group(self) -> str:
        """The group of the family; empty where the shift is unknown."""
        return FAMILIES[self.family].group if self.family in FAMILIES else ""

    def at_chance(self, accuracy: float) -> bool:
        """Whether an accuracy is as good as chance.

        That is, less than a tenth is left of what the model has on clean images above always answering one class.
        """
        measured = self.diagnosis.accuracy
        return measured is not None and accuracy - self.commonest < CHANCE * (measured.reference - self.commonest)

    @property
    def is_attack(self) -> bool:
        return self.family in attacks()

    @property
    def is_clean(self) -> bool:
        """Whether its images were compared with those of clean and are the same."""
        return self.change is not None and self.change.touched == 0
