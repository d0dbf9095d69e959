"""Intervals of the continuous parameters of a shift."""

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.stats import norm

from shiftassay.diagnosis.paired.free_numbers import FreeNumbers, of_all_parts
from shiftassay.diagnosis.paired.joint import as_drawn, uncovered
from shiftassay.diagnosis.paired.linearized import linear_fit
from shiftassay.diagnosis.paired.round_numbers import round_numbers
from shiftassay.diagnosis.paired.simulated import simulated_fit
from shiftassay.errors import BadInput
from shiftassay.shifts.compose import Compose, in_normal_form
from shiftassay.shifts.estimation.pairs import Pairs, in_bytes
from shiftassay.shifts.family import Shift
from shiftassay.shifts.parameters import Parameters
from shiftassay.shifts.warp import Resampling

FEWEST = 12  # images, for an interval
UNBIASED = ("geometry",)  # groups whose least squares are right although noise is cut off at black and white

Ends = list[dict[str, Any]]


def measured(shift: Shift, pairs: Pairs, resampling: Resampling, level: float) -> tuple[Shift, Parameters]:
    """The shift with its continuous parameters fitted to these pairs, and their intervals.

    By least squares, under all implementations that explain the images (see `linearized`): parameters of parts without
    noise. Noise that covers some pixels leaves the others for this. Noise on all pixels is cut off at black and white,
    which would bias such a fit of all but places: then those parameters are fitted beside the strengths of noise, by
    simulation (see `simulated`). Some families have their own way. Parameters that are drawn for each image, whole
    numbers, and what else describes how images are drawn have no interval. Of a composition: `parts`, a list.
    """
    if len(pairs) < FEWEST:
        return shift, {}
    if not isinstance(shift, Compose) and (own := shift.own_intervals(pairs, level)):
        known = replace(shift, **{name: of.estimate for name, of in own.items()})
        return known, {name: [of.low, of.high] for name, of in own.items()}
    try:
        shift, ends = _by_least_squares(shift, pairs, resampling, level)
        shift, strengths = _by_simulation(shift, ends, pairs, resampling, level)
    except (BadInput, np.linalg.LinAlgError):  # a fit that leaves what the family allows
        return shift, {}
    return shift, of_all_parts(shift, [{**a, **b} for a, b in zip(ends, strengths, strict=True)])


def _by_least_squares(shift: Shift, pairs: Pairs, resampling: Resampling, level: float) -> tuple[Shift, Ends]:
    inferred = shift.infer_draws(pairs) or shift
    free = FreeNumbers.differentiable(inferred)
    clear = None
    if any(part.random for part in inferred.components):
        clear = uncovered(inferred, pairs)
        if clear is None:
            free = free.of_groups(UNBIASED)
    if not len(free.values):
        return shift, [{} for _ in shift.components]
    fit = linear_fit(free if clear is None else free.without_noise(), pairs, resampling, clear)
    numbers = fit.numbers
    written = round_numbers(free, numbers, pairs, fit.best) if in_bytes(pairs.shifted) else None
    if written is not None:
        simplest = in_normal_form(as_drawn(free.with_values(written), shift))
        if _families(simplest) != _families(shift):
            return _by_least_squares(simplest, pairs, resampling, level)
        numbers = written
    reach = norm.ppf((1 + level) / 2) * fit.sd
    low = np.clip(np.minimum(numbers, fit.numbers) - reach, *free.limits)
    high = np.clip(np.maximum(numbers, fit.numbers) + reach, *free.limits)
    fitted = as_drawn(free.with_values(numbers), shift)
    return _simplest(fitted, free.names, low, high), free.named(low, high)


def _by_simulation(shift: Shift, known: Ends, pairs: Pairs, resampling: Resampling, level: float) -> tuple[Shift, Ends]:
    """By remakes with other numbers, of those parameters that have no interval yet.

    If the statistics do not tell the parameters of noise and what it hides apart, of those of noise alone.
    """
    noise = FreeNumbers.simulated(shift)
    tried = [noise.without(known)]
    if isinstance(shift, Compose):
        hidden = FreeNumbers.differentiable(_inferred_beside(shift, noise, pairs)).without(noise.names)
        tried.insert(0, noise.beside(hidden).without(known))
    for free in tried:
        fit = simulated_fit(free, pairs, resampling) if len(free.values) else None
        if fit is not None:
            return as_drawn(free.with_values(fit.estimates), shift), free.named(*fit.ends(level))
    return shift, [{} for _ in shift.components]


def _inferred_beside(shift: Compose, noise: FreeNumbers, pairs: Pairs) -> Compose:
    """The shift with what can be inferred of each image, but for the parts that are simulated."""
    inferred = shift.infer_draws(pairs) or shift
    parts = zip(shift.components, inferred.components, noise.names, strict=True)
    return Compose(tuple(part if names else known for part, known, names in parts))


def _simplest(shift: Shift, names: tuple[tuple[str, ...], ...], low: np.ndarray, high: np.ndarray) -> Shift:
    """The shift in normal form, where the named numbers are within their intervals there too."""
    simplest = in_normal_form(shift)
    if _families(simplest) != _families(shift):
        return shift
    numbers = FreeNumbers(simplest, names).values
    return simplest if np.all((low <= numbers) & (numbers <= high)) else shift


def _families(shift: Shift) -> list[str]:
    return [part.family for part in shift.components]
