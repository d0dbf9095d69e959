"""One fit of a known family, and whether its intervals cover."""

from time import perf_counter
from typing import Any

import numpy as np
from benchmarks.coverage.drawn import Drawn
from benchmarks.diagnosis.case import Part

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.paired.intervals import measured
from shiftassay.diagnosis.paired.joint import fitted_jointly, fitted_to_nearest
from shiftassay.diagnosis.paired.noise_discrepancy import EvaluationPairs
from shiftassay.diagnosis.paired.refit import refitted
from shiftassay.diagnosis.paired.remake import Remake, remake
from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.shifts.catalog import make
from shiftassay.shifts.compose import Compose, in_normal_form
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Shift

NEAR = 0.05  # sd of the logarithms of the numbers that a fit of two parts begins with, about the truth
PERIODS = {"rotate.angle": 360.0, "motion_blur.angle": 180.0}


def fit(case: Drawn) -> dict[str, Any]:
    """What a fit of the case's family gives: of each number the truth, the estimate and its interval."""
    began = perf_counter()
    truth = [_plain(part.parameters) for part in case.parts]
    names = [part.family for part in case.parts]
    record = {
        "way": case.parts[-1].way,
        "dataset": case.dataset,
        "n": len(case.pairs),
        "families": names,
        "truth": truth,
    }
    best = _best(case.parts[0], case.pairs) if len(case.parts) == 1 else _best_of_both(case)
    if best is None:
        return {**record, "failed": "no estimate", "seconds": perf_counter() - began}
    few = case.pairs.first(SETTINGS.refitted if len(case.parts) == 1 else SETTINGS.refitted_composition)
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
    if [part.family for part in shift.components] != names:
        return {**record, "failed": f"normal form is {shift}"}
    numbers = {}
    of_parts = ends.get("parts", [{}] * len(names)) if len(names) > 1 else [ends]
    for made, part, intervals in zip(case.parts, shift.components, of_parts, strict=True):
        numbers |= _numbers(made, part, intervals, f"{made.family}." if len(names) > 1 else "")
    return {**record, "numbers": numbers}


def _numbers(made: Part, part: Shift, ends: dict[str, Any], prefix: str) -> dict[str, list[float]]:
    """Of each number of a part that has an interval: the truth, the estimate and the interval."""
    numbers = {}
    for name, true in made.parameters.items():
        if name in ends:
            columns = (np.ravel(np.asarray(v, float)) for v in (true, getattr(part, name)))
            rows = zip(*columns, np.reshape(np.asarray(ends[name], float), (-1, 2)), strict=True)
            period = PERIODS.get(f"{made.family}.{name}")
            for i, (truth, estimate, (low, high)) in enumerate(rows):
                at = truth + period * round((estimate - truth) / period) if period else truth
                row = list(map(float, (at, estimate, low, high)))
                numbers[prefix + (f"{name}[{i}]" if np.ndim(true) else name)] = row
    return numbers


def _best(part: Part, pairs: Pairs) -> Remake | None:
    """The best estimate of the part's family under the best resampling, as in a search."""
    fitted, held_out = _split(pairs)
    shifts: list[Shift] = [s for s in FAMILIES[part.family].estimate(fitted) if s.scope == part.scope]
    remakes = [remake(shift, held_out) for shift in shifts]
    again = [
        remake(fitted_to_nearest(r.shift, fitted, r.resampling), held_out)
        for r in remakes
        if r.resampling.kernel == "nearest" and r.shift.search and r.shift.scope == "shared"
    ]
    return min(remakes + again, key=lambda r: r.misfit, default=None)


def _best_of_both(case: Drawn) -> Remake:
    """The two parts fitted together, from numbers that are near the truth, as a search's first estimates are."""
    fitted, held_out = _split(case.pairs)
    near = np.random.default_rng(len(case.pairs))
    begun = [
        make(part.family, {n: float(v * np.exp(near.normal(0, NEAR))) for n, v in part.parameters.items()}, part.scope)
        for part in case.parts
    ]
    shift = Compose(tuple(begun))
    return remake(fitted_jointly(shift, fitted.first(SETTINGS.n_composed)), held_out)


def _split(pairs: Pairs) -> tuple[Pairs, EvaluationPairs]:
    """The pairs that a search fits, and those that it judges by."""
    held_out = pairs.subset(np.arange(len(pairs))[-SETTINGS.n_held_out :])
    return pairs.first(min(SETTINGS.n_fit, len(pairs))), EvaluationPairs(held_out)


def _plain(parameters: Any) -> dict[str, Any]:
    return {
        name: np.asarray(value).tolist() if isinstance(value, list) else value for name, value in parameters.items()
    }
