"""A shift as a reader is told of it: its parameters, with summaries of what is drawn for each image."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from shiftassay.errors import BadInput
from shiftassay.records import JsonObject, Record
from shiftassay.shifts.catalog import make
from shiftassay.shifts.compose import Compose
from shiftassay.shifts.family import Scope, Shift
from shiftassay.shifts.parameters import Choice, Parameters, PerImage, Uniform

FEW_VALUES = 6  # matrices: a parameter drawn from more of them is summarized without listing them


@dataclass(frozen=True)
class ShiftSummary(Record):
    """A shift for a reader.

    A parameter that is drawn for each image is a summary: `mean`, `sd`, `low`, `high`, and, if it is drawn from a few
    values, `values`, each with its share of the images. A composition's only parameter is `parts`: a list of
    summaries.
    """

    family: str
    parameters: Parameters
    scope: Scope | None

    @property
    def parts(self) -> "tuple[ShiftSummary, ...]":
        """The parts of a composition in order; the shift itself if it is none."""
        parts = self.parameters.get("parts")
        return (self,) if parts is None else tuple(map(ShiftSummary.from_json, parts))

    @property
    def shift(self) -> Shift | None:
        """The shift that is summarized; None if its parameters make no shift.

        What is drawn for each image is drawn from the range, or the values, of its summary.

        >>> angle = {"mean": 0.0, "sd": 9.0, "low": -15.0, "high": 15.0}
        >>> print(ShiftSummary("rotate", {"angle": angle}, "per_image").shift)
        rotate (angle = -15 … 15), drawn afresh for each image
        """
        try:
            return make(self.family, _without_summaries(self.parameters), self.scope)
        except BadInput:
            return None


@dataclass(frozen=True)
class CandidateSummary(Record):
    """A shift that a search considered, and how well it fits.

    With partners, `misfit` is the share of the change that its remake leaves (see `paired.remake`), `unexplained` and
    `mismatch` are what that is made of. Without partners, it is a distance in sampling errors, and the last two are
    None. A candidate fits up to `limit`. `score` is 1 for a perfect fit, 0 for none.
    """

    family: str
    parameters: Parameters
    scope: Scope | None
    score: float
    misfit: float
    limit: float
    unexplained: float | None = None
    mismatch: Mapping[str, float] | None = None

    @property
    def parts(self) -> tuple[ShiftSummary, ...]:
        """The parts of a composition in order; the shift itself if it is none."""
        return ShiftSummary(self.family, self.parameters, self.scope).parts

    @property
    def shift(self) -> Shift | None:
        """The shift that is summarized, as in `ShiftSummary`."""
        return ShiftSummary(self.family, self.parameters, self.scope).shift

    def to_json(self) -> JsonObject:
        """Its fields, the last two only where they are known."""
        return {
            name: value
            for name, value in super().to_json().items()
            if name not in ("unexplained", "mismatch") or value is not None
        }


def summarized(shift: Shift, draws: Shift | None = None) -> ShiftSummary:
    """A shift for a reader; `draws` is the shift with what it drew for the images at hand, if that was inferred."""
    return ShiftSummary(shift.family, parameters_of(shift, draws), shift.to_json()["scope"])


def parameters_of(shift: Shift, draws: Shift | None = None) -> dict[str, Any]:
    """The parameters of `summarized`."""
    if isinstance(shift, Compose):
        parts = draws.parts if isinstance(draws, Compose) else (None,) * len(shift.parts)
        return {"parts": [summarized(part, drawn).to_json() for part, drawn in zip(shift.parts, parts, strict=True)]}
    parameters = dict(shift.parameters)
    for name, value in vars(shift).items():
        if isinstance(value, Uniform | Choice):
            drawn = getattr(draws, name, None)
            parameters[name] = _summary(value, drawn.values if isinstance(drawn, PerImage) else None)
    return parameters


def _without_summaries(value: Any) -> Any:
    """Parameters as `make` takes them: what is drawn as its range or its values, and nothing that was only reported."""
    if isinstance(value, Mapping) and "mean" in value:
        if "values" in value:
            return {"values": [v["value"] for v in value["values"]]}
        ends = value["low"], value["high"]
        return (
            {"values": list(ends)} if isinstance(value["low"], list) else dict(zip(("low", "high"), ends, strict=True))
        )
    if isinstance(value, Mapping):
        return {name: _without_summaries(v) for name, v in value.items() if name != "unidentified"}
    return [_without_summaries(v) for v in value] if isinstance(value, list) else value


def _summary(value: Uniform | Choice, drawn: np.ndarray | None) -> dict[str, Any]:
    if isinstance(value, Choice) and isinstance(value.values[0], tuple):
        return _of_matrices(value, drawn)
    values = np.asarray(value.values, float) if isinstance(value, Choice) else np.linspace(value.low, value.high, 201)
    summary: dict[str, Any] = {
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
            mean, sd = float(shares @ values), float(np.sqrt(shares @ (values - shares @ values) ** 2))
            summary |= {"mean": mean, "sd": sd}
        summary["values"] = [{"value": float(v), "share": float(s)} for v, s in zip(values, shares, strict=True)]
    return summary


def _of_matrices(value: Choice, drawn: np.ndarray | None) -> dict[str, Any]:
    matrices = np.asarray(value.values, float)
    summary: dict[str, Any] = {
        "mean": matrices.mean(0).tolist(),
        "sd": matrices.std(0).tolist(),
        "low": matrices.min(0).tolist(),
        "high": matrices.max(0).tolist(),
    }
    if len(matrices) <= FEW_VALUES:
        shares = np.full(len(matrices), 1 / len(matrices))
        if drawn is not None:
            distance = np.abs(drawn[:, None] - matrices).reshape(len(drawn), len(matrices), -1).sum(2)
            shares = np.bincount(distance.argmin(1), minlength=len(matrices)) / len(drawn)
        values = zip(matrices, shares, strict=True)
        summary["values"] = [{"value": matrix.tolist(), "share": float(share)} for matrix, share in values]
    return summary
