"""Coverage, width and bias of the intervals of each family and parameter."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import beta

Record = Mapping[str, Any]
Records = Mapping[str, Sequence[Record]]

SDS = 2 * 1.96  # sds that an interval of a normal estimate is wide
STRICT = 0.999


def results(records: Records) -> dict[str, Any]:
    """By family and parameter, by maker, and pooled."""
    rows = [{"family": family, **row} for family, fits in records.items() for row in _by_parameter(fits)]
    cells = [
        {"family": family, "maker": way, **_summary([r for f in fits if f.get("way") == way for r in _rows(f)])}
        for family, fits in records.items()
        for way in sorted({f["way"] for f in fits if f.get("numbers")})
    ]
    everything = [row for fits in records.values() for f in fits for row in _rows(f)]
    failed = {family: sum("failed" in f for f in fits) for family, fits in records.items()}
    fits = {family: list(fits) for family, fits in records.items()}
    return {
        "level": 0.95,
        "pooled": _summary(everything),
        "families": rows,
        "cells": cells,
        "failed": failed,
        "fits": fits,
    }


def table(records: Records, heading: bool = True) -> str:
    lines = ["family          parameter      n  coverage (95%)         width/sd  width/95%  bias/sd  failed"] * heading
    for family, fits in records.items():
        failed = sum("failed" in f for f in fits)
        for row in _by_parameter(fits):
            low, high = row["coverage_interval"]
            lines.append(
                f"{family:15} {row['parameter']:12} {row['n']:4}  {row['coverage']:.3f} [{low:.3f}, {high:.3f}]  "
                f"{row['width_by_spread']:8.2f}  {row['width_by_range']:8.2f}  {row['bias_by_spread']:7.2f}  {failed:6}"
            )
    return "\n".join(lines)


def clopper_pearson(covered: int, n: int, level: float) -> list[float]:
    """The exact interval of a share (Clopper and Pearson 1934)."""
    tail = (1 - level) / 2
    low = float(beta.ppf(tail, covered, n - covered + 1)) if covered else 0.0
    high = float(beta.ppf(1 - tail, covered + 1, n - covered)) if covered < n else 1.0
    return [low, high]


def _by_parameter(fits: Sequence[Record]) -> list[dict[str, Any]]:
    names = dict.fromkeys(name for f in fits for name in f.get("numbers", {}))
    return [
        {"parameter": name, **_summary([f["numbers"][name] for f in fits if name in f.get("numbers", {})])}
        for name in names
    ]


def _rows(fit: Record) -> list[list[float]]:
    """Truth, estimate, low and high of each number."""
    return list(fit.get("numbers", {}).values())


def _summary(rows: Sequence[Sequence[float]]) -> dict[str, Any]:
    """Coverage with its intervals; mean width by 3.92 rms errors and by the range of 95% of the errors; bias."""
    if not rows:
        return {"n": 0}
    truth, estimate, low, high = np.array(rows).T
    covered, error, width = (low <= truth) & (truth <= high), estimate - truth, float(np.mean(high - low))
    spread = max(float(np.sqrt(np.mean(error**2))), 1e-30)
    middle = max(float(np.diff(np.quantile(error, [0.025, 0.975]))[0]), 1e-30)
    count, n = int(covered.sum()), len(rows)
    return {
        "n": n,
        "coverage": count / n,
        "coverage_interval": clopper_pearson(count, n, 0.95),
        "coverage_interval_strict": clopper_pearson(count, n, STRICT),
        "width": width,
        "spread": spread,
        "width_by_spread": width / (SDS * spread),
        "width_by_range": width / middle,
        "bias": float(np.mean(error)),
        "bias_by_spread": float(np.mean(error)) / spread,
        "estimate_within": float(np.mean((low <= estimate) & (estimate <= high))),
    }
