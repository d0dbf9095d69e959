"""One rule that brings pictures of any size to one size, as pipelines do: resize, crop, pad."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np

from shiftassay.imagesets.image_set import Images
from shiftassay.imagesets.picture_rows import OneImage
from shiftassay.shifts.between_sizes import EXACT, errors_of, framing_between, shift_of
from shiftassay.shifts.framing import Framing
from shiftassay.shifts.resizing import Kernel, Resized, Size

Kind = Literal["exact", "shorter_side", "longer_side"]
Rounding = Literal["nearest", "down"]
ROUNDINGS: tuple[Rounding, ...] = ("nearest", "down")
WORSE = 2.0  # times the mean square that the framings of single pictures leave, up to which one rule is as good
AGREE = 0.5  # of the pictures, in which a framing has to be seen


@dataclass(frozen=True)
class SizeRule:
    """What brings pictures of any size to the size `output`.

    `exact` stretches them to it; `shorter_side` and `longer_side` resize that side to `side` pixels, and crop or fill
    about the centre. Where the other side, or the centre, falls between pixels, it is rounded.
    """

    kind: Kind
    side: int
    output: Size
    kernel: Kernel = "bilinear"
    antialias: bool = True
    fill: float | tuple[float, ...] = 0.0
    length: Rounding = "nearest"
    center: Rounding = "nearest"

    def framing(self, source: Size) -> Framing:
        """What it does to a picture of this height and width."""
        resized = self.output
        if self.kind != "exact":
            of = min(source) if self.kind == "shorter_side" else max(source)
            height, width = (max(_whole(self.side * side / of, self.length), 1) for side in source)
            resized = height, width
        top, left = (_start(n, out, self.center) for n, out in zip(resized, self.output, strict=True))
        whole = (0, 0, source[1], source[0])
        return Framing(source, whole, resized, (left, top), self.output, self.kernel, self.antialias, self.fill)

    def apply(self, images: Images) -> Resized:
        """The pictures in the size that it gives all."""
        height, width = images.shape[2:]
        framing = self.framing((height, width))
        if not (framing.is_resized or framing.is_cropped or framing.is_padded):
            return images
        return shift_of(framing).apply(images, np.random.default_rng(0))

    def __str__(self) -> str:
        height, width = self.output
        kernel = f"{self.kernel}{', antialiased' if self.antialias else ', without antialiasing'}"
        if self.kind == "exact":
            return f"stretched to {height} × {width} ({kernel})"
        side = self.kind.replace("_", " ")
        placed = "cropped" if self.kind == "shorter_side" else "filled"
        same = self.kind == "shorter_side" and self.side > min(self.output)
        laid = f"{placed} to {height} × {width} at the centre"
        return f"resized to {self.side} on the {side} ({kernel}), {'then ' if same else ''}{laid}"


def size_rule(pictures: Sequence[tuple[OneImage, OneImage]]) -> SizeRule | None:
    """The rule that made the second of each two pictures from the first.

    Each is one image `(1, c, h, w)`, the second ones all of one size. None where no rule makes them as well as what is
    seen of each alone.
    """
    framings = [framing_between(before, after) for before, after in pictures]
    seen = [
        (before, after, framing)
        for (before, after), framing in zip(pictures, framings, strict=True)
        if framing is not None
    ]
    if len(seen) <= AGREE * len(pictures):
        return None

    def error(framing_of: Sequence[Framing]) -> float:
        errors = [
            errors_of(one, before, after.mean(1, dtype=np.float32))
            for one, (before, after, _) in zip(framing_of, seen, strict=True)
        ]
        return float(np.mean(np.concatenate(errors)))

    alone = error([framing for _, _, framing in seen])
    rules = dict.fromkeys(rule for _, _, framing in seen for rule in _rules(framing))
    errors = {rule: error([rule.framing(before.shape[2:]) for before, _, _ in seen]) for rule in rules}
    best = min(errors, key=lambda rule: errors[rule])
    return best if errors[best] <= max(WORSE * alone, EXACT**2) else None


def _rules(framing: Framing) -> Iterator[SizeRule]:
    """The rules that do to one picture about what was seen."""
    own = {"output": framing.output, "kernel": framing.kernel, "antialias": framing.antialias, "fill": framing.fill}
    if not framing.is_cut and framing.resized == framing.output:
        yield SizeRule("exact", 0, **own)
    scale = np.mean([after / before for before, after in zip(framing.cut_size, framing.resized, strict=True)])
    sides: dict[Kind, int] = {"shorter_side": min(framing.source), "longer_side": max(framing.source)}
    for kind, side in sides.items():
        for length, center in product(ROUNDINGS, ROUNDINGS):
            yield SizeRule(kind, round(side * float(scale)), length=length, center=center, **own)


def _whole(value: float, rounding: Rounding) -> int:
    return round(value) if rounding == "nearest" else int(value + 1e-9)


def _start(side: int, output: int, rounding: Rounding) -> int:
    """Where a side begins in the output: below 0 where it reaches beyond."""
    beyond = side - output
    if beyond < 0:  # what is free is halved, and the rest stands below
        return -beyond // 2
    return -(round(beyond / 2) if rounding == "nearest" else beyond // 2)
