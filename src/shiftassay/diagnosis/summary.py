"""A shift for a reader: its parameters, with summaries of what is drawn for each image."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from shiftassay.errors import BadInput
from shiftassay.records import JsonObject, Record
from shiftassay.shifts.catalog import make
from shiftassay.shifts.compose import Compose
from shiftassay.shifts.family import Scope, Shift
from shiftassay.shifts.parameters import Choice, Parameters, PerImage, Uniform

FEW_VALUES = 6  # matrices: a parameter drawn from more of them is summarized without listing them


Drawn = float | list[Any]
"""A drawn value: a number, or a matrix as nested lists of numbers."""


@dataclass(frozen=True)
class ValueShare(Record):
    """One of a few values, with its share of the images."""

    value: Drawn
    share: float


@dataclass(frozen=True)
class DrawSummary(Record):
    """A parameter that is drawn for each image; `values` if it is drawn from a few."""

    mean: Drawn
    sd: Drawn
    low: Drawn
    high: Drawn
    values: tuple[ValueShare, ...] | None = None

    def to_json(self) -> JsonObject:
        """Its fields, the values only where there are few."""
        return {name: value for name, value in super().to_json().items() if value is not None}


@dataclass(frozen=True)
class ShiftSummary(Record):
    """A shift for a reader.

    A parameter that is drawn for each image is the JSON of a `DrawSummary`. A composition's only parameter is `parts`:
    a list of summaries.
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
    """A shift for a reader.

    `draws` is the shift with what it drew for the images at hand, if that was inferred.
    """
    return ShiftSummary(shift.family, parameters_of(shift, draws), shift.to_json()["scope"])


def parameters_of(shift: Shift, draws: Shift | None = None) -> Parameters:
    """The parameters of `summarized`."""
    if isinstance(shift, Compose):
        parts = draws.parts if isinstance(draws, Compose) else (None,) * len(shift.parts)
        return {"parts": [summarized(part, drawn).to_json() for part, drawn in zip(shift.parts, parts, strict=True)]}
    parameters = dict(shift.parameters)
    for name, value in vars(shift).items():
        if isinstance(value, Uniform | Choice):
            drawn = getattr(draws, name, None)
            parameters[name] = _draw_summary(value, drawn.values if isinstance(drawn, PerImage) else None).to_json()
    return parameters


def _without_summaries(value: Any) -> Any:
    """Parameters as `make` takes them.

    Draws become their range or their values; what was only reported is dropped.
    """
    if isinstance(value, Mapping) and "mean" in value:
        if "values" in value:
            return {"values": [v["value"] for v in value["values"]]}
        ends = value["low"], value["high"]
        return (
            {"values": list(ends)} if isinstance(value["low"], list) else dict(zip(("low", "high"), ends, strict=True))
        )
    if isinstance(value, Mapping):
        return {name: _without_summaries(v) for name, v in value.items()}
    return [_without_summaries(v) for v in value] if isinstance(value, list) else value


def _draw_summary(value: Uniform | Choice, drawn: np.ndarray | None) -> DrawSummary:
    if isinstance(value, Uniform):
        return _of_numbers(np.linspace(value.low, value.high, 201))
    if isinstance(value.values[0], tuple):
        return _of_matrices(value, drawn)
    values = np.asarray(value.values, float)
    summary, shares = _of_numbers(values), np.full(len(values), 1 / len(values))
    if drawn is not None:
        nearest = np.abs(drawn[:, None] - values).argmin(1)
        shares = np.bincount(nearest, minlength=len(values)) / len(drawn)
        mean, sd = float(shares @ values), float(np.sqrt(shares @ (values - shares @ values) ** 2))
        summary = replace(summary, mean=mean, sd=sd)
    return replace(summary, values=_with_shares(values, shares))


def _of_numbers(values: np.ndarray) -> DrawSummary:
    return DrawSummary(float(values.mean()), float(values.std()), float(values.min()), float(values.max()))


def _of_matrices(value: Choice, drawn: np.ndarray | None) -> DrawSummary:
    matrices = np.asarray(value.values, float)
    mean, sd, low, high = (of(0).tolist() for of in (matrices.mean, matrices.std, matrices.min, matrices.max))
    if len(matrices) > FEW_VALUES:
        return DrawSummary(mean, sd, low, high)
    shares = np.full(len(matrices), 1 / len(matrices))
    if drawn is not None:
        distance = np.abs(drawn[:, None] - matrices).reshape(len(drawn), len(matrices), -1).sum(2)
        shares = np.bincount(distance.argmin(1), minlength=len(matrices)) / len(drawn)
    return DrawSummary(mean, sd, low, high, _with_shares(matrices, shares))


def _with_shares(values: np.ndarray, shares: np.ndarray) -> tuple[ValueShare, ...]:
    pairs = zip(values.tolist(), shares.tolist(), strict=True)
    return tuple(ValueShare(value, share) for value, share in pairs)
