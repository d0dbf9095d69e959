"""What moved in from outside of a moved picture, read off the pixels that come from there."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import get_args

import numpy as np
from jaxtyping import Bool, Float

from shiftassay.diagnosis.paired.candidate import estimates
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.fit_error import EDGE
from shiftassay.shifts.estimation.pairs import ROUNDING, Pairs
from shiftassay.shifts.family import FAMILIES, Shift
from shiftassay.shifts.moved import Moved
from shiftassay.shifts.warp import Fill, Repeating

FEW = 24  # pairs: that is enough to see what is outside
EXPLAINED = 0.5  # of the change inside the picture: a map that explains less says nothing of what is outside
BETTER = 0.5  # of the squared error that black leaves outside: what another fill has to reach
LEAST = 0.001  # of the pixels have to come from outside
ALL_BLACK = 0.98  # of these: nothing but black moved in
FAITHFUL = 0.02  # by which gain and offset may differ from 1 and 0 where nothing happened to grey values
ALIKE = 0.5 / 255  # values of the channels of a grey
ROUNDED = 0.1 / 255  # of a whole byte: nearer values are that


def moving(families: Sequence[str]) -> list[str]:
    """Those of the families that move the picture, so that something moves in."""
    return [family for family in families if issubclass(FAMILIES[family], Moved)]


def evident_fill(families: Sequence[str], pairs: Pairs) -> Fill:
    """What moved in, according to the map that explains most inside of the picture.

    Black where nothing is better. Maps are fitted to what was inside alone, with the best linear map of grey values
    after them. Pictures on black are asked where that is falling, as white moves in then before it.
    """
    pairs = pairs.first(FEW)
    if not (pairs.bordered or _slope(pairs) < 0):
        return "black"
    fitted = estimates(moving(families), replace(pairs, inside_only=True, contrast=True))
    fills = [_best_fill(shift, pairs) for shift in fitted]
    return min(fills, key=lambda best: best[0], default=(1.0, "black"))[1]


def _best_fill(shift: Shift, pairs: Pairs) -> tuple[float, Fill]:
    """What a map with its best fill leaves inside, as a share of the change there, and the fill.

    1 and black where the map explains little, or no fill is clearly better than black.
    """
    of_inside = replace(pairs, inside_only=True, contrast=True)
    inferred = shift.infer_draws(of_inside) or shift
    cover = inferred.on_black().apply(np.ones_like(pairs.reference), np.random.default_rng(0))
    outside, inside = cover < EDGE, cover > 1 - EDGE
    if outside.mean() < LEAST or not inside.any() or np.mean(pairs.shifted[outside] < EDGE) > ALL_BLACK:
        return 1.0, "black"
    made = _remade(inferred, "black", pairs)
    gain, offset = map(float, of_inside.fit_intensity(made, inside[:, :1].astype(np.float32)))
    if abs(gain - 1) < FAITHFUL and abs(offset) < FAITHFUL:
        gain, offset = 1.0, 0.0

    def error(remade: Images, where: Bool[np.ndarray, "n c h w"]) -> float:
        return float(np.mean((pairs.shifted - gain * remade - offset)[where] ** 2))

    change = float(np.mean((pairs.shifted - pairs.reference)[inside] ** 2))
    unexplained = error(made, inside) / max(change, 1e-12)
    if unexplained > EXPLAINED or abs(gain) < FAITHFUL:
        return 1.0, "black"
    fills = [*_colours((pairs.shifted - offset) / gain, outside), *get_args(Repeating)]
    errors = [error(_remade(inferred, fill, pairs), outside) for fill in fills]
    # On white paper white moves in, and so does what is at the edge: the first that is as good as any is named.
    best, least = next((f, e) for f, e in zip(fills, errors, strict=True) if e <= min(errors) + ROUNDING**2)
    return (unexplained, best) if least < BETTER * error(made, outside) else (1.0, "black")


def _slope(pairs: Pairs) -> float:
    """By how much brighter a shifted picture is in its middle where the reference is brighter."""
    h, w = pairs.reference.shape[2:]
    before, after = (side[:, :, h // 4 : h - h // 4, w // 4 : w - w // 4] for side in (pairs.reference, pairs.shifted))
    return float(np.mean((before - before.mean((2, 3), keepdims=True)) * after))


def _remade(shift: Shift, fill: Fill, pairs: Pairs) -> Images:
    return replace(shift, fill=fill).apply(pairs.reference, np.random.default_rng(0))


def _colours(shifted: Float[np.ndarray, "n c h w"], outside: Bool[np.ndarray, "n c h w"]) -> Iterator[Fill]:
    """The commonest colour of the pixels that come from outside, and the median of each channel."""
    pixels = np.moveaxis(shifted, 1, -1)[outside[:, 0]]
    levels, counts = np.unique(np.rint(pixels * 255), axis=0, return_counts=True)
    for colour in (levels[counts.argmax()] / 255, np.median(pixels, axis=0)):
        levels = np.rint(255 * colour) / 255
        values = tuple(map(float, np.where(np.abs(levels - colour) < ROUNDED, levels, colour)))
        yield values[0] if np.ptp(values) < ALIKE else values
