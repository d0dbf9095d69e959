"""Blur by zooming in while the picture is taken."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.optimize import minimize_scalar

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Context, Information, Shift, check
from shiftassay.shifts.parameters import Parameters, SearchRange
from shiftassay.shifts.warp import OURS, warp

FEW, VALUES, FEWEST = 32, 300_000, 2  # pairs that factors are compared on: at most so many, of so many values
FACTORS = (1.03, 1.08, 1.15, 1.25, 1.4, 1.6, 1.9)  # to begin with
WORTHWHILE = 0.7  # of the change: above, the best factor explains nothing
STEP = 1.0  # pixels, at most, by which a corner moves from one zoom to the next
MOST = 40  # zooms
COUNTS = (5, 7, 10, 14, 20, 30)  # of zooms, that others may have chosen


@FAMILIES.register("zoom_blur")
@dataclass(frozen=True)
class ZoomBlur(Shift):
    """Average the picture over zooms into its centre, from none to the largest, as a lens does.

    Parameters:
        factor: the largest zoom, 1 to 4.

    Source: Hendrycks and Dietterich 2019, "Benchmarking neural network robustness to common corruptions".
    """

    family: ClassVar[str] = "zoom_blur"
    group: ClassVar[str] = "blur"
    example: ClassVar[str] = "factor=1.2"
    tier: ClassVar[int] = 1
    found_as_first_part: ClassVar[bool] = False
    grid: ClassVar[tuple[Parameters, ...]] = tuple({"factor": v} for v in (1.1, 1.2, 1.4))
    why: ClassVar[str] = (
        "Everything but the centre is smeared outwards: detail at the border, and whatever lies across the smear, is "
        "lost."
    )
    information: ClassVar[Information] = "reduced"
    search: ClassVar[dict[str, SearchRange]] = {"factor": SearchRange(FACTORS, 0.01, 1.0, 4.0)}

    factor: float

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "factor", lambda v: 1 <= v <= 4, "between 1 and 4")

    @classmethod
    def composable(cls) -> bool:
        """No: it is rarely one part of several."""
        return False

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        moved = (self.factor - 1) * max(images.shape[2:]) / 2
        count = int(np.clip(np.ceil(moved / STEP), 2, MOST)) + 1
        return _mean_of_zooms(images, np.linspace(1, self.factor, count))

    def alternatives(self) -> Mapping[str, Shift]:
        """In steps of a hundredth or a fiftieth, as ImageNet-C's code, and of other counts.

        ImageNet-C counts the picture itself once more.
        """
        steps = {f"steps of {step:g}": _InSteps(self.factor, step) for step in (0.01, 0.02)}
        return {**steps, **{f"{count} zooms": _OfCount(self.factor, count) for count in COUNTS}}

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The factor of least squared error: of pictures made small, then of a few whole ones.

        Empty if it explains less than a third of the change.
        """
        if not 0 < pairs.change < np.inf or pairs.contrast or min(pairs.reference.shape[2:]) < 8:
            return []
        small = pairs.reduced(max(1, pairs.reductions[0] // 2)).first(FEW)
        errors = [_error(cls(factor), small) for factor in FACTORS]
        if min(errors) > WORTHWHILE * small.change:
            return []
        at = int(np.argmin(errors))
        low, high = (1.0, *FACTORS)[at], (*FACTORS, 4.0)[at + 1]
        few = pairs.first_affordable(FEW, VALUES, FEWEST)
        few = Pairs(few.reference.mean(1, keepdims=True), few.shifted.mean(1, keepdims=True))
        best = minimize_scalar(
            lambda factor: _error(cls(float(factor)), few),
            bounds=(low, high),
            method="bounded",
            options={"xatol": 1e-3},
        )
        return [cls(float(best.x))]


@dataclass(frozen=True)
class _InSteps(ZoomBlur):
    """The same as ImageNet-C's code makes it."""

    step: float = 0.01

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        zooms = np.arange(1, self.factor + self.step / 2, self.step)
        if len(zooms) > 2 * MOST:
            return super().apply(images, rng)
        return _mean_of_zooms(images, np.concatenate([[1.0], zooms]))


@dataclass(frozen=True)
class _OfCount(ZoomBlur):
    """The same as the mean of so many zooms, the picture itself among them."""

    count: int = 2

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return _mean_of_zooms(images, np.linspace(1, self.factor, self.count))


def _mean_of_zooms(images: Images, zooms: np.ndarray) -> Images:
    total, same = np.zeros_like(images), np.broadcast_to(np.eye(2), (len(images), 2, 2))
    for zoom in zooms:
        total += images if zoom == 1 else warp(images, same / zoom, resampling=OURS)
    return np.clip(total / np.float32(len(zooms)), 0, 1)


def _error(shift: Shift, pairs: Pairs) -> float:
    return float(pairs.errors(shift.apply(pairs.reference, np.random.default_rng(0))).mean())
