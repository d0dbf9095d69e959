"""Shifts of the Fourier phases, which hold where things are."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from shiftassay.errors import BadInput
from shiftassay.shifts.family import FAMILIES, Context, Images, Information, Scope, Shift

CHUNK = 2000


@FAMILIES.register("phase_scramble")
@dataclass(frozen=True)
class PhaseScramble(Shift):
    """Random phases are added to an image's Fourier coefficients, whose amplitudes stay, as does the mean; clipped to [0, 1].

    `shared`: the same `phases`, drawn if none are given: radians, h rows of w // 2 + 1, in the order of NumPy's `rfft2`.
    `per_image`: fresh ones for each image, so that nothing but its amplitude spectrum is left.
    """

    family: ClassVar[str] = "phase_scramble"
    group: ClassVar[str] = "rearrangement"
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Edges exist because phases agree: with random ones the same frequencies make a cloud that has no strokes at all."
    )

    phases: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.phases is not None and self.scope == "per_image":
            raise BadInput("phase_scramble: give no phases for scope per_image, which draws its own.")

    @property
    def information(self) -> Information:
        return "reduced" if self.scope == "shared" else "destroyed"

    def drawn(self, shape: tuple[int, int, int], rng: np.random.Generator) -> "PhaseScramble":
        if self.scope == "per_image" or self.phases is not None:
            return self
        return replace(self, phases=tuple(_random_phases(1, shape[1], shape[2], rng).ravel().tolist()))

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return self._turned(images, rng, 1)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return self._turned(images, rng, -1)

    def _turned(self, images: Images, rng: np.random.Generator, sign: int) -> Images:
        h, w = images.shape[2:]
        fixed = None if self.scope == "per_image" else self.drawn(images.shape[1:], rng).phases
        if fixed is not None and len(fixed) != h * (w // 2 + 1):
            raise BadInput(f"phase_scramble: it has {len(fixed)} phases, images of {h} × {w} need {h * (w // 2 + 1)}.")
        scrambled = np.empty_like(images)
        for start in range(0, len(images), CHUNK):
            part = images[start : start + CHUNK]
            phases = _random_phases(len(part), h, w, rng) if fixed is None else np.reshape(fixed, (1, h, w // 2 + 1))
            turned = np.fft.rfft2(part) * np.exp(sign * 1j * phases)[:, None]
            scrambled[start : start + CHUNK] = np.clip(np.fft.irfft2(turned, (h, w)), 0, 1)
        return scrambled


def _random_phases(n: int, h: int, w: int, rng: np.random.Generator) -> np.ndarray:
    """The phases of white noise: uniform, and with the symmetry that keeps images real. The mean's is 0."""
    phases = np.angle(np.fft.rfft2(rng.standard_normal((n, h, w))))
    phases[:, 0, 0] = 0
    return phases
