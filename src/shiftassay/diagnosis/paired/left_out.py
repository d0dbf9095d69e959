"""Pixels that are left out: neither a comparison nor an estimate sees what stands there.

A remake shows the shifted image's own pixels where it can't be judged: at the pixels that are left out, and where the
shift brought what stood there. For estimates, those pixels of the shifted images are what the best candidate makes of
the reference, found again with these until they stay: the EM algorithm (Dempster, Laird and Rubin 1977), whose missing
data are pixels.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool
from scipy.ndimage import distance_transform_edt

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import Shift
from shiftassay.shifts.warp import Resampling, resampled

OTHER_GRAY = 0.3  # by which what is left out is changed, to see where a shift brings it
VISIBLE = 1 / 255  # of that
MOST = 0.5  # of the pixels that are kept: of a shift that brings it to more, the place is not known


def beside_left_out(made: Images, shift: Shift, pairs: Pairs) -> Images:
    """The remade images, with the shifted images' own pixels wherever the two can't be compared."""
    if pairs.left_out is None:
        return made
    return np.where(_hidden(shift, pairs.reference, pairs.left_out), pairs.shifted, made)


def with_nearest(pairs: Pairs) -> Pairs:
    """The pairs, whose left-out pixels show the nearest of the others on both sides.

    To begin with: so shifts of grey values, and noise, are the same there as elsewhere, and what moves in is near to
    what was there.
    """
    if pairs.left_out is None:
        return pairs
    nearest = distance_transform_edt(pairs.left_out, return_distances=False, return_indices=True)
    rows, columns = np.asarray(nearest)
    first, second = (side[:, :, rows, columns] for side in (pairs.reference, pairs.shifted))
    return replace(pairs, reference=first, shifted=second)


def completed(pairs: Pairs, shift: Shift, resampling: Resampling, seed: int) -> Pairs:
    """The pairs, whose shifted images are the shift's remake where they can't be compared."""
    if pairs.left_out is None:
        return pairs
    with resampled(resampling):
        shift = shift.infer_draws(pairs) or shift
        made = shift.apply(pairs.reference, np.random.default_rng([seed, len(pairs)]))
        hidden = _hidden(shift, pairs.reference, pairs.left_out)
    return replace(pairs, shifted=np.where(hidden, made, pairs.shifted).astype(np.float32))


def _hidden(shift: Shift, reference: Images, left_out: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "n 1 h w"]:
    """The pixels that are left out, and those that the shift makes of them."""
    step = OTHER_GRAY if float(reference[:, :, left_out].mean()) < 0.5 else -OTHER_GRAY
    other = np.where(left_out, reference + np.float32(step), reference)
    made, with_other = reference, other
    for part in shift.components:
        drawn_again = part.apply(made, np.random.default_rng(1))
        after = part.apply(made, np.random.default_rng(0))
        if np.array_equal(after, drawn_again):  # where the draws are not known, or may be others, so is the place
            made, with_other = after, part.apply(with_other, np.random.default_rng(0))
    moved = np.abs(made - with_other).max(1, keepdims=True) > VISIBLE
    # A shift that looks at the whole picture changes all of it.
    if float((moved & ~left_out).mean()) > MOST * float((~left_out).mean()):
        moved[:] = False
    return moved | left_out
