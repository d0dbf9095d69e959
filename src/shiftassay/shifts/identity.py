"""The identity: no shift."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.family import FAMILIES, Context, Information, Shift


@FAMILIES.register("identity")
@dataclass(frozen=True)
class Identity(Shift):
    """The images as they were."""

    family: ClassVar[str] = "identity"
    group: ClassVar[str] = "none"
    why: ClassVar[str] = "It doesn't: the images are the same."
    information: ClassVar[Information] = "preserved"

    @property
    def is_identity(self) -> bool:
        return True

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return images.copy()

    @property
    def advice(self) -> str:
        return "The images are not to blame: look at the labels, and at the model itself."

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return images.copy()
