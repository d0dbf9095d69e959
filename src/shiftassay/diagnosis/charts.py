"""Test charts under a shift: off them can be read what it does.

A dot becomes the point spread of a blur; lines bend as the picture moves; places show where a permutation takes them;
a ramp becomes the curve of grey values, and fields of color show how channels mix.
"""

from collections.abc import Iterator

import numpy as np

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.random_stream import seed_for
from shiftassay.shifts.catalog import generator
from shiftassay.shifts.family import FAMILIES, Shift

LINES = 4  # across a chart
GRAY = 0.5


def charts(shape: tuple[int, int, int]) -> Images:
    """A dot, lines, a ramp to the right, one downwards and, of three channels, fields of color."""
    return np.stack([np.broadcast_to(chart, shape) for chart in _charts(*shape)]).astype(np.float32)


def shifted_charts(shift: Shift, shape: tuple[int, int, int], seed: int) -> tuple[Images, Images] | None:
    """Charts of a shape, and what a shift makes of them.

    None for a shift that can't be seen on charts: one that asks a model, or changes the sample, or another size.
    """
    if FAMILIES[shift.family].group in ("none", "sample"):
        return None
    before = charts(shape)
    after = made_of(shift, before, seed, "charts")
    return None if after is None else (before, after)


def made_of(shift: Shift, images: Images, seed: int, purpose: str) -> Images | None:
    """What a shift makes of images; None if it asks a model, or can't be applied to these."""
    if shift.needs_model:
        return None
    try:
        return np.asarray(shift.apply(images, generator(shift, seed_for(seed, purpose), purpose)), np.float32)
    except BadInput:
        return None


def _charts(c: int, h: int, w: int) -> Iterator[np.ndarray]:
    y, x = np.mgrid[:h, :w]
    middle = (y // max(h // 14, 1) == (h // 2) // max(h // 14, 1)) & (
        x // max(w // 14, 1) == (w // 2) // max(w // 14, 1)
    )
    yield middle.astype(np.float32)
    step_y, step_x = max(h // LINES, 2), max(w // LINES, 2)
    thick_y, thick_x = max(h // 28, 1), max(w // 28, 1)
    yield ((y % step_y < thick_y) | (x % step_x < thick_x)).astype(np.float32)
    yield x / max(w - 1, 1)
    yield y / max(h - 1, 1)
    if c == 3:
        yield np.stack([(x * 3 // w == channel) * (0.4 + 0.6 * (y > h // 2)) for channel in range(3)])
