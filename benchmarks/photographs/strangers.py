"""Transformations of photographs that are in no catalogue: the verdict on them is `unknown`.

Those of digits that work at any size, on all channels alike, and two that need colours. Lengths are in pixels of 28.
"""

from dataclasses import replace

import numpy as np
from benchmarks.diagnosis.case import Case
from benchmarks.diagnosis.drawn.ranges import UNKNOWN, Range
from benchmarks.diagnosis.drawn.strangers import STRANGERS as OF_DIGITS
from benchmarks.diagnosis.unknowns import unknown_case
from benchmarks.photographs.colored import on_channels
from scipy import ndimage

Rng = np.random.Generator
IN_PIXELS = ("checkerboard", "interlace", "row_jitter", "comb")
"""Their strength is a length."""
OTHERS = (
    *("blend", "posterised_half", "local_contrast", "mirrored_half", "dithered", "brighter_of_two", "outlined"),
    *("slope", "dark_rows", "ghost", "grain", "banding", "dead_rows", "spin_blur", "grid", "halftone"),
    *("swapped_halves", "polar"),
)


def _misregistered(x: np.ndarray, rng: Rng, strength: float) -> np.ndarray:
    """Red and blue moved apart, as three plates printed without care."""
    moved = [
        ndimage.shift(x[:, c], (0, 0.4 * d, d), order=1, mode="nearest") for c, d in ((0, strength), (2, -strength))
    ]
    return np.stack([moved[0], x[:, 1], moved[1]], 1)


def _sensor_mosaic(x: np.ndarray, rng: Rng, strength: float) -> np.ndarray:
    """Every pixel keeps one channel, as behind a Bayer filter; mixed with the picture itself."""
    rows, columns = np.indices(x.shape[2:])
    channel = np.where(rows % 2 == columns % 2, 1, np.where(rows % 2, 2, 0))
    kept = np.where(np.arange(3)[:, None, None] == channel, x, 0)
    return (1 - strength) * x + strength * kept


IN_COLOR = {"misregistered": (_misregistered, Range(2.0, 8.0)), "sensor_mosaic": (_sensor_mosaic, Range(0.3, 1.0))}
NAMES = (*IN_PIXELS, *OTHERS, *IN_COLOR)


def stranger(name: str, rng: Rng, size: int) -> Case:
    """A case of this kind, of a drawn strength."""
    if name in IN_COLOR:
        transform, strengths = IN_COLOR[name]
        return unknown_case(name, strengths.draw(rng), transform)
    strength = UNKNOWN[name].draw(rng)
    if name in IN_PIXELS:
        larger = strength * size / 28
        strength = larger if name == "comb" else max(round(larger), 1)
    case = unknown_case(name, strength, OF_DIGITS[name])
    return replace(case, parts=tuple(on_channels(part) for part in case.parts))
