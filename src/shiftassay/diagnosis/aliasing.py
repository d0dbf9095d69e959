"""Whether both sets show the same pictures, made small with and without antialiasing.

Where larger pictures are made small without averaging, detail that is finer than a pixel comes back as false detail
(Shannon 1949). It is no function of the pictures that were averaged, so no shift makes it again. It is known by this:
both sets agree in what is coarse, and part where the picture has fine detail, one with more of it than the other; and
what parts them no filter of either predicts.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.detail import local_variance, share_within
from shiftassay.shifts.estimation.flow import local_flow
from shiftassay.shifts.estimation.pairs import Pairs

IMAGES = 100  # pictures that are looked at, at most
SMALLEST_SIDE = 16  # pixels
BANDS = 6  # of frequencies from the lowest to the highest: rings of equal width
SAME = 0.97  # of the coherence in the lowest band: both sets show the same there
APART = 0.95  # of the coherence in the highest band: there they differ
MORE = 1.1  # times the power, in the highest bands: how much more false detail there is
UNPREDICTED = 0.5  # of the difference's power: what no filter explains
MOVED, WINDOW = 0.5, 4.0  # of the difference: what local moves explain at most, each over so many pixels
IN_DETAIL = 0.3  # of each picture's difference, beyond what lay there by chance


class Agreement(NamedTuple):
    """Powers of two sets of pictures in rings of frequencies, and what is common to both."""

    reference: Float64[np.ndarray, "bands"]
    shifted: Float64[np.ndarray, "bands"]
    coherence: Float64[np.ndarray, "bands"]
    unpredicted: float
    """The share of the difference's power that no filter of the reference explains."""


def aliasing_note(pairs: Pairs) -> tuple[str, ...]:
    """A sentence if a change that nothing makes again looks like aliasing in one of the sets."""
    few = pairs.first(IMAGES).middle
    reference, shifted = few.reference, few.shifted
    if min(reference.shape[2:]) < SMALLEST_SIDE:
        return ()
    agreement = agreement_of(reference, shifted)
    third = BANDS // 3
    same = agreement.coherence[0] > SAME and agreement.coherence[-1] < APART
    ratio = float(agreement.shifted[-third:].sum() / max(agreement.reference[-third:].sum(), 1e-12))
    if not same or max(ratio, 1 / max(ratio, 1e-12)) < MORE or agreement.unpredicted < UNPREDICTED:
        return ()
    smooth, name, other = (
        (reference, "shifted set", "reference") if ratio > 1 else (shifted, "reference", "shifted set")
    )
    if _beyond_chance(smooth, shifted - reference) < IN_DETAIL or _moved(reference, shifted) > MOVED:
        return ()
    sentence = (
        f"It may be aliasing in the {name}: both sets agree in what is coarse and differ in fine detail, in a way that "
        f"no filter makes. So do pictures that were made small without averaging, while those of the {other} were "
        "averaged. Compare the lines that resize: OpenCV's INTER_LINEAR and bilinear without antialias skip pixels; "
        "INTER_AREA, Pillow and antialias=True average them."
    )
    return (sentence,)


def agreement_of(reference: Images, shifted: Images) -> Agreement:
    """Of windowed pictures, less their means."""
    h, w = reference.shape[2:]
    window = np.outer(np.hanning(h), np.hanning(w))
    a, b = (np.fft.rfft2((x - x.mean((2, 3), keepdims=True)) * window) for x in (reference, shifted))
    radius = np.hypot(np.fft.fftfreq(h)[:, None], np.fft.rfftfreq(w)) / 0.5
    ring = np.minimum((radius * BANDS).astype(int), BANDS)  # the last holds the corners, which are left out

    def summed(values: np.ndarray) -> np.ndarray:
        return np.bincount(ring.ravel(), values.sum((0, 1)).ravel(), BANDS + 1)[:BANDS]

    common = summed((a * b.conj()).real)
    powers = summed(np.abs(a) ** 2), summed(np.abs(b) ** 2)
    coherence = common**2 / np.maximum(powers[0] * powers[1], 1e-24)
    unpredicted = (powers[1] * (1 - coherence)).sum() / max(summed(np.abs(b - a) ** 2).sum(), 1e-12)
    return Agreement(powers[0], powers[1], coherence, float(unpredicted))


def _beyond_chance(images: Images, difference: Images) -> float:
    """By how much more of each picture's difference lies in its detailed half than by chance."""
    varied = local_variance(images)
    detailed = varied > np.median(varied, axis=(1, 2, 3), keepdims=True)
    return share_within(difference, detailed) - float(detailed.mean())


def _moved(reference: Images, shifted: Images) -> float:
    """The share of the difference that is explained if each place moved a little."""
    difference = shifted - reference
    rest = difference - local_flow(Pairs(reference, shifted), WINDOW)
    return 1 - float((rest**2).sum(dtype=np.float64) / max((difference**2).sum(dtype=np.float64), 1e-12))
