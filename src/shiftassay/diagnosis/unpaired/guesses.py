"""First guesses of each family's numbers when there are no pairs: grids, moments, and what places always show."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import numpy as np
from jaxtyping import Float64
from scipy.optimize import linear_sum_assignment, minimize

from shiftassay.diagnosis.unpaired.portrait import Portrait
from shiftassay.errors import BadInput
from shiftassay.shifts.catalogue import make
from shiftassay.shifts.families.pattern import FixedPattern
from shiftassay.shifts.family import FAMILIES, Images, Shift

PICTURES = ("pixels", "squares")
LINEAR = ("translate", "roll", "rotate", "scale", "shear", "gaussian_blur", "defocus_blur", "motion_blur")
KEPT = 3  # starts of a family that moves the picture
STRENGTHS = (0.05, 0.1, 0.2, 0.35, 0.6)
EDGE = 1e-4  # a value nearer to black or white may have been clipped
WHITE = 0.985
CONSTANT = 1e-6  # variance of a place that always shows the same


def guesses(family: str, reference: np.ndarray, shifted: np.ndarray, before: Portrait, after: Portrait) -> list[Shift]:
    """Shared shifts of a family, and noise of one strength, that might lie between two sets; none if it leaves no trace to go by."""
    if family in LINEAR:
        return _by_mean_picture(family, reference, before, after)
    special: dict[str, Callable[..., list[Shift]]] = {
        "rescale": _rescale,
        "gain": _gain,
        "shot_noise": _shot_noise,
        "occlusion": _occlusion,
        "stripe": _stripe,
        "fixed_pattern": _fixed_pattern,
        "row_permutation": _lines,
        "column_permutation": _lines,
        "block_permutation": _blocks,
    }
    if family in special:
        return special[family](family, reference, shifted, before, after)
    clip = [] if shifted.min() >= 0 and shifted.max() <= 1 else [{"clip": False}]
    grid: dict[str, list[dict]] = {
        **{f: [{}] for f in ("identity", "invert", "flip_horizontal", "flip_vertical", "transpose", "canny_edges")},
        **{f: [{}] for f in ("dotted_line", "zigzag")},
        "offset": [{"amount": v} for v in (-0.4, -0.2, -0.1, 0.1, 0.2, 0.4)],
        "gamma": [{"exponent": v} for v in (0.25, 0.45, 0.7, 1.5, 2.2, 4.0)],
        "threshold": [{"level": v} for v in (0.1, 0.3, 0.5, 0.7, 0.9)],
        "quantize": [{"levels": v} for v in (2, 3, 4, 5, 6, 8, 12, 16)],
        "gaussian_noise": [{"sd": v} for v in STRENGTHS],
        "uniform_noise": [{"half_width": 1.7 * v} for v in STRENGTHS],
        "sign_noise": [{"epsilon": v} for v in STRENGTHS],
        "speckle_noise": [{"sd": 2 * v} for v in STRENGTHS],
        "impulse_noise": [{"fraction": v} for v in (0.02, *STRENGTHS)],
        "pixel_dropout": [{"fraction": v} for v in (0.1, 0.3, 0.5, 0.7, 0.9)],
        "pixelate": [{"factor": v} for v in (2, 4, 7, 14)],
        "jpeg": [{"quality": v} for v in (*range(4, 40, 4), *range(40, 96, 8))],
        "fog": [{"amount": v} for v in (0.2, 0.4, 0.6, 0.9)],
        "spatter": [{"coverage": v} for v in (0.05, 0.1, 0.15, 0.25, 0.4)],
        "glass_blur": [{"sd": v} for v in (0.4, 0.8)],
    }
    given = [
        {**g, **(clip[0] if clip and "noise" in family and family != "impulse_noise" else {})}
        for g in grid.get(family, [])
    ]
    return [made for g in given if (made := allowed(family, g, reference)) is not None]


def allowed(family: str, parameters: dict, images: Images) -> Shift | None:
    """The shift, or None if these parameters, or images of this size, are not allowed."""
    try:
        how = make(family, parameters)
        how.apply(images[:1], np.random.default_rng(0))
    except BadInput:
        return None
    return how


def _by_mean_picture(family: str, reference: np.ndarray, before: Portrait, after: Portrait) -> list[Shift]:
    """Linear in the picture, a shift does to the mean picture what it does to each: a fine grid costs next to nothing."""
    c, h, w = reference.shape[1:]
    reach = {"dx": range(-(w // 3), w // 3 + 1), "dy": range(-(h // 3), h // 3 + 1)}
    grid: dict[str, list[dict]] = {
        "translate": [dict(zip(reach, v, strict=True)) for v in product(*reach.values())],
        "roll": [
            {"dx": dx, "dy": dy} for dx in range(-(w // 2) + 1, w // 2 + 1) for dy in range(-(h // 2) + 1, h // 2 + 1)
        ],
        "rotate": [{"angle": float(v)} for v in range(-180, 180, 5)],
        "scale": [{"factor": float(v)} for v in np.geomspace(0.3, 3, 30)],
        "shear": [{"factor": float(v)} for v in np.linspace(-1.4, 1.4, 29)],
        "gaussian_blur": [{"sd": float(v)} for v in np.geomspace(0.4, 6, 14)],
        "defocus_blur": [{"radius": float(v)} for v in np.geomspace(0.8, 8, 14)],
        "motion_blur": [
            {"length": float(v), "angle": a} for v in (2, 3, 5, 7, 10, 14) for a in np.arange(0.0, 180, 15)
        ],
    }
    mean = before.mean["pixels"].reshape(1, c, h, w).astype(np.float32)
    error = before.variance["pixels"] / before.n + after.variance["pixels"] / after.n
    cls = FAMILIES[family]
    shifts = [cls(**g) for g in grid[family]]
    misfit = [
        np.sum((how.apply(mean, np.random.default_rng(0)).ravel() - after.mean["pixels"]) ** 2 / error)
        for how in shifts
    ]
    best = np.argsort(misfit)
    chosen: list[int] = []
    for i in best:  # starts that are no neighbours of each other
        if all(abs(int(i) - j) > 2 for j in chosen) or len(grid[family]) > 100:
            chosen.append(int(i))
        if len(chosen) == KEPT:
            break
    starts = [shifts[i] for i in chosen]
    if family == "roll":
        return starts
    # The grid's own values too: a move by whole pixels, or a half turn, blurs nothing, and next to it everything does.
    return starts + [_polished(how, mean, after.mean["pixels"], error) for how in starts]


def _polished(how: Shift, mean: Images, target: np.ndarray, error: np.ndarray) -> Shift:
    """The shift with its numbers fitted to the mean picture."""
    names = list(how.search)

    def misfit(numbers: np.ndarray) -> float:
        try:
            moved = replace(how, **dict(zip(names, map(float, numbers), strict=True)))
        except BadInput:
            return np.inf
        return float(np.sum((moved.apply(mean, np.random.default_rng(0)).ravel() - target) ** 2 / error))

    begin = np.array([getattr(how, name) for name in names])
    simplex = np.vstack([begin, begin + np.diag([2 * how.search[name].step for name in names])])
    best = minimize(
        misfit, begin, method="Nelder-Mead", options={"initial_simplex": simplex, "maxfev": 30 * len(names)}
    ).x
    return replace(how, **dict(zip(names, map(float, best), strict=True)))


def _rescale(family: str, reference: np.ndarray, shifted: np.ndarray, before: Portrait, after: Portrait) -> list[Shift]:
    """By mean and sd, and by the extremes, which are exact where nothing was clipped."""
    scale = float(shifted.std() / max(float(reference.std()), 1e-9))
    range_ = float(np.ptp(shifted) / max(float(np.ptp(reference)), 1e-9))
    guessed = [(s, float(shifted.mean() - s * reference.mean())) for s in (scale, -scale)]
    guessed += [
        (range_, float(shifted.min() - range_ * reference.min())),
        (-range_, float(shifted.max() + range_ * reference.min())),
    ]
    return [make(family, {"scale": s, "offset": offset}) for s, offset in guessed if s]


def _gain(family: str, reference: np.ndarray, shifted: np.ndarray, before: Portrait, after: Portrait) -> list[Shift]:
    factor = float(shifted.mean() / max(float(reference.mean()), 1e-9))
    if factor <= 0 or min(abs(factor / unit - 1) for unit in (255, 1 / 255)) < 0.05:  # other units: that is rescale
        return []
    bright = [make(family, {"factor": f * factor, "clip": True}) for f in (1.0, 1.3, 1.8)] if factor > 1 else []
    extreme = float(shifted.max() / max(float(reference.max()), 1e-9))
    return [make(family, {"factor": f}) for f in (factor, extreme) if f > 0] + bright


def _shot_noise(
    family: str, reference: np.ndarray, shifted: np.ndarray, before: Portrait, after: Portrait
) -> list[Shift]:
    """One photon is the smallest value above black."""
    seen = shifted[shifted > 1e-6]
    clip = bool(shifted.max() <= 1)
    return [make(family, {"photons": 1 / float(seen.min()), "clip": clip})] if seen.size else []


def _occlusion(
    family: str, reference: np.ndarray, shifted: np.ndarray, before: Portrait, after: Portrait
) -> list[Shift]:
    """The smallest rectangle round the places that always show one value, and did not in the reference."""
    grey, before_grey = shifted[:, 0], reference[:, 0]
    changed = np.mean(np.abs(before_grey - grey[:1]) > 0.02, axis=0)
    # A place that seldom shows ink may have shown none by chance.
    fixed = (grey.var(axis=0) < CONSTANT) & (changed > max(0.02, 10 / len(shifted)))
    if not fixed.any():
        return []
    fill = float(np.median(grey[0][fixed]))
    rows, columns = (np.flatnonzero((fixed & (np.abs(grey[0] - fill) < 1e-3)).any(axis=a)) for a in (1, 0))
    if not len(rows):
        return []
    box = {
        "top": int(rows[0]),
        "left": int(columns[0]),
        "height": int(np.ptp(rows)) + 1,
        "width": int(np.ptp(columns)) + 1,
    }
    how = allowed(family, {**box, "fill": fill}, reference)
    return [how] if how else []


def _stripe(family: str, reference: np.ndarray, shifted: np.ndarray, before: Portrait, after: Portrait) -> list[Shift]:
    a, b = (side.mean(axis=(0, 1, 2)) for side in (reference, shifted))
    columns = np.flatnonzero(np.abs(b - (1 - a)) < np.abs(b - a))
    return [make(family, {"columns": columns.tolist()})] if 0 < len(columns) < len(a) else []


def _fixed_pattern(
    family: str, reference: np.ndarray, shifted: np.ndarray, before: Portrait, after: Portrait
) -> list[Shift]:
    """The median, over quantiles that are neither black nor white, of how far each place's values moved; 0 where none is seen."""
    clip = bool(shifted.min() >= 0 and shifted.max() <= 1)
    levels = np.concatenate([np.linspace(0.02, 0.98, 33), [0.99, 0.995]])
    one, other = (np.quantile(side, levels, axis=0) for side in (reference, shifted))
    inside = (other > EDGE) & (other < 1 - EDGE) if clip else np.ones(other.shape, bool)
    with np.errstate(all="ignore"):
        # What was black or white before shows the pattern itself; greys only to the errors of two quantiles.
        exact = inside & ((one < EDGE) | (one > WHITE))
        moved = np.where(np.where(exact.any(axis=0), exact, inside), other - one, np.nan)
        seen = inside.any(axis=0)
        pattern = np.zeros(seen.shape)
        pattern[seen] = np.nanmedian(moved[:, seen], axis=0)
    if clip:  # black that stays black bounds a place's value, and so does white
        pattern = np.where((one[0] < EDGE) & (other[0] < EDGE), np.minimum(pattern, 0), pattern)
        pattern = np.where((one[-1] > 1 - EDGE) & (other[-1] > 1 - EDGE), np.maximum(pattern, 0), pattern)
        pattern[~seen & (one[0] < EDGE) & (other[0] > 1 - EDGE)] = 1
        pattern[~seen & (one[-1] > 1 - EDGE) & (other[-1] < EDGE)] = -1
    if not seen.any():
        return []
    # Below black only a bound is seen: the values above tell the spread.
    told = pattern[pattern > 0] if clip and (pattern > 0).any() else pattern[seen]
    sd = float(np.sqrt(np.mean(told**2)))
    return [FixedPattern(sd, tuple(map(float, pattern.ravel())), clip)]


def _lines(family: str, reference: np.ndarray, shifted: np.ndarray, before: Portrait, after: Portrait) -> list[Shift]:
    axis = 1 if family == "row_permutation" else 2
    order = matched_parts(before, after, lambda v: np.moveaxis(v.reshape(reference.shape[1:]), axis, 0))
    return [make(family, {"permutation": order.tolist()})]


def _blocks(family: str, reference: np.ndarray, shifted: np.ndarray, before: Portrait, after: Portrait) -> list[Shift]:
    c, h, w = reference.shape[1:]
    found = []
    for block in range(2, min(h, w) // 2 + 1):
        if h % block or w % block:
            continue

        def cut(v: np.ndarray, b: int = block) -> np.ndarray:
            return v.reshape(c, h // b, b, w // b, b).transpose(1, 3, 0, 2, 4).reshape(h // b * (w // b), -1)

        order = matched_parts(before, after, cut)
        found.append(make(family, {"block": block, "permutation": order.tolist()}))
    return found


def matched_parts(before: Portrait, after: Portrait, cut: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """For each part of the shifted mean picture (a row of what `cut` returns) the reference's that it looks like, one each."""
    cost: Float64[np.ndarray, "_ _"] | float = 0.0
    for name in PICTURES:
        a, b = (cut(p.mean[name]) for p in (before, after))
        va, vb = (cut(p.variance[name] / p.n) for p in (before, after))
        a, b, va, vb = (v.reshape(len(v), -1) for v in (a, b, va, vb))
        cost = cost + ((b[:, None] - a[None]) ** 2 / (vb[:, None] + va[None])).sum(axis=2)
    # Parts that are alike, such as black ones, stay where they are.
    return linear_sum_assignment(np.asarray(cost) - 1e-3 * np.eye(len(np.asarray(cost))))[1]
