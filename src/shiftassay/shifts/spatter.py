"""Mud on the lens."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.special import ndtri

from shiftassay.shifts.family import FAMILIES, Context, Images, Information, Scope, Shift, check

if TYPE_CHECKING:
    from shiftassay.shifts.pairs import Pairs

SOFT_EDGE = 0.8  # of a drop: below this its film is too thin to be seen


@FAMILIES.register("spatter")
@dataclass(frozen=True)
class Spatter(Shift):
    """Drops of mud of one `shade`: places where smooth noise is high (Hendrycks and Dietterich 2019).

    White noise is smoothed by a Gaussian of `size` pixels; its highest `coverage` (a share of the area, before the edges
    are softened) becomes mud, whose edges are softened by a Gaussian of `softness` pixels. What is then less than
    four fifths covered stays clean, so that the mud seen is less than `coverage`.
    """

    family: ClassVar[str] = "spatter"
    group: ClassVar[str] = "overlay"
    scopes: ClassVar[tuple[Scope, ...]] = ("per_image",)
    why: ClassVar[str] = (
        "Drops hide parts of strokes and leave grey blots on the background whose outlines look like strokes."
    )
    information: ClassVar[Information] = "reduced"

    coverage: float
    size: float = 1.0
    softness: float = 1.5
    shade: float = 63 / 255
    scope: Scope = field(default="per_image", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "coverage", lambda v: 0 < v < 1, "between 0 and 1, both excluded")
        check(self, "size", lambda v: v > 0.1, "above 0.1")
        check(self, "softness", lambda v: v >= 0, "0 or more")
        check(self, "shade", lambda v: 0 <= v <= 1, "between 0 and 1")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        noise = rng.standard_normal((len(images), 1, *images.shape[2:]), np.float32)
        liquid = gaussian_filter(noise, (0, 0, self.size, self.size), mode="nearest")
        impulse = np.zeros(2 * int(4 * self.size + 0.5) + 1)
        impulse[len(impulse) // 2] = 1
        sd = (
            gaussian_filter(impulse, self.size, mode="constant") ** 2
        ).sum()  # of the smoothed noise: the line's norm, twice
        mud = (liquid > sd * ndtri(1 - self.coverage)).astype(np.float32)
        film = gaussian_filter(mud, (0, 0, self.softness, self.softness), mode="nearest")
        film[film < SOFT_EDGE] = 0
        return np.clip(images * (1 - film) + np.float32(self.shade) * film, 0, 1)
