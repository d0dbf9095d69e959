"""Shifts of grey values, pixel by pixel."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from shiftassay.errors import BadInput
from shiftassay.shifts.family import FAMILIES, Context, Images, Information, Scope, Shift, Uniform, draw


@FAMILIES.register("gain")
@dataclass(frozen=True)
class Gain(Shift):
    """factor · x, clipped to [0, 1]: contrast, or exposure."""

    family: ClassVar[str] = "gain"
    group: ClassVar[str] = "intensity"
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Logits scale with the image but biases do not: a dark image leaves the decision to the biases, a bright one saturates."
    )

    factor: float | Uniform

    def __post_init__(self) -> None:
        super().__post_init__()
        low = self.factor.low if isinstance(self.factor, Uniform) else self.factor
        if low <= 0:
            raise BadInput(f"gain: factor must be above 0 (0 would blacken every image), not {low:g}.")

    @property
    def information(self) -> Information:
        high = self.factor.high if isinstance(self.factor, Uniform) else self.factor
        return "preserved" if high <= 1 else "reduced"

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return np.clip(images * self._factors(images, rng), 0, 1)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return np.clip(images / self._factors(images, rng), 0, 1)

    def _factors(self, images: Images, rng: np.random.Generator) -> np.ndarray:
        return draw(self.factor, len(images), rng).astype(np.float32)[:, None, None, None]


@FAMILIES.register("offset")
@dataclass(frozen=True)
class Offset(Shift):
    """x + amount, clipped to [0, 1]: brightness."""

    family: ClassVar[str] = "offset"
    group: ClassVar[str] = "intensity"
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Every pixel moves by the same amount, so every first-layer unit moves by that amount times the sum of its weights."
    )
    information: ClassVar[Information] = "reduced"

    amount: float | Uniform

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return np.clip(images + self._amounts(images, rng), 0, 1)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return np.clip(images - self._amounts(images, rng), 0, 1)

    def _amounts(self, images: Images, rng: np.random.Generator) -> np.ndarray:
        return draw(self.amount, len(images), rng).astype(np.float32)[:, None, None, None]
