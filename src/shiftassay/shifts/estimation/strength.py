"""Estimating the strength of noise by simulated moments.

The estimate is the strength whose simulated change has the measured energy. The energy of the change, E (shifted −
reference)², grows with the strength. The random numbers are the same at each strength, so that clipping, which has no
closed form for real images, is accounted for exactly.
"""

from collections.abc import Callable
from dataclasses import fields

import numpy as np
from jaxtyping import Float64
from scipy.optimize import root_scalar

from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import Shift
from shiftassay.shifts.parameters import Number, Parameters, Uniform

IMAGES = 250
RATIOS = np.geomspace(0.25, 4.0, 13)
EXCESS = 1.5  # sd of the images' strengths, relative to that under one strength, above which they differ


def with_strength(family: type[Shift], strength: Number, clipped: bool) -> Shift:
    """Noise of a family whose only number is a strength, clipped if it can be."""
    (name,) = family.derivative_free
    clip = {"clip": clipped} if "clip" in {f.name for f in fields(family)} else {}
    parameters: Parameters = {name: strength, **clip}
    return family(**parameters)


def strength_of(
    make: Callable[[Number], Shift], pairs: Pairs, low: float, high: float, varies: bool = True
) -> Shift | None:
    """The noise with the strength of the change, between `low` and `high`.

    With a distribution where images differ. None if no strength in between makes as large a change.
    """
    pairs = pairs.first(IMAGES)

    def excess(log_strength: float) -> float:
        shifted = make(float(np.exp(log_strength))).apply(pairs.reference, np.random.default_rng(0))
        return float(np.mean((shifted - pairs.reference) ** 2, dtype=np.float64)) - pairs.change

    ends = np.log([low, high])
    if excess(ends[0]) * excess(ends[1]) >= 0:
        return None
    root = root_scalar(excess, bracket=(ends[0], ends[1]), method="brentq", xtol=2e-3).root
    shared = float(np.exp(float(root)))
    return make(_drawn(make, pairs, shared, low, high) if varies else shared)


def is_clipped(pairs: Pairs) -> bool:
    """Whether no shifted value lies outside [0, 1].

    Where the reference's range is wider, outside that range.
    """
    low, high = min(0.0, float(pairs.reference.min())), max(1.0, float(pairs.reference.max()))
    return bool(pairs.shifted.min() >= low - 1e-3 and pairs.shifted.max() <= high + 1e-3)


def _drawn(make: Callable[[Number], Shift], pairs: Pairs, shared: float, low: float, high: float) -> Number:
    """One strength, or its distribution where it varies between images by more than chance."""
    strengths = np.clip(shared * RATIOS, low, high)
    curve = np.stack([_energy(make(float(s)), pairs, 1) for s in strengths])
    if not np.all(np.isfinite(curve)):
        return shared
    measured, null = (
        np.log(_read_off(curve, energies, strengths))
        for energies in (pairs.errors(pairs.reference), _energy(make(shared), pairs, 2))
    )
    if measured.std() < EXCESS * null.std() + 0.02:
        return shared
    spread = np.exp(measured.mean()) * np.sqrt(max(measured.var() - null.var(), 0))
    middle = float(np.exp(measured).mean())
    return Uniform(float(max(middle - np.sqrt(3) * spread, low)), float(middle + np.sqrt(3) * spread))


def _energy(shift: Shift, pairs: Pairs, seed: int) -> Float64[np.ndarray, "n"]:
    shifted = shift.apply(pairs.reference, np.random.default_rng(seed))
    return np.asarray(np.mean((shifted - pairs.reference) ** 2, axis=(1, 2, 3), dtype=np.float64))


def _read_off(curve: np.ndarray, energies: np.ndarray, strengths: np.ndarray) -> Float64[np.ndarray, "n"]:
    """Each image's strength: where its curve of energies reaches its energy."""
    rising = curve[-1].sum() > curve[0].sum()
    rows = np.maximum.accumulate(curve if rising else curve[::-1], axis=0)
    axis = np.log(strengths if rising else strengths[::-1])
    logs = [np.interp(e, rows[:, i] + np.arange(len(axis)) * 1e-12, axis) for i, e in enumerate(energies)]
    return np.exp(np.array(logs, np.float64))
