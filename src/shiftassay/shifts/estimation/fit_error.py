"""The error of a fit: images made again with its numbers, compared where implementations agree."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Float32, Float64

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.pairs import Pairs, mean_squares
from shiftassay.shifts.family import Shift
from shiftassay.shifts.parameters import PerImage, is_drawn
from shiftassay.shifts.warp import OURS, resampled

BORDER_DIVISOR = 7  # a border is the side divided by this
EDGE = 1e-3  # of the coverage of a pixel
LEAST_SEEN = 0.4  # of the pixels


@runtime_checkable
class Family(Protocol):
    """What a fit needs of a family, or of a stand-in for one."""

    @property
    def smooth(self) -> bool: ...
    def search_steps(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]: ...
    def from_numbers(self, numbers: np.ndarray) -> Shift: ...
    def from_numbers_per_image(self, numbers: np.ndarray) -> Shift: ...


def remake(family: Family, values: Float64[np.ndarray, "_ k"], images: Images) -> Images:
    """The images shifted with these numbers: one row for all images, or one row per image."""
    return shift_from(family, values).apply(images, np.random.default_rng(0))


def shift_from(family: Family, values: Float64[np.ndarray, "_ k"]) -> Shift:
    return family.from_numbers(values[0]) if len(values) == 1 else family.from_numbers_per_image(values)


def errors_of(
    family: Family, values: Float64[np.ndarray, "_ k"], pairs: Pairs, remade: Images | None = None
) -> Float64[np.ndarray, "n"]:
    """Each image's mean squared error under a remake.

    The edges of a picture that moves do not count, nor the borders of one that is blurred.
    """
    remade = remake(family, values, pairs.reference) if remade is None else remade
    mask = mask_of(family, values, pairs)
    if mask is None:
        return pairs.errors(remade)
    return mean_squares(pairs.residual(remade, mask) * mask) / mask.mean((1, 2, 3))


def mask_of(family: Family, values: Float64[np.ndarray, "_ k"], pairs: Pairs) -> Float32[np.ndarray, "m 1 h w"] | None:
    """Where errors count; None if everywhere."""
    shift = shift_from(family, values)
    edges = pairs.bordered or pairs.inside_only
    mask = away_from_edges(shift, pairs.reference, outside=not pairs.inside_only) if edges else None
    if not blurs(shift):
        return mask
    mask = np.ones((1, 1, *pairs.reference.shape[2:]), np.float32) if mask is None else mask
    inside = np.zeros_like(mask)
    without_border(inside)[...] = 1
    return mask * inside


def blurs(shift: Shift) -> bool:
    """Whether a part spreads pixels over their neighbours."""
    return any(part.group == "blur" for part in shift.components)


def without_border(images: Float[np.ndarray, "n c h w"]) -> Float[np.ndarray, "n c y x"]:
    """The images without their borders.

    A blur there depends on what an implementation assumes beyond the border.
    """
    border = min(images.shape[2:]) // BORDER_DIVISOR
    return images[:, :, border : images.shape[2] - border, border : images.shape[3] - border]


def away_from_edges(
    shift: Shift, images: Images, ring: int = 1, outside: bool = True
) -> Float32[np.ndarray, "m 1 h w"] | None:
    """A mask that is 0 at the edges of a moved picture, and 1 elsewhere.

    Outside of the picture it is as `outside` says. Implementations blend edges with black, or cut them off: what shows
    the outermost `ring` of pixels. None if the picture does not move, or moves at random. Kernels that overshoot would
    draw false edges: the masks are bilinear.
    """
    moving = [part for part in shift.components if part.smooth]
    drawn = [value for part in moving for value in vars(part).values() if is_drawn(value)]
    if not moving or any(not isinstance(value, PerImage) for value in drawn):
        return None
    whole = np.ones((len(images) if drawn else 1, 1, *images.shape[2:]), np.float32)
    within = whole.copy()
    within[:, :, [*range(ring), *range(-ring, 0)]] = within[..., [*range(ring), *range(-ring, 0)]] = 0
    with resampled(OURS):
        for part in moving:
            whole, within = (part.on_black().apply(picture, np.random.default_rng(0)) for picture in (whole, within))
    mask = (within > 1 - EDGE) | ((whole < EDGE) & outside)
    mask[mask.mean((1, 2, 3)) < LEAST_SEEN] = True  # no map is judged by a few pixels
    return mask.astype(np.float32)
