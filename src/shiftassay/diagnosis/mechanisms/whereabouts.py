"""Where the harm is: in a part of the image, or in a band of frequencies."""

import numpy as np

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.mechanisms.case import Case, Mechanism, briefly
from shiftassay.statistics.paired import mcnemar
from shiftassay.words.numbers import percent


@briefly("one part of the image carries the harm")
def in_one_place(case: Case) -> Mechanism | None:
    """A part of the image carries the harm, the same part in all images.

    The part is where 95% of the mean |change| lies, at most 60% of the area where the reference varies. With the
    reference's pixels put back there accuracy must return by half of what was lost; put back in as many other pixels,
    chosen at random, by 25% less: that is the control.
    """
    if not case.paired or case.truth is None or not case.dropped:
        return None
    change = np.abs(case.shifted - case.reference).mean((0, 1)).astype(np.float64)
    there = _holding_most(change)
    varies = float(_holding_most(case.reference.astype(np.float64).std(0).mean(0)).mean())
    area = float(there.mean())
    elsewhere = case.rng("elsewhere").permutation(there.ravel()).reshape(there.shape)
    right, control = (
        case.right(np.where(mask.reshape(change.shape), case.reference, case.shifted)) for mask in (there, elsewhere)
    )
    restored, p_value = case.restores(right)
    against, _ = case.restores(control)
    present = (
        area <= thresholds.PLACE_AREA * varies
        and restored >= thresholds.RESTORED_BY_PLACE
        and restored - against >= thresholds.PLACE_DIFFERENCE
        and p_value < thresholds.MECHANISM_LEVEL
    )
    rows, columns = np.nonzero(there.reshape(change.shape))
    return Mechanism(
        "in_one_place",
        bool(present),
        f"One part of the image carries the harm, {percent(area)} of its area (rows {rows.min()} to {rows.max()}, "
        f"columns {columns.min()} to {columns.max()}). With the reference's pixels put back there, accuracy is "
        f"{percent(float(right.mean()), 1)} instead of {percent(case.after, 1)}; put back in as many places chosen at "
        f"random, it is {percent(float(control.mean()), 1)}.",
        {
            "area": area,
            "area_that_varies": varies,
            "rows": [int(rows.min()), int(rows.max())],
            "columns": [int(columns.min()), int(columns.max())],
            "put_back": float(right.mean()),
            "put_back_elsewhere": float(control.mean()),
            "restored": restored,
            "restored_elsewhere": against,
        },
    )


@briefly("one band of frequencies carries the harm")
def in_one_band(case: Case) -> Mechanism | None:
    """Coarse or fine structure carries the harm: one half of the change harms, the other does not.

    The Fourier plane is cut where each side holds half of the change's energy, as nearly as rings of frequencies allow.
    With the reference's coefficients put back on one side, accuracy must return by half of what was lost, and by 25%
    more than with those of the other side, which is the control: a change of the same energy.
    """
    if not case.paired or case.truth is None or not case.dropped:
        return None
    before, after = (np.fft.fft2(x.astype(np.float64)) for x in (case.reference, case.shifted))
    height, width = case.reference.shape[2:]
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None])
    energy = (np.abs(after - before) ** 2).mean((0, 1))
    order = np.argsort(radius.ravel(), kind="stable")
    cumulated = np.cumsum(energy.ravel()[order]) / max(energy.sum(), 1e-12)
    cut = float(radius.ravel()[order][min(int(np.searchsorted(cumulated, 0.5)), radius.size - 1)])
    coarse = radius <= cut
    rights = [
        case.right(np.fft.ifft2(np.where(mask, before, after)).real.astype(np.float32)) for mask in (coarse, ~coarse)
    ]
    share = float(energy[coarse].sum() / max(energy.sum(), 1e-12))
    (low, low_p), (high, high_p) = (case.restores(right) for right in rights)
    one, other, p_value = (low, high, low_p) if low >= high else (high, low, high_p)
    differ = mcnemar(int((rights[0] & ~rights[1]).sum()), int((rights[1] & ~rights[0]).sum()))
    present = (
        one >= thresholds.RESTORED_BY_PLACE
        and one - other >= thresholds.PLACE_DIFFERENCE
        and p_value < thresholds.MECHANISM_LEVEL
        and differ < thresholds.MECHANISM_LEVEL
    )
    fine = high > low
    better, worse = (rights[1], rights[0]) if fine else (rights[0], rights[1])
    return Mechanism(
        "in_one_band",
        bool(present),
        f"{'High' if fine else 'Low'} frequencies carry the harm: with only {_band(fine, cut)} changed "
        f"({percent(1 - share if fine else share)} of the change's energy) accuracy is "
        f"{percent(float(worse.mean()), 1)}, with only the others changed it is {percent(float(better.mean()), 1)}.",
        {
            "harmful": "fine" if fine else "coarse",
            "cut_period": 1 / cut if cut > 0 else None,
            "coarse_share_of_change": share,
            "coarse_put_back": float(rights[0].mean()),
            "fine_put_back": float(rights[1].mean()),
            "restored": one,
            "restored_by_other": other,
        },
    )


def _holding_most(weight: np.ndarray) -> np.ndarray:
    """The fewest pixels that hold 95% of the weight."""
    order = np.argsort(-weight.ravel(), kind="stable")
    needed = (
        int(np.searchsorted(np.cumsum(weight.ravel()[order]) / max(weight.sum(), 1e-12), thresholds.PLACE_ENERGY)) + 1
    )
    held = np.zeros(weight.size, bool)
    held[order[:needed]] = True
    return held.reshape(weight.shape)


def _band(fine: bool, cut: float) -> str:
    if cut == 0:
        return "all but the mean of each image" if fine else "the mean of each image"
    return f"the frequencies {'above' if fine else 'up to'} {cut:.2f} cycles per pixel"
