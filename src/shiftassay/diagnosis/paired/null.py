"""Whether a candidate fits: its misfit beside those of its own remakes.

If a candidate is right, the shifted images are one remake of the reference among many: by code that interpolates,
rounds and treats borders in its own way, and with other noise. So remakes stand in for the shifted images and are
judged as these were, on the same images. What that gives is the *null distribution* of the misfit. Which code made the
shifted images is not known: the p-value is the largest over the stand-ins for it.

| stand-in | of which shifts |
| --- | --- |
| another kernel, border, rounding or form of the family (`implementations.py`), judged by all the others | all |
| bytes that were stored after each part | compositions in bytes |
| half a pixel's difference between two interpolations | not `exact`, not moved: discretized kernels, drawn lines |
| parameters that are estimated from a remake of the pairs for fitting | all |
| other draws of the noise, and another edge where it moved | with noise |
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
from jaxtyping import Float

from shiftassay.diagnosis.null_distribution import Fit, NullDistribution
from shiftassay.diagnosis.paired.implementations import Implementation, Rounding, other_implementations, rounded
from shiftassay.diagnosis.paired.interpolation import interpolation_differences
from shiftassay.diagnosis.paired.left_out import beside_left_out
from shiftassay.diagnosis.paired.noise_discrepancy import EvaluationPairs
from shiftassay.diagnosis.paired.refit import estimated_again
from shiftassay.diagnosis.paired.remake import (
    ROUNDING,
    Remake,
    blurs,
    change_of,
    moves,
    noise_moves,
    remake,
    residual_energies,
    to_bytes,
)
from shiftassay.diagnosis.paired.task import Task
from shiftassay.errors import BadInput
from shiftassay.execution.mapping import mapped
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.pairs import in_bytes, squares_of_parts
from shiftassay.shifts.family import Shift
from shiftassay.shifts.warp import EDGES, OURS, Resampling, resampled

CLEAR = 0.1  # p-value that ends the search for further stand-ins
FEW_DRAWS, DRAWS = 4, 10  # remakes with other noise: to begin with, and where these leave it open
FEW_ESTIMATES = 3  # the same with parameters that are estimated again
JUDGED_BY = ("bilinear", "bicubic", "nearest")  # the kernels under which candidates are judged
SMOOTH = (OURS, Resampling("bicubic"), Resampling("spline"))
OTHER_SEED = 101  # of draws that stand in for the shifted images: none is one of a remake (see `remake._remake`)


def fit_of(made: Remake, task: Task) -> Fit:
    """A candidate's misfit beside its null distribution.

    `made` is its remake on the held-out pairs of the task.
    """
    p_value, limit = 0.0, 0.0
    for null in _nulls(made, task):
        p_value, limit = max(p_value, null.p_value(made.misfit)), max(limit, null.limit)
        if p_value >= CLEAR:
            break
    return Fit(made.misfit, p_value, limit)


def _nulls(made: Remake, task: Task) -> Iterator[NullDistribution]:
    """The null of each stand-in, cheap ones first."""
    yield from _of_draws(made, task) if made.noise_fraction else _of_implementations(made, task)
    if made.misfit < task.settings.reestimated:
        yield from _of_estimates(made, task)


def _of_implementations(made: Remake, task: Task) -> Iterator[NullDistribution]:
    """Of shifts without noise: the residuals that other implementations of it leave."""
    pairs, shift = task.held_out, made.inferred
    observed = residual_energies(shift, pairs, made.residual)
    rounding = ROUNDING * in_bytes(pairs.shifted)
    change = (float(observed.mean()) - rounding) / made.misfit if made.misfit else change_of(pairs)

    def null(energies: Float[np.ndarray, "parts"]) -> NullDistribution:
        return _over_images(max(float(energies.mean()) - rounding, ROUNDING) / change, energies, observed)

    yield null(np.full(len(pairs), rounding + ROUNDING))
    made_by = [
        (way.resampling, images)
        for way in other_implementations(shift, made.resampling, in_bytes(pairs.shifted))
        if (not way.alternative or _tried_in_no_other_form(shift))
        and (images := _applied(way, shift, pairs.reference)) is not None
    ]
    if len(shift.components) > 1 and (rounding or in_bytes(pairs.reference)):
        ways: tuple[Rounding, ...] = ("nearest",) if rounding else ("nearest", "down")
        last = "nearest" if rounding else "none"
        made_by += [(made.resampling, _rounded_between(shift, pairs.reference, made.resampling, w, last)) for w in ways]
    made_by = [(way, beside_left_out(images, shift, pairs)) for way, images in made_by]
    for i, (resampling, images) in enumerate(made_by):
        # Pictures made of the nearest pixels are known by their values: they stand in only for such.
        nearest = resampling.kernel == "nearest"
        if moves(shift) and nearest != (made.resampling.kernel == "nearest"):
            continue
        judges = [
            other
            for j, (r, other) in enumerate(made_by)
            if j != i and r.kernel in JUDGED_BY and not r.steps and not (nearest and r.kernel == "nearest")
        ]
        if judges:
            residuals = [residual_energies(shift, pairs, images - other) for other in judges]
            yield null(min(residuals, key=lambda energies: energies.mean()))
    if not moves(shift) and not all(part.exact for part in shift.components):
        yield null(interpolation_differences(pairs.shifted - made.residual, change))


def _tried_in_no_other_form(shift: Shift) -> bool:
    """Whether candidates of this kind are judged in one form only.

    Then another form can stand in for the code that made the images: of blurs or maps of colours in a row.
    """
    parts = shift.components
    return len(parts) > 1 and all(not p.alternatives() or blurs(p) or p.group == "colour" for p in parts)


def _applied(way: Implementation, shift: Shift, images: Images) -> Images | None:
    """The images as this implementation makes them; None where it can't."""
    try:
        return way.apply(shift, images, np.random.default_rng(0))
    except BadInput:
        return None


def _rounded_between(shift: Shift, images: Images, resampling: Resampling, between: Rounding, last: Rounding) -> Images:
    """The images after a composition that stores bytes after each part.

    The last part is rounded in a way of its own.
    """
    parts = list(zip(shift.components, np.random.default_rng(0).spawn(len(shift.components)), strict=True))
    with resampled(resampling):
        for i, (part, own) in enumerate(parts):
            images = rounded(part.apply(images, own), between if i < len(parts) - 1 else last)
    return images


def _over_images(
    misfit: float, energies: Float[np.ndarray, "parts"], observed: Float[np.ndarray, "others"]
) -> NullDistribution:
    """The null of a misfit without noise.

    Images, or parts of few images, differ, which gives both sides a standard error.

    It is that of the logarithm of a mean over images, of the stand-in's residual and of the observed one.
    """
    error = np.hypot(*(side.std() / max(side.mean(), 1e-12) / len(side) ** 0.5 for side in (energies, observed)))
    return NullDistribution(misfit**0.5, 0.5 * float(error) * misfit**0.5)


def _of_draws(made: Remake, task: Task) -> Iterator[NullDistribution]:
    """Of shifts with noise: remakes with other draws.

    Of noise that moved, also with another edge.
    """
    ways = [made.resampling]
    if noise_moves(made.shift):
        ways += [replace(made.resampling, edge=edge) for edge in EDGES if edge != made.resampling.edge]
    for way in ways:
        misfit = partial(_misfit_of_draw, made, way, task)
        misfits = mapped(misfit, range(FEW_DRAWS))
        if made.misfit > float(np.median(misfits)):  # otherwise these are enough
            misfits += mapped(misfit, range(FEW_DRAWS, DRAWS))
        yield NullDistribution.of_another(misfits)


def _misfit_of_draw(made: Remake, way: Resampling, task: Task, draw: int) -> float:
    return _remake_of_remake(made.shift, made.shift, way, task, draw, made.resampling).misfit


def _of_estimates(made: Remake, task: Task) -> Iterator[NullDistribution]:
    """The misfits of estimates from remakes of the pairs for fitting.

    Few pairs leave parameters uncertain, and another kernel than that of the fit biases them.
    """
    if made.noise_fraction:
        remakes = [_remake_of_estimate(made, made.resampling, task, draw) for draw in range(FEW_ESTIMATES)]
        misfits = [stand_in.misfit for stand_in in remakes if stand_in is not None]
        if len(misfits) > 1:
            yield NullDistribution.of_another(misfits)
        return
    kernels = [made.resampling, *(r for r in SMOOTH if r.kernel != made.resampling.kernel and moves(made.shift))]
    for resampling in kernels:
        if (stand_in := _remake_of_estimate(made, resampling, task)) is not None:
            yield _over_images(stand_in.misfit, squares_of_parts(stand_in.residual), squares_of_parts(made.residual))


def _remake_of_estimate(made: Remake, resampling: Resampling, task: Task, draw: int = 0) -> Remake | None:
    """A remake with parameters that are estimated from another, of as many pairs.

    None where that fails.
    """
    pairs = task.fit if len(made.shift.components) == 1 else task.composed
    fitted = _made(made.shift, pairs.reference, resampling, draw, task)
    with resampled(made.resampling):
        estimate = estimated_again(made.shift, replace(pairs, shifted=fitted))
    if estimate is None:
        return None
    return _remake_of_remake(made.shift, estimate, resampling, task, draw, made.resampling)


def _remake_of_remake(
    shift: Shift, judged: Shift, resampling: Resampling, task: Task, draw: int, judged_under: Resampling | None = None
) -> Remake:
    """The remake by a shift of images that another, or the same, made of the held-out reference."""
    reference = task.held_out.reference
    images = _made(shift, reference, resampling, draw, task)
    with resampled(judged_under or resampling):
        return remake(judged, EvaluationPairs(replace(task.held_out, shifted=images)), task.seed, all_resamplings=False)


def _made(shift: Shift, reference: Images, resampling: Resampling, draw: int, task: Task) -> Images:
    """Images that stand in for the shifted ones.

    They are as these would be with other draws of what is random.
    """
    with resampled(resampling):
        images = shift.apply(reference, np.random.default_rng([task.seed, OTHER_SEED + draw]))
    return to_bytes(images) if in_bytes(task.held_out.shifted) else images
