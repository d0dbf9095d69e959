"""One draw of a shift: the generator, the ranges of its family, and how strengths, scopes and makers are drawn."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from benchmarks.diagnosis.case import Images, Labels, Made, Parameter, Part, eight_bits
from benchmarks.diagnosis.drawn.ranges import RANGES, Range
from benchmarks.diagnosis.resample import Way

LIBRARIES = ("scipy", "cv2", "PIL", "skimage")
KERNELS = ("bilinear", "cubic", "nearest")
HALF_PIXEL = 0.2  # of the draws: about h/2 instead of (h − 1)/2, as some libraries do
COARSE = 1.5  # pixels that a map must move the ends of a digit (10 from the centre) under nearest-neighbour sampling
SIDE = 28
Rng = np.random.Generator


class Draw:
    """One draw: its family's ranges, the generator, and what was asked for.

    `side` is that of the pictures, in pixels.
    """

    def __init__(
        self,
        family: str,
        rng: Rng,
        each: bool,
        smooth: bool,
        ranges: Mapping[str, Mapping[str, Range]] = RANGES,
        side: int = SIDE,
    ) -> None:
        self.family, self.rng, self.each, self.smooth = family, rng, each, smooth
        self.ranges, self.side = ranges.get(family, {}), side

    def number(self, name: str) -> float:
        return self.ranges[name].draw(self.rng)

    def whole(self, name: str) -> int:
        return int(self.number(name))

    def signed(self, name: str) -> float:
        return self.ranges[name].signed(self.rng)

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def spread(self, name: str) -> Parameter:
        """A number, or the ends of a range of them, at least a factor of 1.5 apart."""
        if not self.each:
            return self.number(name)
        while True:
            low, high = sorted((self.number(name), self.number(name)))
            if high >= 1.5 * low:
                return {"low": low, "high": high}

    def to_and_fro(self, name: str) -> Parameter:
        """A number of either sign; or of both signs, as two values or as a range about 0."""
        if not self.each:
            return self.signed(name)
        size = self.number(name)
        return {"values": [-size, size]} if self.chance(0.5) else {"low": -size, "high": size}

    def way(self, reach: float, half: bool = False) -> Way:
        """A library and its kernel for a map that moves the ends of a digit by `reach` pixels of 28."""
        kernels = KERNELS[:2] if self.smooth or reach * self.side / SIDE < COARSE else KERNELS
        library, kernel = str(self.rng.choice(LIBRARIES)), str(self.rng.choice(kernels))
        return Way(library, kernel, half and self.chance(HALF_PIXEL))

    def library(self, *names: str) -> str:
        return str(self.rng.choice(names))


def stored(part: Part, how: str) -> Part:
    """The part with its result rounded as a file would: `float` (not at all), `bytes`, `half` (float16)."""
    if how == "float":
        return part

    def make(images: Images, labels: Labels, rng: Rng) -> Made:
        made = part.make(images, labels, rng)
        rounded = eight_bits(made.images) if how == "bytes" else made.images.astype(np.float16).astype(np.float32)
        return replace(made, images=rounded)

    return replace(part, make=make, way=f"{part.way}-{how}")
