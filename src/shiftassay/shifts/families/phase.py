"""Shifts of the Fourier phases, which hold where things are."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Context, Information, Invariant, Scope, Shift
from shiftassay.shifts.invariants import amplitudes

CHUNK = 2000
FEW = 100  # images that are scrambled for comparison
ROUNDS = 3
POINT = 0.7  # of a point's brightness, at most, is left in one place: 200 draws of 8 × 8 left 0.48, of 28 × 28 0.16


@FAMILIES.register("phase_scramble")
@dataclass(frozen=True)
class PhaseScramble(Shift):
    """Random phases are added to an image's Fourier coefficients, whose amplitudes stay, as does the mean; clipped to [0, 1].

    `shared`: the same `phases`, drawn if none are given: radians, h rows of w // 2 + 1, in the order of NumPy's `rfft2`.
    `per_image`: fresh ones for each image, so that nothing but its amplitude spectrum is left.
    """

    family: ClassVar[str] = "phase_scramble"
    group: ClassVar[str] = "rearrangement"
    tier: ClassVar[int] = 1
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

    def realize(self, shape: tuple[int, int, int], rng: np.random.Generator) -> "PhaseScramble":
        if self.scope == "per_image" or self.phases is not None:
            return self
        return replace(self, phases=tuple(_random_phases(1, shape[1], shape[2], rng).ravel().tolist()))

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return self._turned(images, rng, 1)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return self._turned(images, rng, -1)

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """Shared: the phases of the cross-spectrum, pooled over images, corrected for what clipping turns by making the shift again.

        Per image: if the amplitudes of an image agree with those of its partner, at least half as much beyond chance as those
        of images that are scrambled here, while the phases don't. The phases that a picture never has stay 0. Phases that leave a point a point are no draw: they move
        the picture (a roll).
        """
        h, w = pairs.reference.shape[2:]
        if h * w < 4 or len(pairs) < 2:
            return []
        before, after = (np.fft.rfft2(_centred(images)) for images in (pairs.reference, pairs.shifted))
        agreement = _agreement(before, after)
        if agreement < 0.3:
            few = pairs.first(FEW)
            made = cls(scope="per_image").apply(few.reference, np.random.default_rng(0))
            start = before[: len(few)]
            most = _kinship(start, np.fft.rfft2(_centred(made)))
            return [cls(scope="per_image")] if _kinship(start, after[: len(few)]) > 0.5 * most > 0.05 else []
        cross = (after * before.conj()).sum((0, 1))
        phases = np.angle(cross)
        phases[0, 0] = 0
        if np.average(np.abs(phases), weights=np.abs(cross)) < 0.2:  # blurs and noise turn no phase
            return []
        rng = np.random.default_rng(0)
        for _ in range(ROUNDS):
            made = np.fft.rfft2(_centred(cls(tuple(map(float, phases.ravel()))).apply(pairs.reference, rng)))
            phases += np.angle((after * made.conj()).sum((0, 1)))
            phases[0, 0] = 0
        if np.abs(np.fft.irfft2(np.exp(1j * phases), (h, w))).max() > POINT:
            return []
        found = cls(tuple(map(float, phases.ravel())))
        return [found] if pairs.errors(found.apply(pairs.reference, rng)).mean() < 0.5 * pairs.change else []

    def _turned(self, images: Images, rng: np.random.Generator, sign: int) -> Images:
        h, w = images.shape[2:]
        fixed = None if self.scope == "per_image" else self.realize(images.shape[1:], rng).phases
        if fixed is not None and len(fixed) != h * (w // 2 + 1):
            raise BadInput(f"phase_scramble: it has {len(fixed)} phases, images of {h} × {w} need {h * (w // 2 + 1)}.")
        scrambled = np.empty_like(images)
        for start in range(0, len(images), CHUNK):
            part = images[start : start + CHUNK]
            phases = _random_phases(len(part), h, w, rng) if fixed is None else np.reshape(fixed, (1, h, w // 2 + 1))
            turned = np.fft.rfft2(part) * np.exp(sign * 1j * phases)[:, None]
            scrambled[start : start + CHUNK] = np.clip(np.fft.irfft2(turned, (h, w)), 0, 1)
        return scrambled

    @property
    def invariant(self) -> tuple[str, Invariant] | None:
        return ("Fourier amplitudes", amplitudes) if self.scope == "per_image" else None


def _random_phases(n: int, h: int, w: int, rng: np.random.Generator) -> np.ndarray:
    """The phases of white noise: uniform, and with the symmetry that keeps images real. The mean's is 0."""
    phases = np.angle(np.fft.rfft2(rng.standard_normal((n, h, w))))
    phases[:, 0, 0] = 0
    return phases


def _centred(images: Images) -> Images:
    return images - images.mean((2, 3), keepdims=True)


def _agreement(before: np.ndarray, after: np.ndarray) -> float:
    """How far one turn of the phases explains all images: the coherence, weighted by power."""
    cross = np.abs((after * before.conj()).sum((0, 1)))
    powers = [(np.abs(spectrum) ** 2).sum((0, 1)) for spectrum in (before, after)]
    total = np.sqrt(powers[0] * powers[1]).sum()
    return float(cross.sum() / total) if total > 0 else 0.0


def _kinship(before: np.ndarray, after: np.ndarray) -> float:
    """How much more alike the amplitudes of partners are than those of strangers: the mean correlation, less that of others."""
    amplitudes = []
    for spectrum in (before, after):
        flat = np.abs(spectrum).reshape(len(spectrum), -1)
        flat = flat - flat.mean(0)  # what all images share says nothing
        amplitudes.append(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9))
    alike = amplitudes[0] @ amplitudes[1].T
    n = len(alike)
    return float(np.trace(alike) / n - (alike.sum() - np.trace(alike)) / max(n * (n - 1), 1))
