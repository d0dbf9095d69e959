"""One fit of a known family, and whether its intervals cover."""

from time import perf_counter
from typing import Any

import numpy as np
from benchmarks.coverage.drawn import Drawn

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.paired.intervals import measured
from shiftassay.diagnosis.paired.joint import fitted_to_nearest
from shiftassay.diagnosis.paired.noise_discrepancy import EvaluationPairs
from shiftassay.diagnosis.paired.refit import refitted
from shiftassay.diagnosis.paired.remake import Remake, remake
from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.shifts.compose import in_normal_form
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Shift

PERIODS = {"rotate.angle": 360.0, "motion_blur.angle": 180.0}


def fit(case: Drawn) -> dict[str, Any]:
    """What a fit of the case's family gives: of each number the truth, the estimate and its interval."""
    part, began = case.part, perf_counter()
    record = {"way": part.way, "dataset": case.dataset, "n": len(case.pairs), "truth": _plain(part.parameters)}
    best = _best(part.family, part.scope, case.pairs)
    if best is None:
        return {**record, "failed": "no estimate", "seconds": perf_counter() - began}
    few = case.pairs.first(SETTINGS.refitted)
    shift = in_normal_form(refitted(in_normal_form(best.shift), few, best.resampling))
    begun = perf_counter()
    shift, ends = measured(shift, few, best.resampling, thresholds.LEVEL)
    seconds = perf_counter() - begun
    record = {
        **record,
        "kernel": best.resampling.kernel,
        "interval_seconds": seconds,
        "seconds": perf_counter() - began,
    }
    if shift.family != part.family:
        return {**record, "failed": f"normal form is {shift.family}"}
    numbers = {}
    for name, true in part.parameters.items():
        if name in ends:
            columns = (np.ravel(np.asarray(v, float)) for v in (true, getattr(shift, name)))
            rows = zip(*columns, np.reshape(np.asarray(ends[name], float), (-1, 2)), strict=True)
            period = PERIODS.get(f"{part.family}.{name}")
            for i, (truth, estimate, (low, high)) in enumerate(rows):
                at = truth + period * round((estimate - truth) / period) if period else truth
                numbers[f"{name}[{i}]" if np.ndim(true) else name] = [at, estimate, low, high]
    return {**record, "numbers": {name: list(map(float, row)) for name, row in numbers.items()}}


def _best(family: str, scope: str | None, pairs: Pairs) -> Remake | None:
    """The best estimate of the family under the best resampling, as in a search."""
    fitted = pairs.first(min(SETTINGS.n_fit, len(pairs)))
    held_out = EvaluationPairs(pairs.subset(np.arange(len(pairs))[-SETTINGS.n_held_out :]))
    shifts: list[Shift] = [s for s in FAMILIES[family].estimate(fitted) if s.scope == scope]
    remakes = [remake(shift, held_out) for shift in shifts]
    again = [
        remake(fitted_to_nearest(r.shift, fitted, r.resampling), held_out)
        for r in remakes
        if r.resampling.kernel == "nearest" and r.shift.search and r.shift.scope == "shared"
    ]
    return min(remakes + again, key=lambda r: r.misfit, default=None)


def _plain(parameters: Any) -> dict[str, Any]:
    return {
        name: np.asarray(value).tolist() if isinstance(value, list) else value for name, value in parameters.items()
    }
