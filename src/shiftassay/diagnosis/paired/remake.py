"""Remakes: how well a shift, applied to the reference again, reproduces the shifted images.

They are judged on pairs to which the shift's parameters were not fitted.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.paired.mismatch import Target, energy_of, mean_of, mismatches
from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.fit_error import away_from_edges
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import Shift
from shiftassay.shifts.parameters import Choice, Uniform
from shiftassay.shifts.warp import Resampling, current_resampling, resampled

ROUNDING = 1 / 255**2 / 12  # energy of rounding to eight bits
FRAME = 7  # a seventh of the side at each border
BARELY_EXPLAINED = 0.6  # of the change: what leaves more would fit no better under another resampling
OTHER_RESAMPLINGS = (
    Resampling("bicubic"),
    Resampling("nearest"),
    Resampling("bilinear", 0.5),
    Resampling("nearest", 0.5),
)


@dataclass(frozen=True, eq=False)
class Remake:
    """A shift applied to the reference of some pairs, and what that leaves of the change.

    `draws` is the shift with its per-image parameters inferred from these pairs. `unexplained` is the share of the
    change that it leaves unexplained; `noise_fraction` the share that it attributes to noise, and `mismatch` how far
    the residual differs from that noise, the sum of `details`. `resampling` is the one under which it fits best.
    `residual` is shifted − remake, or − the mean of several remakes.
    """

    shift: Shift
    draws: Shift
    unexplained: float
    mismatch: float
    noise_fraction: float
    details: Mapping[str, float]
    resampling: Resampling
    residual: Images
    strict_weight: int = 1
    score: float = 0.0
    """Of a shift with noise: what its parameters are fitted by. 0 at best; no bias from a mean of few remakes."""

    @property
    def misfit(self) -> float:
        """0 for a perfect remake, about 1 for one that explains nothing."""
        return self.unexplained + math.sqrt(self.noise_fraction) * self.mismatch

    @property
    def weighted_misfit(self) -> float:
        """The misfit by which candidates are compared.

        It is larger where all implementations of a family agree exactly.
        """
        return self.strict_weight * self.misfit


def remake(shift: Shift, target: Target, seed: int = 0, all_resamplings: bool = True) -> Remake:
    """Apply a shift to the target's reference and compare the result with its shifted images.

    A shift that moves the picture is applied under all usual resamplings, and the best fit is returned.
    """
    draws = shift.infer_draws(target.pairs) or shift
    remakes = [_remake(shift, draws, target, seed, current_resampling())]
    if all_resamplings and moves(shift) and remakes[0].unexplained < BARELY_EXPLAINED:
        others = [*OTHER_RESAMPLINGS, *([Resampling("area")] if shrinks(shift) else [])]
        remakes += [_remake(shift, draws, target, seed, other) for other in others]
        best = min(remakes, key=lambda r: r.misfit)
        if best.resampling == Resampling("bilinear", 0.5):
            remakes.append(_remake(shift, draws, target, seed, Resampling("bicubic", 0.5)))
    return min(remakes, key=lambda r: r.misfit)


def moves(shift: Shift) -> bool:
    """Whether the picture is resampled at places between its pixels."""
    return any(part.smooth for part in shift.components)


def shrinks(shift: Shift) -> bool:
    """Whether the picture becomes smaller: careful implementations then average over areas."""
    return any(part.shrinks for part in shift.components)


def change_of(pairs: Pairs) -> float:
    """The energy that a remake has to explain.

    That of the change, or of the shifted set about its mean if that is less.
    """
    return max(min(pairs.change, float(pairs.shifted.var(dtype=np.float64))), 1e-12)


def in_bytes(images: Images) -> bool:
    """Whether images are rounded to 256 values."""
    few = images[:20] * 255
    return bool(np.abs(few - np.rint(few)).max() < 1e-3)


def to_bytes(images: Images) -> Images:
    """The images rounded to 256 values."""
    return np.rint(images * np.float32(255)) / np.float32(255)


def _remake(shift: Shift, draws: Shift, target: Target, seed: int, kernel: Resampling) -> Remake:
    pairs = target.pairs
    with resampled(kernel):
        remakes = [draws.apply(pairs.reference, np.random.default_rng([seed, i])) for i in range(2)]
        noisy = not np.array_equal(remakes[0], remakes[1])
        if noisy:
            remakes += [
                draws.apply(pairs.reference, np.random.default_rng([seed, i])) for i in range(2, 1 + SETTINGS.remakes)
            ]
    if not noisy:
        return _without_noise(shift, draws, pairs, kernel, pairs.shifted - remakes[0])
    if in_bytes(pairs.shifted):  # values that pile up must do so on the same grid
        remakes = list(map(to_bytes, remakes))
    return _with_noise(shift, draws, target, kernel, remakes)


def _without_noise(shift: Shift, draws: Shift, pairs: Pairs, kernel: Resampling, residual: Images) -> Remake:
    """A remake without noise, judged by the energy of its residual.

    Edges and rounding, where implementations differ, do not count.
    """
    energy, change = energy_of(residual), change_of(pairs)
    if any(part.group == "blur" for part in shift.components):
        energy, change = energy_of(_inner(residual)), change_of(Pairs(_inner(pairs.reference), _inner(pairs.shifted)))
    elif pairs.bordered and (clear := away_from_edges(draws, pairs.reference)) is not None:
        energy = energy_of(residual * clear) / float(clear.mean())
    energy = max(energy - ROUNDING * in_bytes(pairs.shifted), 0)
    inexact = moves(shift) or _depends_on_neighbors(shift) or shift.approximate
    weight = 1 if inexact else thresholds.STRICT_WEIGHT
    return Remake(shift, draws, energy / change, 0.0, 0.0, {}, kernel, residual, weight)


def _with_noise(shift: Shift, draws: Shift, target: Target, kernel: Resampling, remakes: list[Images]) -> Remake:
    """The first remake is one draw of the noise; the others' mean stands for what is not noise."""
    change, mean = change_of(target.pairs), mean_of(remakes[1:])
    residual, noise = target.pairs.shifted - mean, remakes[0] - mean
    energy, expected = energy_of(residual), energy_of(noise)
    unexplained = max(abs(energy - expected) - 2 * _standard_error(residual, noise), 0.0) / change
    # The mean of few remakes is itself off by a share of the noise: taken away, the distance from it is a proper score.
    distance = energy - expected / (SETTINGS.remakes + 1)
    first = target.statistics(remakes[0])
    measured = mismatches(mean, target.shifted, first, expected)
    # If strengths are drawn for each image, remakes differ among themselves: those that are least alike are the null.
    others = range(1, len(remakes) if _draws_strengths(shift) else 2)
    nulls = [
        mismatches(
            mean_of([m for j, m in enumerate(remakes) if j != i]), target.statistics(remakes[i]), first, expected
        )
        for i in others
    ]
    details = {name: max(value - max(null[name] for null in nulls), 0.0) for name, value in measured.items()}
    noise_fraction = min(max(energy, expected) / change, 1.0)
    mismatch = float(sum(details.values()))
    score = math.sqrt(noise_fraction) * mismatch + (abs(energy - expected) + distance) / change
    return Remake(shift, draws, unexplained, mismatch, noise_fraction, details, kernel, residual, score=score)


def _depends_on_neighbors(shift: Shift) -> bool:
    """Whether other implementations may treat the neighbourhood of a pixel a little differently."""
    return any(part.group in ("blur", "overlay") for part in shift.components)


def _draws_strengths(shift: Shift) -> bool:
    """Whether parameters of the shift are drawn for each image."""
    return any(isinstance(value, Uniform | Choice) for part in shift.components for value in vars(part).values())


def _inner(images: Images) -> Float[np.ndarray, "n c y x"]:
    """The images without their borders.

    A blur there depends on what an implementation assumes beyond the border.
    """
    frame = min(images.shape[2:]) // FRAME
    return images[:, :, frame : images.shape[2] - frame, frame : images.shape[3] - frame]


def _standard_error(residual: Images, noise: Images) -> float:
    """Of the difference of two energies, each a mean over images."""
    energies = [np.mean(side**2, axis=(1, 2, 3), dtype=np.float64) for side in (residual, noise)]
    return float(np.sqrt(sum(e.var() / e.size for e in energies)))
