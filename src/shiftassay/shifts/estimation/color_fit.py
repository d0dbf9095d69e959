"""Linear maps of colours, fitted in closed form to pixels drawn from pairs of images."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float32, Float64

from shiftassay.shifts.estimation.pairs import Pairs

CHANNELS = 3
PIXELS = 30_000
FEWEST = 30  # pixels of a channel that are not cut off, for a fit
EXTREME = 0.25 / 255  # of a channel's range: nearer values to its ends may have been cut off
COLORLESS = 1e-3  # sd between channels: below, pictures are grey
EXPLAINS = 0.9  # of the error of a map that all channels share: above, a map of colours explains nothing
CUT_OFF = 1.5 / 255  # by which a map must leave [0, 1] to show that its result was cut off


@dataclass(frozen=True, eq=False)
class ColorPairs:
    """Colours of pixels before and after a shift."""

    before: Float64[np.ndarray, "m 3"]
    after: Float64[np.ndarray, "m 3"]

    @property
    def inside(self) -> Bool[np.ndarray, "m 3"]:
        """Which values afterwards are not at the ends of their channel.

        Those there may have been cut off.
        """
        low, high = self.after.min(0), self.after.max(0)
        margin = EXTREME * (high - low)
        return (self.after > low + margin) & (self.after < high - margin)

    @property
    def within_range(self) -> bool:
        """Whether all values afterwards are in [0, 1], as where they were cut off."""
        return bool(self.after.min() >= 0 and self.after.max() <= 1)

    def error(self, made: Float64[np.ndarray, "m 3"], among: Bool[np.ndarray, "m 3"] | None = None) -> float:
        """The mean squared difference of colours that were made, among some of the values."""
        squares = (made - self.after) ** 2
        return float(np.mean(squares if among is None else squares[among]))

    def with_before(self, before: Float64[np.ndarray, "m 3"]) -> "ColorPairs":
        """The same after a first part that made these colours."""
        return replace(self, before=before)

    def by_image(self) -> Float32[np.ndarray, "1 3 1 m"]:
        """The colours before as one image, for the `apply` of a shift of colours."""
        return as_image(self.before)


def color_pairs(pairs: Pairs) -> ColorPairs | None:
    """Colours at places drawn from all pairs.

    None where there are no three channels, or pictures show no colours before.
    """
    if pairs.reference.shape[1] != CHANNELS or pairs.shifted.shape[1] != CHANNELS:
        return None
    n, _, h, w = pairs.reference.shape
    rng = np.random.default_rng(0)
    image, place = rng.integers(0, n, PIXELS), rng.integers(0, h * w, PIXELS)
    before, after = (side.reshape(n, CHANNELS, -1)[image, :, place] for side in (pairs.reference, pairs.shifted))
    colors = ColorPairs(before.astype(np.float64), after.astype(np.float64))
    return colors if float(np.ptp(colors.before, axis=1).std()) > COLORLESS else None


def as_image(colors: Float64[np.ndarray, "m 3"]) -> Float32[np.ndarray, "1 3 1 m"]:
    """Colours as the pixels of one image."""
    return np.ascontiguousarray(colors.T[None, :, None], np.float32)


def from_image(image: Float32[np.ndarray, "1 3 1 m"]) -> Float64[np.ndarray, "m 3"]:
    """The inverse of `as_image`."""
    return image[0, :, 0].T.astype(np.float64)


def shared_error(colors: ColorPairs) -> float:
    """The error of the best linear map of values that all channels share."""
    design = np.stack([colors.before.ravel(), np.ones(colors.before.size)], 1)
    return _least_squares(design, colors.after.ravel())[1]


def channel_maps(colors: ColorPairs) -> tuple[Float64[np.ndarray, "3"], Float64[np.ndarray, "3"]] | None:
    """Scale and offset of each channel; None where a channel leaves no pixel to fit them to."""
    numbers = _rows(colors, [[channel] for channel in range(CHANNELS)])
    return None if numbers is None else (np.array([row[0] for row in numbers]), np.array([row[1] for row in numbers]))


def color_map(colors: ColorPairs) -> tuple[Float64[np.ndarray, "3 3"], Float64[np.ndarray, "3"]] | None:
    """Matrix and offset of the best linear map of colours; None where pictures leave it open."""
    spread = np.linalg.svd(colors.before - colors.before.mean(0), compute_uv=False)
    if spread[-1] < COLORLESS * len(colors.before) ** 0.5:
        return None
    numbers = _rows(colors, [list(range(CHANNELS))] * CHANNELS)
    return (
        None if numbers is None else (np.array([row[:-1] for row in numbers]), np.array([row[-1] for row in numbers]))
    )


def gray_weights(colors: ColorPairs) -> Float64[np.ndarray, "3"] | None:
    """The weights of the channels in the mean of the channels afterwards."""
    target, inside = colors.after.mean(1), colors.inside.all(1)
    if inside.sum() < FEWEST:
        return None
    return _least_squares(colors.before[inside], target[inside])[0]


def _rows(colors: ColorPairs, used: Sequence[Sequence[int]]) -> list[Float64[np.ndarray, "k"]] | None:
    """Of each channel afterwards, the factors of the used channels before, and an offset."""
    rows, inside = [], colors.inside
    for channel, columns in enumerate(used):
        kept = inside[:, channel]
        if kept.sum() < FEWEST:
            return None
        design = np.concatenate([colors.before[kept][:, columns], np.ones((int(kept.sum()), 1))], 1)
        rows.append(_least_squares(design, colors.after[kept, channel])[0])
    return rows


def _least_squares(
    design: Float64[np.ndarray, "m k"], target: Float64[np.ndarray, "m"]
) -> tuple[Float64[np.ndarray, "k"], float]:
    """The factors of the columns, and the mean squared residual."""
    factors = np.linalg.lstsq(design, target, rcond=None)[0]
    return factors, float(np.mean((target - design @ factors) ** 2))
