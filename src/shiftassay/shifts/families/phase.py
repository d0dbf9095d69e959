"""Shifts of the Fourier phases, which say where things are."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from jaxtyping import Complex, Float64

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.code import Steps, literal
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Context, Information, Scope, Shift
from shiftassay.shifts.invariants import amplitudes
from shiftassay.shifts.properties import Invariant

CHUNK = 2000
FEW = 100  # images that are scrambled for comparison
ROUNDS = 3  # of the correction for clipping
COHERENT = 0.3  # coherence from which on one set of phases explains all images
POINT = 0.7  # of a point's brightness, at most, stays in one place: 200 draws of 8 × 8 had up to 0.48, of 28 × 28 0.16

Spectra = Complex[np.ndarray, "n c h k"]


@FAMILIES.register("phase_scramble")
@dataclass(frozen=True)
class PhaseScramble(Shift):
    """Add random phases to an image's Fourier coefficients and keep their amplitudes.

    The result is clipped to [0, 1]. The mean stays as it is. With scope per_image every image draws its own phases, and
    nothing of it survives but the amplitude spectrum.

    Parameters:
        phases: for scope shared, radians in h rows of w // 2 + 1, in the order of NumPy's `rfft2`; drawn if None.
    """

    family: ClassVar[str] = "phase_scramble"
    group: ClassVar[str] = "rearrangement"
    tier: ClassVar[int] = 1
    scopes: ClassVar[tuple[Scope, ...]] = ("shared", "per_image")
    why: ClassVar[str] = (
        "Edges exist because phases agree: with random ones the same frequencies make a cloud that has no strokes at "
        "all."
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
        return self._rotate_phases(images, rng, 1)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return self._rotate_phases(images, rng, -1)

    def undo_steps(self) -> Steps | None:
        if self.phases is None:
            return None
        return Steps(
            "h, w = images.shape[1:3]\n"
            f"phases = np.reshape({literal(self.phases)}, (h, w // 2 + 1, *[1] * (images.ndim - 3)))\n"
            "spectra = np.fft.rfft2(images, axes=(1, 2)) * np.exp(-1j * phases)\n"
            "images = np.clip(np.fft.irfft2(spectra, (h, w), axes=(1, 2)), 0, 1)"
        )

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """Estimate one set of phases for all images, or random phases for each.

        Shared: the phases of the cross-spectrum. Per image: if amplitudes agree and phases do not. Shared phases are
        corrected for clipping by making the shift again. Phases of coefficients that are always 0 stay 0. Phases that
        leave a point a point are not random: they move the picture (see `roll`). The amplitudes of partners must agree,
        beyond chance, at least half as well as those of images that are scrambled here.
        """
        h, w = pairs.reference.shape[2:]
        if h * w < 4 or len(pairs) < 2:
            return []
        before, after = (np.fft.rfft2(_centered(images)) for images in (pairs.reference, pairs.shifted))
        if _coherence(before, after) < COHERENT:
            few = pairs.first(FEW)
            scrambled = np.fft.rfft2(_centered(cls(scope="per_image").apply(few.reference, np.random.default_rng(0))))
            most = _amplitude_agreement(before[: len(few)], scrambled)
            agreement = _amplitude_agreement(before[: len(few)], after[: len(few)])
            return [cls(scope="per_image")] if agreement > 0.5 * most > 0.05 else []
        cross = (after * before.conj()).sum((0, 1))
        phases = np.angle(cross)
        phases[0, 0] = 0
        if np.average(np.abs(phases), weights=np.abs(cross)) < 0.2:  # blurs and noise change no phase
            return []
        rng = np.random.default_rng(0)
        for _ in range(ROUNDS):
            remade = np.fft.rfft2(_centered(cls(tuple(map(float, phases.ravel()))).apply(pairs.reference, rng)))
            phases += np.angle((after * remade.conj()).sum((0, 1)))
            phases[0, 0] = 0
        if np.abs(np.fft.irfft2(np.exp(1j * phases), (h, w))).max() > POINT:
            return []
        shared = cls(tuple(map(float, phases.ravel())))
        return [shared] if pairs.errors(shared.apply(pairs.reference, rng)).mean() < 0.5 * pairs.change else []

    def _rotate_phases(self, images: Images, rng: np.random.Generator, sign: int) -> Images:
        """The images with the phases added (sign 1) or subtracted (sign −1)."""
        h, w = images.shape[2:]
        shared = None if self.scope == "per_image" else self.realize(images.shape[1:], rng).phases
        if shared is not None and len(shared) != h * (w // 2 + 1):
            raise BadInput(f"phase_scramble: it has {len(shared)} phases, images of {h} × {w} need {h * (w // 2 + 1)}.")
        scrambled = np.empty_like(images)
        for start in range(0, len(images), CHUNK):
            part = images[start : start + CHUNK]
            phases = _random_phases(len(part), h, w, rng) if shared is None else np.reshape(shared, (1, h, w // 2 + 1))
            spectra = np.fft.rfft2(part) * np.exp(sign * 1j * phases)[:, None]
            scrambled[start : start + CHUNK] = np.clip(np.fft.irfft2(spectra, (h, w)), 0, 1)
        return scrambled

    @property
    def invariant(self) -> tuple[str, Invariant] | None:
        return ("Fourier amplitudes", amplitudes) if self.scope == "per_image" else None


def _random_phases(n: int, h: int, w: int, rng: np.random.Generator) -> Float64[np.ndarray, "n h k"]:
    """The phases of white noise: uniform, symmetric as in real images, and 0 for the mean."""
    phases = np.angle(np.fft.rfft2(rng.standard_normal((n, h, w))))
    phases[:, 0, 0] = 0
    return phases


def _centered(images: Images) -> Images:
    return images - images.mean((2, 3), keepdims=True)


def _coherence(before: Spectra, after: Spectra) -> float:
    """The coherence, from 0 to 1: how well one change of phases explains all images.

    Weighted by power.
    """
    cross = np.abs((after * before.conj()).sum((0, 1)))
    powers = [(np.abs(spectrum) ** 2).sum((0, 1)) for spectrum in (before, after)]
    total = np.sqrt(powers[0] * powers[1]).sum()
    return float(cross.sum() / total) if total > 0 else 0.0


def _amplitude_agreement(before: Spectra, after: Spectra) -> float:
    """The mean correlation of the amplitudes of partners, less that of strangers."""
    normalized = []
    for spectra in (before, after):
        flat = np.abs(spectra).reshape(len(spectra), -1)
        flat = flat - flat.mean(0)  # what all images share distinguishes none
        normalized.append(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9))
    correlations = normalized[0] @ normalized[1].T
    n, of_partners = len(correlations), np.trace(correlations)
    return float(of_partners / n - (correlations.sum() - of_partners) / max(n * (n - 1), 1))
