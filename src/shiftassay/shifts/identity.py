"""Nothing happened."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from shiftassay.shifts.family import FAMILIES, Context, Images, Information, Shift


@FAMILIES.register("identity")
@dataclass(frozen=True)
class Identity(Shift):
    """The images as they were."""

    family: ClassVar[str] = "identity"
    group: ClassVar[str] = "none"
    why: ClassVar[str] = "It doesn't: the images are the same."
    information: ClassVar[Information] = "preserved"

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return images.copy()

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return images.copy()
