"""Intervals of a shared shift's parameters: the fit is repeated on disjoint parts of the pairs."""

from collections.abc import Sequence
from dataclasses import fields
from functools import partial

import numpy as np
from scipy.stats import t

from shiftassay.diagnosis.paired.refit import estimated_again
from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.execution.mapping import mapped
from shiftassay.shifts.compose import Compose
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import Shift
from shiftassay.shifts.parameters import Parameters
from shiftassay.shifts.warp import Resampling, resampled

FEWEST_IMAGES = 12  # in a part
FEWEST_FITS = 3  # of parts, for an interval


def intervals(shift: Shift, pairs: Pairs, resampling: Resampling, level: float) -> Parameters:
    """Low and high of each real parameter of a shared shift.

    The centre is the shift's own parameter, the half-width that of a t interval of the mean of fits to disjoint parts
    of the pairs. These are independent, however the pixels of one image depend on each other. A part has at most
    `SETTINGS.interval_pairs`. Of a composition: `parts`, a list. Empty for too few pairs, or without real parameters.
    """
    if not any(map(_real_parameters, shift.components)):
        return {}
    size = min(len(pairs) // SETTINGS.interval_parts, SETTINGS.interval_pairs)
    if size < FEWEST_IMAGES:
        return {}
    disjoint = [pairs.subset(np.arange(i * size, (i + 1) * size)) for i in range(SETTINGS.interval_parts)]
    with resampled(resampling):
        fits = [fit for fit in mapped(partial(estimated_again, shift), disjoint) if fit is not None]
    if len(fits) < FEWEST_FITS:
        return {}
    if not isinstance(shift, Compose):
        return _about(shift, fits, level)
    compositions = [fit for fit in fits if isinstance(fit, Compose)]
    return {"parts": [_about(part, [c.parts[i] for c in compositions], level) for i, part in enumerate(shift.parts)]}


def _real_parameters(shift: Shift) -> list[str]:
    return [f.name for f in fields(shift) if isinstance(getattr(shift, f.name), float)]


def _about(shift: Shift, fits: Sequence[Shift], level: float) -> dict[str, list[float]]:
    ends = {}
    for name in _real_parameters(shift):
        values = np.array([value for fit in fits if isinstance(value := getattr(fit, name), float)])
        if len(values) >= FEWEST_FITS:
            reach = float(t.ppf((1 + level) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
            ends[name] = [getattr(shift, name) - reach, getattr(shift, name) + reach]
    return ends
