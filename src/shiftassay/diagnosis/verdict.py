"""What a diagnosis says, as data: the verdict, what else was tried, and the whole in the JSON that machines read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from shiftassay.evaluation.evaluate import Evaluation
from shiftassay.shifts.compose import Compose
from shiftassay.shifts.family import Shift
from shiftassay.shifts.parameters import Choice, PerImage, Uniform

SCHEMA = "shiftassay.diagnosis/1"
UNKNOWN = "unknown"
FEW_VALUES = 6


@dataclass(frozen=True, eq=False)
class Verdict:
    """The shift, or None for `unknown`; `confidence` is the probability that family and scope are right.

    `parameters` are as in `described`; `intervals` hold the values of a shared shift's numbers at `level`.
    """

    shift: Shift | None
    parameters: Mapping[str, Any]
    intervals: Mapping[str, Any]
    share: float
    confidence: float
    equivalent: tuple[str, ...] = ()
    level: float = 0.95

    @property
    def family(self) -> str:
        return self.shift.family if self.shift else UNKNOWN

    @property
    def scope(self) -> str | None:
        return self.shift.to_json()["scope"] if self.shift else None

    @property
    def information(self) -> str | None:
        return self.shift.information if self.shift else None

    def to_json(self) -> dict[str, Any]:
        return {
            "family": self.family,
            "parameters": dict(self.parameters),
            "intervals": dict(self.intervals),
            "level": self.level,
            "scope": self.scope,
            "share": self.share,
            "information": self.information,
            "confidence": self.confidence,
            "equivalent": list(self.equivalent),
        }


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """Everything that was found out. `verdict.shift` can be applied to other images and, where it is shared, undone.

    `evaluations` are those of the model on all images of both sets. `images` counts what stands behind the rest: how many were
    made again and undone (`remade`), and how many the `mechanisms` were measured on.
    """

    verdict: Verdict
    pairing: Mapping[str, Any]
    candidates: tuple[Mapping[str, Any], ...]
    accuracy: Mapping[str, float | None] | None
    proof: tuple[Mapping[str, Any], ...]
    explanation: str
    notes: tuple[str, ...] = ()
    mechanisms: tuple[Mapping[str, Any], ...] = ()
    ceiling: Mapping[str, Any] | None = None
    adversarial: Mapping[str, Any] | None = None
    evaluations: tuple[Evaluation, ...] = ()
    images: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "pairing": dict(self.pairing),
            "verdict": self.verdict.to_json(),
            "candidates": [dict(c) for c in self.candidates],
            "accuracy": None if self.accuracy is None else dict(self.accuracy),
            "ceiling": None if self.ceiling is None else dict(self.ceiling),
            "explanation": self.explanation,
            "proof": [dict(p) for p in self.proof],
            "mechanisms": [dict(m) for m in self.mechanisms],
            "adversarial": None if self.adversarial is None else dict(self.adversarial),
            "notes": list(self.notes),
            "evaluations": [evaluation.to_json() for evaluation in self.evaluations],
            "images": dict(self.images),
            "environment": {"seconds": self.seconds},
        }


def described(how: Shift, draws: Shift | None = None) -> dict[str, Any]:
    """A shift's parameters for a reader: what is drawn as mean, sd, low and high, and a few values with their shares.

    `draws` is the shift with what it drew for the images at hand, where that was found out.
    """
    if isinstance(how, Compose):
        parts = draws.parts if isinstance(draws, Compose) else (None,) * len(how.parts)
        return {
            "parts": [
                {"family": p.family, "parameters": described(p, d), "scope": p.to_json()["scope"]}
                for p, d in zip(how.parts, parts, strict=True)
            ]
        }
    told = dict(how.parameters)
    for name, value in vars(how).items():
        if isinstance(value, Uniform | Choice):
            drawn = getattr(draws, name, None)
            told[name] = _summary(value, drawn.values if isinstance(drawn, PerImage) else None)
    return told


def _summary(value: Uniform | Choice, drawn: np.ndarray | None) -> dict[str, Any]:
    if isinstance(value, Choice) and isinstance(value.values[0], tuple):
        return _matrices(value, drawn)
    values = np.asarray(value.values, float) if isinstance(value, Choice) else np.linspace(value.low, value.high, 201)
    told: dict[str, Any] = {
        "mean": float(values.mean()),
        "sd": float(values.std()),
        "low": float(values.min()),
        "high": float(values.max()),
    }
    if isinstance(value, Choice):
        shares = np.full(len(values), 1 / len(values))
        if drawn is not None:
            nearest = np.abs(drawn[:, None] - values).argmin(1)
            shares = np.bincount(nearest, minlength=len(values)) / len(drawn)
            told |= {"mean": float(shares @ values), "sd": float(np.sqrt(shares @ (values - shares @ values) ** 2))}
        told["values"] = [{"value": float(v), "share": float(s)} for v, s in zip(values, shares, strict=True)]
    return told


def _matrices(value: Choice, drawn: np.ndarray | None) -> dict[str, Any]:
    rows = np.asarray(value.values, float)
    told: dict[str, Any] = {
        "mean": rows.mean(0).tolist(),
        "sd": rows.std(0).tolist(),
        "low": rows.min(0).tolist(),
        "high": rows.max(0).tolist(),
    }
    if len(rows) <= FEW_VALUES:
        shares = np.full(len(rows), 1 / len(rows))
        if drawn is not None:
            away = np.abs(drawn[:, None] - rows).reshape(len(drawn), len(rows), -1).sum(2)
            shares = np.bincount(away.argmin(1), minlength=len(rows)) / len(drawn)
        told["values"] = [{"value": r.tolist(), "share": float(s)} for r, s in zip(rows, shares, strict=True)]
    return told
