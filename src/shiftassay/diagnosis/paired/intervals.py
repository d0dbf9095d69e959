"""How sure the numbers of a shared shift are: the fit is made again on disjoint parts of the pairs."""

from dataclasses import fields
from functools import partial
from typing import Any

import numpy as np
from scipy.stats import t

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.paired.joint import polished
from shiftassay.diagnosis.paired.remake import remake
from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.errors import BadInput
from shiftassay.execution.mapping import mapped
from shiftassay.shifts.compose import Compose, in_normal_form
from shiftassay.shifts.estimation.fitting import summarised
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import Shift
from shiftassay.shifts.parameters import PerImage
from shiftassay.shifts.warp import Resampling, resampled

FEWEST = 12  # images in a part


def refitted(how: Shift, pairs: Pairs, resampling: Resampling) -> Shift:
    """The same family and scope with its numbers fitted to all these pairs, resampled as their maker did, if that fits as well."""
    with resampled(resampling):
        again = _again(how, pairs)
        if again is None:
            return how
        left = [remake(shift, pairs, others=False).misfit for shift in (again, how)]
    return again if left[0] <= left[1] + thresholds.NO_WORSE else how


def intervals(how: Shift, pairs: Pairs, resampling: Resampling, level: float) -> dict[str, Any]:
    """Of each number of a shared shift, low and high: t intervals of the mean over the parts' fits, about the fit to all.

    Fits to disjoint parts are independent, whatever the pixels of one image share.
    """
    if isinstance(how, Compose):
        found = [_numbers(part) for part in how.parts]
        if not any(found):
            return {}
    elif not _numbers(how):
        return {}
    size = min(len(pairs) // SETTINGS.interval_parts, SETTINGS.interval_pairs)
    if size < FEWEST:
        return {}
    with resampled(resampling):
        parts_of_pairs = [pairs.subset(np.arange(i * size, (i + 1) * size)) for i in range(SETTINGS.interval_parts)]
        each = mapped(partial(_again, how), parts_of_pairs)
    fits = [f for f in each if f is not None]
    if len(fits) < 3:
        return {}
    if isinstance(how, Compose):
        parts = [
            _about(part, [f.parts[i] for f in fits if isinstance(f, Compose)], level)
            for i, part in enumerate(how.parts)
        ]
        return {"parts": parts}
    return _about(how, fits, level)


def _again(how: Shift, pairs: Pairs) -> Shift | None:
    try:
        if isinstance(how, Compose):
            return polished(how, pairs)
        if how.scope == "per_image" and (drawn := _drawn_again(how, pairs)) is not None:
            return drawn
        found = [in_normal_form(f) for f in type(how).estimate(pairs)]
    except (BadInput, np.linalg.LinAlgError):
        return None
    alike = [f for f in found if type(f) is type(how) and f.scope == how.scope and f.variant == how.variant]
    return alike[0] if alike else None


def _drawn_again(how: Shift, pairs: Pairs) -> Shift | None:
    """The family with its draws found out for every image, and summarised anew: the ends of a range need many images."""
    known = vars(how.infer_draws(pairs) or how)
    draws = [d.values for name in how.search if isinstance(d := known.get(name), PerImage)]
    if not draws or len(draws) < len(how.search):
        return None
    return summarised(type(how), np.stack(draws, 1), pairs)


def _numbers(how: Shift) -> list[str]:
    return [f.name for f in fields(how) if isinstance(getattr(how, f.name), float)]


def _about(how: Shift, fits: list[Shift], level: float) -> dict[str, Any]:
    found = {}
    for name in _numbers(how):
        values = np.array([getattr(f, name) for f in fits if isinstance(getattr(f, name), float)])
        if len(values) >= 3:
            reach = float(t.ppf((1 + level) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
            found[name] = [getattr(how, name) - reach, getattr(how, name) + reach]
    return found
