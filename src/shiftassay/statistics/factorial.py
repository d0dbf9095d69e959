"""Factorial experiments: what each factor, and each pair of factors, explains."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.stats import f as f_distribution

from shiftassay.records import Record
from shiftassay.statistics.corrections import holm

Levels = Mapping[str, Any]
"""The level of each factor by name: text, a number, or anything else that `str` tells apart."""


@dataclass(frozen=True)
class Effect(Record):
    """A main effect or an interaction of two: its share of the variance, and its F-test.

    F and p-values are None where no degrees of freedom remain to estimate the noise from.
    """

    factors: tuple[str, ...]
    share: float
    freedom: int
    f: float | None
    p: float | None
    p_corrected: float | None


def analyze(runs: Sequence[Levels], response: Sequence[float] | np.ndarray) -> list[Effect]:
    """Analysis of variance of type II, with all interactions of two factors.

    Type II: each effect is tested after all others that do not contain it. `runs` are the levels of each run's factors.
    Levels are categories, also where they are numbers. Holm's correction.

    >>> runs = [{"dose": dose, "soil": soil} for dose in (0, 1) for soil in "abc" for _ in range(2)]
    >>> response = [3.0 * run["dose"] + 0.1 * (place % 2) for place, run in enumerate(runs)]
    >>> dose, soil, both = analyze(runs, response)
    >>> dose.factors, round(dose.share, 3), dose.p_corrected < 1e-6, soil.share < 1e-6
    (('dose',), 0.999, True, True)
    """
    y = np.asarray(response, float)
    factors = list(runs[0]) if runs else []
    terms = [(factor,) for factor in factors] + list(combinations(factors, 2))
    columns = {term: _columns(runs, term) for term in terms}
    total = float(((y - y.mean()) ** 2).sum())
    residual, rank = _residual(y, [columns[term] for term in terms])
    noise_freedom = len(y) - rank
    measured = []
    for term in terms:
        others = [other for other in terms if not set(term) <= set(other)]
        without, rank_without = _residual(y, [columns[other] for other in others])
        with_it, rank_with = _residual(y, [columns[other] for other in [*others, term]])
        measured.append((term, max(without - with_it, 0.0), rank_with - rank_without))
    p_values = []
    for _, explained, freedom in measured:
        testable = noise_freedom > 0 and freedom > 0 and residual > 1e-12 * max(total, 1e-300)
        f = explained / freedom / (residual / noise_freedom) if testable else None
        p_values.append((f, None if f is None else float(f_distribution.sf(f, freedom, noise_freedom))))
    corrected = iter(holm([p for _, p in p_values if p is not None]))
    return [
        Effect(term, explained / total if total else 0.0, freedom, f, p, None if p is None else next(corrected))
        for (term, explained, freedom), (f, p) in zip(measured, p_values, strict=True)
    ]


def _columns(runs: Sequence[Levels], term: Sequence[str]) -> Float[np.ndarray, "runs levels"]:
    """One column for each combination of the levels of a term's factors."""
    keys = [tuple(str(run[factor]) for factor in term) for run in runs]
    return np.array([[key == level for level in sorted(set(keys))] for key in keys], float)


def _residual(y: Float[np.ndarray, "runs"], columns: Sequence[np.ndarray]) -> tuple[float, int]:
    """The sum of squares that a linear model leaves, and its rank."""
    design = np.hstack([np.ones((len(y), 1)), *columns])
    fitted, _, rank, _ = np.linalg.lstsq(design, y, rcond=None)
    return float(((y - design @ fitted) ** 2).sum()), int(rank)
