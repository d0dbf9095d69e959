"""A shift of one family on photographs, drawn: as on digits, with the ranges and the side of photographs."""

from dataclasses import replace

import numpy as np
from benchmarks.diagnosis import filters, rearrangement
from benchmarks.diagnosis.case import Images, Labels, Made, Part
from benchmarks.diagnosis.drawn.draw import Draw
from benchmarks.diagnosis.drawn.singles import PER_IMAGE, SAMPLE
from benchmarks.diagnosis.drawn.singles import SINGLES as OF_DIGITS
from benchmarks.photographs.colored import colored, on_channels
from benchmarks.photographs.ranges import ranges

NATIVE = 0.6  # of the draws: the library works on bytes, where it can
SMALLEST_BLOCK = 8
FEW_BLOCKS = 16  # pixels: blocks in compositions, whose every place is compared with every other
LEFT_OUT = ("adversarial", *(family for family in SAMPLE if family != "reorder"))
"""What needs a model or labels."""
FAMILIES = tuple(family for family in OF_DIGITS if family not in LEFT_OUT)
TOGETHER = 0.25  # of the draws of noise: the same in all channels
SAME_IN_CHANNELS = ("gaussian_noise", "uniform_noise", "sign_noise", "impulse_noise", "speckle_noise")
SUBSAMPLINGS = ("4:4:4", "4:2:2", "4:2:0")
SUBSAMPLED = 0.5  # of the draws of JPEG: a subsampling is given, else it is the library's
MOVED = ("rotate", "translate", "scale", "shear", "affine")
FILLED = 0.3  # of their draws: something else than black moves in
Fill = str | float | list[float]
FILLS: tuple[Fill, ...] = ("edge", "reflect", "symmetric", "wrap", 1.0, 0.5, [124 / 255, 116 / 255, 104 / 255])
Rng = np.random.Generator


def drawn_part(
    family: str, rng: Rng, size: int, per_image: bool | None = None, smooth: bool = False, few_places: bool = False
) -> Part | None:
    """A shift of the family; None where this draw is to be drawn again.

    `per_image`: whether a strength is drawn for each image, else as chance has it; `smooth`: no nearest-neighbour
    sampling; `few_places`: large blocks.
    """
    each = rng.random() < PER_IMAGE if per_image is None else per_image
    draw = Draw(family, rng, each, smooth, ranges(size), size)
    if family == "block_permutation":
        part = _block_permutation(draw, FEW_BLOCKS if few_places else SMALLEST_BLOCK)
    elif family == "jpeg" and draw.chance(SUBSAMPLED):
        part = filters.subsampled_jpeg(int(draw.number("quality")), draw.library(*SUBSAMPLINGS))
    else:
        part = OF_DIGITS[family](draw)
    if part is not None and family in SAME_IN_CHANNELS and draw.chance(TOGETHER):
        return on_channels(replace(part, parameters={**part.parameters, "channels": "together"}))
    if part is None:
        return None
    made = colored(part, as_bytes=draw.chance(NATIVE))
    return filled(made, FILLS[rng.integers(len(FILLS))]) if family in MOVED and draw.chance(FILLED) else made


def filled(part: Part, fill: Fill) -> Part:
    """The part on larger pictures, which go on as `fill` says, cut to their size again."""

    def make(images: Images, labels: Labels, rng: Rng) -> Made:
        around = [(0, 0), (0, 0)] + [(side // 2, side // 2) for side in images.shape[2:]]
        if isinstance(fill, str):
            larger = np.pad(images, around, fill)
        else:
            colour = np.array(fill, np.float32).reshape(1, -1, 1, 1)
            larger = np.pad(images - colour, around) + colour
        made = part.make(larger, labels, rng)
        (top, _), (left, _) = around[2:]
        height, width = images.shape[2:]
        return replace(made, images=made.images[:, :, top : top + height, left : left + width])

    return replace(part, parameters={**part.parameters, "fill": fill}, make=make, way=f"{part.way}-filled")


def _block_permutation(draw: Draw, smallest: int) -> Part:
    blocks = [block for block in range(smallest, draw.side // 2 + 1) if draw.side % block == 0]
    return rearrangement.block_permutation(int(draw.rng.choice(blocks)), "per_image" if draw.each else "shared")
