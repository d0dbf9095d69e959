"""The noise of counted photons."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.code import Steps, drawn_in_torch
from shiftassay.shifts.estimation.pairs import Pairs, in_bytes
from shiftassay.shifts.estimation.samples import Samples
from shiftassay.shifts.families.noise import CLIPPED, SINGLE, Noise, cut, cut_in_torch, drawn_strengths
from shiftassay.shifts.family import FAMILIES, Context, Shift, check
from shiftassay.shifts.own_interval import OwnInterval
from shiftassay.shifts.parameters import Number

MOST_COUNTED = 80  # photons: finer steps do not show in eight bits
COUNTED = 0.5  # mean cosine from which on values are counts of photons
AS_WELL = 0.002  # of that cosine, by which a whole number may be worse
FINE = 301  # numbers of photons that are tried, whole or not
GRAYS = 20_000  # values that are looked at
NEAR = 0.3  # of an estimate: how far off counts it may be


@FAMILIES.register("shot_noise")
@dataclass(frozen=True)
class ShotNoise(Noise):
    """Count photons as a camera does: Poisson(x · photons) / photons.

    Its mean is x and its variance x / photons, before clipping.

    Parameters:
        photons: mean count where a pixel is white, above 0 and at most 1e9; few photons make strong noise.
        clip: whether the result is clipped to [0, 1].
    """

    family: ClassVar[str] = "shot_noise"
    example: ClassVar[str] = "photons=12"
    also_called: ClassVar[tuple[str, ...]] = ("poisson_noise",)
    derivative_free: ClassVar[tuple[str, ...]] = ("photons",)
    simulated: ClassVar[tuple[str, ...]] = ("photons",)
    strengths: ClassVar[tuple[float, float] | None] = (0.2, 100000.0)
    refined: ClassVar[tuple[str, ...] | None] = ()
    why: ClassVar[str] = (
        "With few photons the grey of a stroke's edge is a lottery, and its white is dimmed by the clipping: thin "
        "strokes break."
    )

    photons: Number
    clip: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "photons", lambda v: 0 < v <= 1e9, "above 0 and at most 1e9")

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The strength, or the number of photons near it of which all grey values are counts.

        Counts show in the mean of cos(2π · photons · x): 1 if every x is a count, about 0 for values in between. A
        whole number of photons is preferred where it explains them as well.
        """
        estimates = super().estimate(pairs)
        noise = estimates[0] if estimates else None
        if not isinstance(noise, cls) or not isinstance(noise.photons, float) or noise.photons > MOST_COUNTED:
            return estimates
        gray = pairs.shifted[(pairs.shifted > 0.01) & (pairs.shifted < 0.99)][:GRAYS].astype(np.float64)
        if not gray.size:
            return estimates
        low, high = 0.85 * noise.photons, 1.15 * noise.photons
        whole = np.arange(max(int(low), 1), int(high) + 2)
        near = np.concatenate([whole, np.linspace(low, high, FINE)])
        agreement = np.array([float(np.cos(2 * np.pi * photons * gray).mean()) for photons in near])
        best = int(np.argmax(agreement + AS_WELL * (np.arange(len(near)) < len(whole))))
        return [replace(noise, photons=float(near[best])) if agreement[best] > COUNTED else noise]

    def own_intervals(self, pairs: Pairs, level: float) -> Mapping[str, OwnInterval]:
        """The numbers of photons of which all grey values are whole counts.

        Where counts can be told apart.
        """
        if not isinstance(self.photons, float) or self.photons > MOST_COUNTED / 2:
            return {}
        gray = np.unique(pairs.shifted[(pairs.shifted > CLIPPED) & (pairs.shifted < 1 - CLIPPED)]).astype(np.float64)
        if not gray.size:
            return {}
        if in_bytes(pairs.shifted):
            tried, reach = self.photons * np.linspace(1 - NEAR, 1 + NEAR, 20_001), 0.5 / 255 + SINGLE
        else:
            smallest = gray[gray < 1.5 * gray[0]]
            tried, reach = np.linspace(1 / smallest[-1], 1 / smallest[0], 201), 2 * SINGLE
        whole = [np.abs(np.rint(gray * photons) / photons - gray).max() <= reach for photons in tried]
        possible = tried[np.array(whole)]
        if not possible.size or np.ptp(possible) > 0.2 * self.photons:
            return {}
        margin = SINGLE * self.photons
        return {"photons": OwnInterval.within(float(possible[0]) - margin, float(possible[-1]) + margin, level)}

    def training_steps(self) -> Steps:
        counted = "torch.poisson(images.clamp(min=0) * photons) / photons"
        return Steps(f"photons = {drawn_in_torch(self.photons)}\nimages = {cut_in_torch(counted, self.clip)}")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        photons, noise = drawn_strengths(self.photons, images, rng)
        return cut(noise.poisson(np.maximum(images, 0) * photons).astype(np.float32) / photons, self.clip)

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        """One photon is the smallest value above black."""
        above_black = samples.some_shifted[samples.some_shifted > 1e-6]
        return (
            [cls(1 / float(above_black.min()), clip=bool(samples.some_shifted.max() <= 1))] if above_black.size else []
        )
