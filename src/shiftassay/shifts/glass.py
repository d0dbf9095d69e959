"""A blur that no convolution is: pixels change places with their neighbours, as behind frosted glass."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from scipy.ndimage import gaussian_filter

from shiftassay.errors import BadInput
from shiftassay.shifts.family import FAMILIES, Context, Images, Information, Scope, Shift


@FAMILIES.register("glass_blur")
@dataclass(frozen=True)
class GlassBlur(Shift):
    """Blurred by a Gaussian of `sd` pixels, shuffled locally, blurred again (Hendrycks and Dietterich 2019).

    The shuffle goes over the pixels `rounds` times, from the last to the first: each, with probability ½, changes places
    with one that is −reach … reach − 1 pixels away in x and in y. A border of `reach` pixels starts no exchange.
    """

    family: ClassVar[str] = "glass_blur"
    group: ClassVar[str] = "blur"
    scopes: ClassVar[tuple[Scope, ...]] = ("per_image",)
    why: ClassVar[str] = (
        "Edges are frayed in another way on every image, so that fine detail is not just weaker, as after a blur, but wrong."
    )
    information: ClassVar[Information] = "reduced"

    sd: float
    reach: int = 1
    rounds: int = 2
    scope: Scope = field(default="per_image", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sd < 0 or not 1 <= self.reach <= 50 or not 1 <= self.rounds <= 50:
            raise BadInput(
                f"glass_blur: sd must be 0 or more, reach and rounds between 1 and 50, not {self.sd:g}, {self.reach} and {self.rounds}."
            )

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        blur = (0, 0, self.sd, self.sd)
        shuffled = self._shuffle(gaussian_filter(images, blur, mode="nearest"), rng)
        return np.clip(gaussian_filter(shuffled, blur, mode="nearest"), 0, 1)

    def _shuffle(self, images: Images, rng: np.random.Generator) -> Images:
        n, _, h, w = images.shape
        rows, columns = range(h - self.reach, self.reach, -1), range(w - self.reach, self.reach, -1)
        side = 2 * self.reach
        kind = np.uint8 if 2 * side**2 <= 256 else np.uint16
        # One draw for each image, round and place: below side² it stays where it is, above it the number of a neighbour.
        chosen = rng.integers(0, 2 * side**2, (n, self.rounds * len(rows) * len(columns)), dtype=kind)
        steps = iter(np.ascontiguousarray(chosen.T))
        pixels = np.ascontiguousarray(images.transpose(2, 3, 0, 1))
        for _ in range(self.rounds):
            for y in rows:
                for x in columns:
                    choice = next(steps)
                    swapped = np.flatnonzero(choice >= side**2)
                    neighbour = choice[swapped].astype(np.int64) - side**2
                    to_y, to_x = y + neighbour // side - self.reach, x + neighbour % side - self.reach
                    there = pixels[to_y, to_x, swapped]
                    pixels[to_y, to_x, swapped] = pixels[y, x, swapped]
                    pixels[y, x, swapped] = there
        return np.ascontiguousarray(pixels.transpose(2, 3, 0, 1))
