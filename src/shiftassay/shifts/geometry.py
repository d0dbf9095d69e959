"""Shifts that move the picture."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from shiftassay.shifts.family import FAMILIES, Context, Images, Information, Scope, Shift, Uniform, draw
from shiftassay.shifts.warp import warp


@FAMILIES.register("rotate")
@dataclass(frozen=True)
class Rotate(Shift):
    """A rotation by `angle` degrees about the centre, counter-clockwise as seen on the screen."""

    family: ClassVar[str] = "rotate"
    group: ClassVar[str] = "geometry"
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "A fully-connected layer has one weight for each place: strokes that turn meet weights that were trained for other strokes."
    )

    angle: float | Uniform

    @property
    def information(self) -> Information:
        return "preserved" if isinstance(self.angle, int | float) and self.angle % 90 == 0 else "reduced"

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return warp(images, _to_input(draw(self.angle, len(images), rng)))

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return warp(images, _to_input(-draw(self.angle, len(images), rng)))


def _to_input(angles: np.ndarray) -> np.ndarray:
    """The maps from output to input. With y down, a counter-clockwise turn takes (1, 0) to (cos, −sin); this is its inverse."""
    cos, sin = np.cos(np.radians(angles)), np.sin(np.radians(angles))
    return np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], -2)
