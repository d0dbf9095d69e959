"""Remakes: how well a shift, applied to the reference again, reproduces the shifted images.

Candidates are scored on held-out pairs, from which only per-image parameters are inferred. Fits of parameters with
noise (`joint.simplex`, `refit.py`) use remakes of the pairs that they fit.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from shiftassay.diagnosis.paired.left_out import beside_left_out
from shiftassay.diagnosis.paired.noise_discrepancy import EvaluationPairs, energy_of, mean_of, noise_discrepancies
from shiftassay.diagnosis.paired.round_numbers import makes_bytes
from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.fit_error import away_from_edges, blurs, without_border
from shiftassay.shifts.estimation.pairs import Pairs, in_bytes, squares_of_parts
from shiftassay.shifts.family import Shift
from shiftassay.shifts.parameters import Choice, Uniform
from shiftassay.shifts.warp import OURS, Resampling, current_resampling, resampled

ROUNDING = 1 / 255**2 / 12  # energy of rounding to eight bits
BARELY_EXPLAINED = 0.6  # of the change: if more than this is unexplained, other resamplings are skipped
USUAL_RESAMPLINGS = (
    OURS,
    Resampling("bicubic"),
    Resampling("nearest"),
    Resampling("bilinear", 0.5),
    Resampling("nearest", 0.5),
)
# Pixels by which the centre is moved: then places halfway between two pixels fall to one of them, as elsewhere.
BESIDE = 0.05
COMPARABLE = 2.5  # times what the best resampling leaves: nearest neighbours whose ties fell to the wrong side
# Bilinear resampling would smooth noise that came before; these keep it. Each has its own overshoots, which the
# statistics of noise show.
KEEPING_NOISE = Resampling("bicubic"), Resampling("keys"), Resampling("spline")


@dataclass(frozen=True, eq=False)
class Remake:
    """A shift applied to the reference of some pairs, and what that leaves of the change.

    `inferred` is the shift with its per-image parameters inferred from these pairs, `resampling` the one under which it
    fits best, and `residual` is shifted − remake, or − the mean of several remakes. Energies are mean squares.

    | field | without noise | with noise |
    | --- | --- | --- |
    | `unexplained` | residual energy / change | (difference from the noise's energy − 2 standard errors) / change |
    | `noise_fraction` | 0 | larger of both energies / change, at most 1; large for any bad fit, too |
    | `noise_discrepancy` | 0 | how far the residual differs from that noise in other statistics: the sum of `details` |
    """

    shift: Shift
    inferred: Shift
    unexplained: float
    noise_discrepancy: float
    noise_fraction: float
    details: Mapping[str, float]
    resampling: Resampling
    residual: Images
    fit_objective: float = 0.0
    """Of a shift with noise: what a fit of its parameters minimizes; at best about the noise's energy / change."""

    @property
    def misfit(self) -> float:
        """0 for a perfect remake, about 1 for one that explains nothing."""
        return self.unexplained + math.sqrt(self.noise_fraction) * self.noise_discrepancy


def remake(shift: Shift, evaluation: EvaluationPairs, seed: int = 0, all_resamplings: bool = True) -> Remake:
    """Apply a shift to the reference of the pairs and compare the result with the shifted images.

    A shift that moves the picture is applied under all usual resamplings, one that has other forms in each of these,
    and the best fit is returned.
    """
    inferred = shift.infer_draws(evaluation.pairs) or shift
    remakes = [_remake(shift, inferred, evaluation, seed, current_resampling())]
    if all_resamplings and len(shift.components) == 1 and remakes[0].misfit > 0:
        forms = inferred.alternatives().values()
        remakes += [_remake(shift, form, evaluation, seed, current_resampling()) for form in forms]
    if all_resamplings and moves(shift) and remakes[0].unexplained < BARELY_EXPLAINED:
        others = [*USUAL_RESAMPLINGS, *([Resampling("area")] if shrinks(shift) else [])]
        others += KEEPING_NOISE[1:] if any(part.random for part in shift.components) else ()
        others = [other for other in others if other != current_resampling()]
        remakes += [_remake(shift, inferred, evaluation, seed, other) for other in others]
        best = min(remakes, key=lambda r: r.misfit)
        if best.resampling == Resampling("bilinear", 0.5):
            remakes.append(_remake(shift, inferred, evaluation, seed, Resampling("bicubic", 0.5)))
        nearest = [r for r in remakes if r.resampling.kernel == "nearest" and 0 < r.misfit < COMPARABLE * best.misfit]
        centers = [r.resampling.center + beside for r in nearest for beside in (-BESIDE, BESIDE)]
        remakes += [_remake(shift, inferred, evaluation, seed, Resampling("nearest", center)) for center in centers]
        best = min(remakes, key=lambda r: r.misfit)
        if inferred is not shift and best.resampling.center != current_resampling().center:
            with resampled(best.resampling):
                again = shift.infer_draws(evaluation.pairs) or shift
            remakes.append(_remake(shift, again, evaluation, seed, best.resampling))
    return min(remakes, key=lambda r: r.misfit)


def remake_under(shift: Shift, evaluation: EvaluationPairs, resamplings: Sequence[Resampling], seed: int) -> Remake:
    """The same under these resamplings only."""
    inferred = shift.infer_draws(evaluation.pairs) or shift
    return min((_remake(shift, inferred, evaluation, seed, r) for r in resamplings), key=lambda r: r.misfit)


def moves(shift: Shift) -> bool:
    """Whether the picture is resampled at places between its pixels."""
    return any(part.smooth for part in shift.components)


def noise_moves(shift: Shift) -> bool:
    """Whether a picture moves that noise was added to before."""
    return _after_noise(shift, moves)


def noise_blurs(shift: Shift) -> bool:
    """Whether a blur follows noise, which shows every weight of its kernel."""
    return _after_noise(shift, blurs)


def _after_noise(shift: Shift, does: Callable[[Shift], bool]) -> bool:
    parts = shift.components
    return any(part.random and any(map(does, parts[i + 1 :])) for i, part in enumerate(parts))


def shrinks(shift: Shift) -> bool:
    """Whether the picture becomes smaller: careful implementations then average over areas."""
    return any(part.shrinks for part in shift.components)


def change_of(pairs: Pairs) -> float:
    """The energy that a remake has to explain.

    It is the smaller of the energy of the change and the variance of the shifted images.
    """
    return max(min(pairs.change, float(pairs.shifted.var(dtype=np.float64))), 1e-12)


def to_bytes(images: Images) -> Images:
    """The images rounded to 256 values."""
    return np.rint(images * np.float32(255)) / np.float32(255)


def _remake(shift: Shift, inferred: Shift, evaluation: EvaluationPairs, seed: int, kernel: Resampling) -> Remake:
    pairs = evaluation.pairs
    with resampled(kernel):
        remakes = [inferred.apply(pairs.reference, np.random.default_rng([seed, i])) for i in range(2)]
        noisy = not np.array_equal(remakes[0], remakes[1])
        if noisy:
            remakes += [
                inferred.apply(pairs.reference, np.random.default_rng([seed, i]))
                for i in range(2, 1 + SETTINGS.remakes)
            ]
        remakes = [beside_left_out(made, inferred, pairs) for made in remakes]
    if not noisy:
        return _without_noise(shift, inferred, pairs, kernel, remakes[0])
    if in_bytes(pairs.shifted):  # histograms can be compared only if both are rounded, or neither
        remakes = list(map(to_bytes, remakes))
    return _with_noise(shift, inferred, evaluation, kernel, remakes)


def _without_noise(shift: Shift, inferred: Shift, pairs: Pairs, kernel: Resampling, made: Images) -> Remake:
    """A remake without noise, scored by what it leaves beyond rounding to bytes."""
    residual = pairs.shifted - made
    energy = float(residual_energies(inferred, pairs, residual).mean())
    if in_bytes(pairs.shifted):
        energy = 0.0 if makes_bytes(made, pairs.shifted) else max(energy - ROUNDING, 0.0)
    return Remake(shift, inferred, energy / _change_beside(shift, pairs), 0.0, 0.0, {}, kernel, residual)


def residual_energies(inferred: Shift, pairs: Pairs, residual: Images) -> Float[np.ndarray, "parts"]:
    """The mean square of each image's residual where implementations agree.

    Of few images, it is that of their parts. It leaves out the edges of a moved picture, and the borders of a blur.
    """
    if blurs(inferred):
        return squares_of_parts(without_border(residual))
    if pairs.bordered and (clear := away_from_edges(inferred, pairs.reference)) is not None:
        return squares_of_parts(residual * clear) / float(clear.mean())
    return squares_of_parts(residual)


def _change_beside(shift: Shift, pairs: Pairs) -> float:
    """The energy that a shift without noise has to explain: of a blur, without the borders."""
    return change_of(Pairs(without_border(pairs.reference), without_border(pairs.shifted)) if blurs(shift) else pairs)


def _with_noise(
    shift: Shift, inferred: Shift, evaluation: EvaluationPairs, kernel: Resampling, remakes: list[Images]
) -> Remake:
    """A remake with noise, scored by how its residual differs from the noise of another remake.

    The first remake is one draw of the noise; the mean of the others stands for what is not noise.
    """
    change, mean = change_of(evaluation.pairs), mean_of(remakes[1:])
    residual, noise = evaluation.pairs.shifted - mean, remakes[0] - mean
    energy, expected = energy_of(residual), energy_of(noise)
    unexplained = max(abs(energy - expected) - 2 * _standard_error(residual, noise), 0.0) / change
    # Subtract the bias of a mean of R remakes, sd²/R: the energy expected, which is sd²·(1 + 1/R), over R + 1.
    distance = energy - expected / (SETTINGS.remakes + 1)
    first = evaluation.statistics(remakes[0])
    measured = noise_discrepancies(mean, evaluation.shifted_statistics, first, expected)
    # The null: each other remake as if it were the shifted images, against the mean of the rest, the first included.
    # With parameters drawn for each image, remakes differ among themselves: the largest null of each statistic counts.
    others = range(1, len(remakes) if _draws_parameters(shift) else 2)
    nulls = [
        noise_discrepancies(
            mean_of([m for j, m in enumerate(remakes) if j != i]), evaluation.statistics(remakes[i]), first, expected
        )
        for i in others
    ]
    details = {name: max(value - max(null[name] for null in nulls), 0.0) for name, value in measured.items()}
    noise_fraction = min(max(energy, expected) / change, 1.0)
    noise_discrepancy = float(sum(details.values()))
    fit_objective = math.sqrt(noise_fraction) * noise_discrepancy + (abs(energy - expected) + distance) / change
    return Remake(
        shift,
        inferred,
        unexplained,
        noise_discrepancy,
        noise_fraction,
        details,
        kernel,
        residual,
        fit_objective=fit_objective,
    )


def _draws_parameters(shift: Shift) -> bool:
    """Whether parameters of the shift are drawn for each image."""
    return any(isinstance(value, Uniform | Choice) for part in shift.components for value in vars(part).values())


def _standard_error(residual: Images, noise: Images) -> float:
    """Of the difference of two energies, each a mean over images."""
    energies = [np.mean(side**2, axis=(1, 2, 3), dtype=np.float64) for side in (residual, noise)]
    return float(np.sqrt(sum(e.var() / e.size for e in energies)))
