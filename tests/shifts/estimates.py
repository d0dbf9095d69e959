"""Pairs of images before and after a shift, and what a family estimates from them."""

import numpy as np

from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts import catalog
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Shift


def shifted_pairs(images: np.ndarray, shift: str | Shift, seed: int = 3) -> Pairs:
    """The images beside the shifted ones, which are rounded to 8 bits as files hold them."""
    shifted = catalog.shift(ImageSet(images), shift, seed).images
    return Pairs(images, (np.rint(shifted * 255) / 255).astype(np.float32))


def estimate_of(pairs: Pairs, family: str, scope: str | None = None) -> Shift:
    """The last estimate of a family, of that scope if one is given."""
    estimates = [shift for shift in FAMILIES[family].estimate(pairs) if scope in (None, shift.scope)]
    assert estimates, f"{family}: no estimate"
    return estimates[-1]


def unexplained(shift: Shift, pairs: Pairs) -> float:
    """The share of the change that is left when the shift is made again."""
    fixed = shift.realize(pairs.reference.shape[1:], np.random.default_rng(0))
    reconstruction = fixed.apply(pairs.reference, np.random.default_rng(0))
    return float(pairs.errors(reconstruction).mean() / pairs.change)
